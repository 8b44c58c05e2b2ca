// SPDX-License-Identifier: Apache-2.0
// A plan as a person writes it in a file (TOML).
#include <fmt/ranges.h>

#include <cmath>
#include <set>

#include "audit/plan.h"
#include "audit/toml.h"
#include "base/text.h"

namespace assay::audit {
namespace {

Status only_keys(const Json& table, const std::set<std::string>& known, std::string_view where) {
  for (const auto& [key, value] : table.items()) {
    if (!known.contains(key)) {
      return bad_input(fmt::format("{}: unknown key \"{}\"", where, one_line(key)),
                       fmt::format("known: {}", fmt::join(known, ", ")));
    }
  }
  return {};
}

// A key that is given has the type it is read as: a number in quotes must not become the default.
enum class Kind { text, whole, number, flag, list, table };
Status typed(const Json& table, const std::vector<std::pair<const char*, Kind>>& keys,
             std::string_view where) {
  for (const auto& [key, kind] : keys) {
    if (!table.contains(key)) continue;
    const Json& v = table[key];
    const bool fits = kind == Kind::text     ? v.is_string()
                      : kind == Kind::whole  ? v.is_number_integer() && v.get<int64_t>() >= 0
                      : kind == Kind::number ? v.is_number() && v.get<double>() >= 0
                      : kind == Kind::flag   ? v.is_boolean()
                      : kind == Kind::list   ? v.is_array()
                                             : v.is_object();
    const char* const expected = kind == Kind::text     ? "a text"
                                 : kind == Kind::whole  ? "a whole number of 0 or more"
                                 : kind == Kind::number ? "a number of 0 or more"
                                 : kind == Kind::flag   ? "true or false"
                                 : kind == Kind::list   ? "a list"
                                                        : "a table";
    if (!fits)
      return bad_input(fmt::format("{}: {} is {}, expected {}", where, key,
                                   one_line(dump_json(v), 80), expected));
  }
  return {};
}

Result<std::vector<std::string>> string_list(const Json& table, const char* key,
                                             std::string_view where) {
  std::vector<std::string> out;
  if (!table.contains(key)) return out;
  for (const Json& j : get_array(table, key)) {
    if (!j.is_string()) return bad_input(fmt::format("{}: {} must be a list of texts", where, key));
    out.push_back(j.get<std::string>());
  }
  if (out.empty())
    return bad_input(fmt::format("{}: {} must be a list of texts, not empty", where, key));
  return out;
}

// `text` as the user wrote it; a path is taken as relative to the plan's folder when it exists
// there.
std::string relative_to(const fs::path& folder, const std::string& text) {
  std::error_code ec;
  if (text.empty() || fs::path(text).is_absolute() || text.starts_with("npy:")) return text;
  return fs::exists(folder / text, ec) ? fs::absolute(folder / text, ec).lexically_normal().string()
                                       : text;
}

}  // namespace

Result<Request> request_from_toml(const fs::path& file) {
  ASSAY_TRY(Json t, read_toml(file));
  const std::string where = file.string();
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  ASSAY_CHECK(only_keys(t, {"audit", "model", "compiler"}, where));
  ASSAY_CHECK(typed(t, {{"audit", Kind::table}, {"compiler", Kind::table}}, where));
  const Json& a = get_object(t, "audit");
  ASSAY_CHECK(only_keys(a,
                        {"profile",
                         "builds",
                         "launches",
                         "samples",
                         "inputs",
                         "threads",
                         "seed",
                         "warmup_ms",
                         "warmup_runs",
                         "idle_ms",
                         "build_timeout_s",
                         "launch_timeout_s",
                         "memory_limit_bytes",
                         "reference",
                         "limit_ms",
                         "limit_below",
                         "label_margin",
                         "latency_margin",
                         "tail_margin",
                         "accuracy_margin",
                         "gpu_mhz"},
                        where + " [audit]"));
  ASSAY_CHECK(typed(a,
                    {{"profile", Kind::text},
                     {"builds", Kind::whole},
                     {"launches", Kind::whole},
                     {"samples", Kind::whole},
                     {"inputs", Kind::whole},
                     {"threads", Kind::whole},
                     {"seed", Kind::whole},
                     {"warmup_ms", Kind::whole},
                     {"idle_ms", Kind::whole},
                     {"warmup_runs", Kind::whole},
                     {"build_timeout_s", Kind::number},
                     {"launch_timeout_s", Kind::number},
                     {"memory_limit_bytes", Kind::whole},
                     {"reference", Kind::flag},
                     {"gpu_mhz", Kind::whole},
                     {"limit_ms", Kind::number},
                     {"limit_below", Kind::number},
                     {"label_margin", Kind::number},
                     {"accuracy_margin", Kind::number},
                     {"latency_margin", Kind::number},
                     {"tail_margin", Kind::number}},
                    where + " [audit]"));
  Request r;
  r.profile = get_string(a, "profile", "quick");
  r.builds = get_int(a, "builds");
  r.launches = get_int(a, "launches");
  r.samples = get_int(a, "samples");
  r.inputs = get_int(a, "inputs");
  r.threads = get_int(a, "threads", 1);
  r.warmup_ms = get_int(a, "warmup_ms", -1);
  r.idle_ms = get_int(a, "idle_ms", -1);
  r.warmup_runs = get_int(a, "warmup_runs", -1);
  if (a.contains("seed")) r.seed = static_cast<uint64_t>(get_int(a, "seed"));
  r.build_timeout_s = get_double(a, "build_timeout_s");
  r.launch_timeout_s = get_double(a, "launch_timeout_s");
  r.memory_limit_bytes = get_int(a, "memory_limit_bytes");
  r.reference = get_bool(a, "reference", true);
  const double limit_ms = get_double(a, "limit_ms");
  if (!(limit_ms >= 0 && limit_ms <= 1e6))  // also NaN, which TOML can write
    return bad_input(where + fmt::format(" [audit]: limit_ms is {:g}", limit_ms),
                     "milliseconds from 0 to 1000000");
  r.limit_ns = std::llround(limit_ms * 1e6);
  r.limit_below = get_double(a, "limit_below");
  r.gpu_mhz = get_int(a, "gpu_mhz");
  r.label_margin = get_double(a, "label_margin");
  r.accuracy_margin = get_double(a, "accuracy_margin");
  r.latency_margin = get_double(a, "latency_margin");
  r.tail_margin = get_double(a, "tail_margin");
  for (const Json& m : get_array(t, "model")) {
    const std::string at = where + " [[model]]";
    ASSAY_CHECK(only_keys(
        m,
        {"model", "name", "data", "shapes", "sampling", "compilers", "precisions", "device",
         "devices", "locks", "lock_proof", "dvfs", "inputs", "preprocess", "detector"},
        at));
    ASSAY_CHECK(typed(m,
                      {{"model", Kind::text},
                       {"name", Kind::text},
                       {"data", Kind::text},
                       {"shapes", Kind::text},
                       {"sampling", Kind::text},
                       {"preprocess", Kind::table},
                       {"detector", Kind::text},
                       {"compilers", Kind::list},
                       {"device", Kind::text},
                       {"devices", Kind::list},
                       {"locks", Kind::list},
                       {"lock_proof", Kind::text},
                       {"dvfs", Kind::list},
                       {"precisions", Kind::list},
                       {"inputs", Kind::whole}},
                      at));
    Request::Model out;
    out.model = relative_to(folder, get_string(m, "model"));
    out.name = get_string(m, "name");
    out.data = relative_to(folder, get_string(m, "data"));
    out.shapes = get_string(m, "shapes");
    out.sampling = get_string(m, "sampling");
    if (auto file = get_string(m, "detector"); !file.empty())
      out.detector = relative_to(folder, file);
    out.preprocess = get_object(m, "preprocess");
    if (auto labels = get_string(out.preprocess, "labels"); !labels.empty())
      out.preprocess["labels"] = relative_to(folder, labels);
    out.inputs = get_int(m, "inputs");
    ASSAY_TRY(out.compilers, string_list(m, "compilers", at));
    ASSAY_TRY(out.precisions, string_list(m, "precisions", at));
    ASSAY_TRY(out.devices, string_list(m, "devices", at));
    if (const std::string device = get_string(m, "device"); !device.empty()) {
      if (!out.devices.empty()) return bad_input(at + ": device and devices are both given");
      out.devices.push_back(device);
    }
    ASSAY_TRY(out.locks, string_list(m, "locks", at));
    ASSAY_TRY(out.dvfs, string_list(m, "dvfs", at));
    out.lock_proof = get_string(m, "lock_proof");
    if (out.model.empty())
      return bad_input(at + ": model is missing",
                       "add model = \"FILE.onnx\" or a name of `assay models`");
    r.models.push_back(std::move(out));
  }
  if (r.models.empty())
    return bad_input(where + ": there is no [[model]]", "add one; see examples/");
  for (const auto& [name, options] : get_object(t, "compiler").items()) {
    if (!options.is_object())
      return bad_input(fmt::format("{}: compiler.{} is no table of options", where, one_line(name)),
                       "write [compiler.NAME] and its options below");
    r.options[name] = options;
  }
  return r;
}

}  // namespace assay::audit
