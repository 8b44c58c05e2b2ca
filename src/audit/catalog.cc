// SPDX-License-Identifier: Apache-2.0
#include "audit/catalog.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "audit/toml.h"
#include "base/text.h"
#include "platform/cuda.h"

namespace assay::audit {
namespace {

std::string replace(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::vector<std::string> strings(const Json& array) {
  std::vector<std::string> out;
  for (const Json& j : array)
    if (j.is_string()) out.push_back(j.get<std::string>());
  return out;
}

Result<Compiler> load_compiler(const fs::path& folder) {
  const fs::path file = folder / "compiler.toml";
  ASSAY_TRY(Json t, read_toml(file));
  Compiler c;
  c.folder = folder;
  c.name = get_string(t, "name");
  c.summary = get_string(t, "summary");
  c.family = get_string(t, "family");
  c.manual = get_string(t, "manual");
  c.runner = get_string(t, "runner");
  c.library_glob = get_string(t, "library");
  c.decides_at = get_string(t, "decides_at", "build");
  c.kernels = get_string(t, "kernels", "name");
  c.search = get_bool(t, "search");
  c.builder = strings(get_array(t, "builder"));
  c.precisions = strings(get_array(t, "precisions"));
  if (t.contains("devices")) c.devices = strings(get_array(t, "devices"));
  for (const auto& [kind, d] : get_object(t, "device").items())
    c.device_environments[kind] = {get_string(d, "family"), get_string(d, "library")};
  c.build_s = get_double(get_object(t, "estimate"), "build_s", c.build_s);
  c.trial_s = get_double(get_object(t, "estimate"), "trial_s", c.trial_s);
  c.lock_proofs = strings(get_array(get_object(t, "lock"), "proof"));
  c.lock_not_covered = strings(get_array(get_object(t, "lock"), "not_covered"));
  for (const auto& [name, value] : get_object(t, "env").items())
    if (value.is_string()) c.env[name] = value.get<std::string>();
  for (const auto& [name, o] : get_object(t, "options").items()) {
    OptionSpec spec{name, get_string(o, "type", "string"), get_string(o, "help"),
                    o.contains("default") ? o["default"] : Json(),
                    strings(get_array(o, "choices"))};
    c.options.push_back(std::move(spec));
  }
  if (c.name != folder.filename().string() || c.builder.empty() || c.runner.empty() ||
      c.precisions.empty() || c.devices.empty()) {
    return bad_input(fmt::format(
        "{}: name must be the folder's, and runner, builder, precisions and devices must be given",
        file.string()));
  }
  return c;
}

// First match in sorted order of a glob whose last component alone may hold one '*'.
fs::path match_glob(const fs::path& root, const std::string& glob) {
  const fs::path pattern = root / glob;
  const std::string last = pattern.filename().string();
  const size_t star = last.find('*');
  std::error_code ec;
  if (star == std::string::npos) return fs::exists(pattern, ec) ? pattern : fs::path();
  const std::string head = last.substr(0, star), tail = last.substr(star + 1);
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(pattern.parent_path(), ec)) {
    const std::string name = entry.path().filename().string();
    if (name.size() >= head.size() + tail.size() && name.starts_with(head) && name.ends_with(tail))
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found.empty() ? fs::path() : found.front();
}

fs::path site_packages(const fs::path& venv) {
  const fs::path python = match_glob(venv / "lib", "python3*");
  return python.empty() ? fs::path() : python / "site-packages";
}

}  // namespace

fs::path share_dir() {
  std::error_code ec;
  if (const char* env = std::getenv("ASSAY_SHARE"); env && *env) return env;
  const fs::path installed = executable_dir().parent_path() / "share" / "assay";
  if (fs::is_directory(installed / "compilers", ec)) return installed;
  return ASSAY_SOURCE_DIR;
}

Result<std::vector<Compiler>> load_compilers() {
  const fs::path root = share_dir() / "compilers";
  std::vector<Compiler> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(root, ec)) {
    if (!fs::is_regular_file(entry.path() / "compiler.toml", ec)) continue;
    ASSAY_TRY(Compiler c, load_compiler(entry.path()));
    out.push_back(std::move(c));
  }
  if (out.empty())
    return missing(fmt::format("no compilers found in {}", root.string()),
                   "set ASSAY_SHARE to the folder that holds compilers/");
  std::sort(out.begin(), out.end(),
            [](const Compiler& a, const Compiler& b) { return a.name < b.name; });
  return out;
}

Result<Compiler> find_compiler(std::string_view name) {
  ASSAY_TRY(auto all, load_compilers());
  std::vector<std::string> names;
  for (Compiler& c : all) {
    if (c.name == name) return std::move(c);
    names.push_back(c.name);
  }
  return bad_input(fmt::format("unknown compiler \"{}\"", one_line(name)),
                   fmt::format("known: {}", fmt::join(names, ", ")));
}

std::string Compiler::install_command(std::string_view device) const {
  const std::string kind(device_kind(device));
  return "./assay-up compilers " + name + (device_environments.contains(kind) ? "-" + kind : "");
}

std::string Compiler::install_fix(std::string_view device) const {
  return manual.empty() ? "run: " + install_command(device) : manual;
}

std::string_view device_kind(std::string_view device) { return device.substr(0, device.find(':')); }

Result<std::string> resolve_device(const Compiler& c, std::string_view asked) {
  const std::string device(asked.empty() ? std::string_view(c.devices.front()) : asked);
  const std::string kind(device_kind(device));
  const std::string whole = device == "cuda" ? "cuda:0" : device;
  if (whole != "cpu" && platform::cuda_index(whole) < 0)
    return bad_input(fmt::format("device \"{}\" is not a device", one_line(device, 40)),
                     "use cpu, cuda:0, cuda:1, ...");
  if (std::find(c.devices.begin(), c.devices.end(), kind) == c.devices.end())
    return bad_input(fmt::format("compiler {} does not build for {}", c.name, kind),
                     fmt::format("it offers: {}; leave it out or name another device",
                                 fmt::join(c.devices, ", ")));
  return whole;
}

std::map<std::string, std::string> child_environment(const Compiler& c, std::string_view device) {
  auto env = c.env;
  if (device_kind(device) == "cuda") env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
  return env;
}

Result<Installation> find_installation(const Compiler& c, std::string_view device) {
  Installation in;
  std::error_code ec;
  fs::path python = "/usr/bin/python3";
  const std::string fix = c.install_fix(device);
  std::string family = c.family, library_glob = c.library_glob;
  if (const auto own = c.device_environments.find(std::string(device_kind(device)));
      own != c.device_environments.end()) {
    if (!own->second.family.empty()) family = own->second.family;
    if (!own->second.library_glob.empty()) library_glob = own->second.library_glob;
  }
  if (!family.empty()) {
    const fs::path venv = cache_dir() / "venvs" / family;
    python = venv / "bin" / "python";
    if (!fs::exists(python, ec) || !fs::exists(venv / ".complete", ec)) {
      return missing(fmt::format("compiler {} is not installed (no {})", c.name, venv.string()),
                     fix);
    }
    in.venv = fs::canonical(venv, ec);
    in.packages_key = in.venv.filename().string();
    if (!library_glob.empty()) {
      in.library = match_glob(site_packages(venv), library_glob);
      if (in.library.empty())
        return missing(fmt::format("compiler {} has no library {}", c.name, library_glob), fix);
    }
  }
  in.python = python;
  in.runner = executable_dir().parent_path() / "lib" / ("libassay_runner_" + c.runner + ".so");
  if (!fs::exists(in.runner, ec))
    return missing(
        fmt::format("runner of compiler {} is not built (no {})", c.name, in.runner.string()), fix);
  for (std::string a : c.builder) {
    a = replace(std::move(a), "{python}", python.string());
    a = replace(std::move(a), "{folder}", c.folder.string());
    in.builder_argv.push_back(replace(std::move(a), "{bin}", executable_dir().string()));
  }
  return in;
}

Result<Json> complete_options(const Compiler& c, const Json& given) {
  Json out = Json::object();
  for (const OptionSpec& spec : c.options) {
    Json value = given.contains(spec.name) ? given[spec.name] : spec.fallback;
    if (spec.type == "float" && value.is_number_integer()) value = value.get<double>();
    const bool ok = spec.type == "int"     ? value.is_number_integer()
                    : spec.type == "float" ? value.is_number()
                    : spec.type == "bool"  ? value.is_boolean()
                                           : value.is_string();
    if (!ok) {
      return bad_input(fmt::format("option {}.{} is {}, expected {}", c.name, spec.name,
                                   dump_json(value), spec.type));
    }
    if (!spec.choices.empty() &&
        std::find(spec.choices.begin(), spec.choices.end(),
                  value.is_string() ? value.get<std::string>() : dump_json(value)) ==
            spec.choices.end()) {
      return bad_input(fmt::format("option {}.{} is {}, expected one of {}", c.name, spec.name,
                                   dump_json(value), fmt::join(spec.choices, ", ")));
    }
    out[spec.name] = value;
  }
  for (const auto& [name, value] : given.items()) {
    if (out.contains(name)) continue;
    std::vector<std::string> names;
    for (const OptionSpec& s : c.options) names.push_back(s.name);
    return bad_input(
        fmt::format("compiler {} has no option \"{}\"", c.name, one_line(name)),
        names.empty() ? "it has no options" : fmt::format("known: {}", fmt::join(names, ", ")));
  }
  return out;
}

Result<Json> parse_option(const Compiler& c, std::string_view name, std::string_view text) {
  for (const OptionSpec& spec : c.options) {
    if (spec.name != name) continue;
    if (spec.type == "string") return Json(std::string(text));
    auto j = parse_json(text, name);
    if (j && (j->is_number() || j->is_boolean())) return *j;
    return bad_input(fmt::format("option {}.{} is \"{}\", expected {}", c.name, name,
                                 one_line(text), spec.type));
  }
  return complete_options(
      c, Json{{std::string(name), std::string(text)}});  // gives the error that lists the names
}

Result<std::vector<CatalogModel>> load_models() {
  const fs::path file = share_dir() / "tools" / "models" / "catalog.toml";
  ASSAY_TRY(Json t, read_toml(file));
  std::vector<CatalogModel> out;
  std::error_code ec;
  const fs::path root = cache_dir() / "models";
  for (const Json& m : get_array(t, "model")) {
    CatalogModel e{get_string(m, "name"), get_string(m, "summary"), {}, {}, false};
    if (auto p = get_string(m, "model"); !p.empty()) e.model = root / p;
    if (auto p = get_string(m, "data"); !p.empty()) e.data = root / p;
    e.present = (e.model.empty() || fs::exists(e.model, ec)) &&
                (e.data.empty() || fs::exists(e.data / "dataset.json", ec));
    out.push_back(std::move(e));
  }
  return out;
}

}  // namespace assay::audit
