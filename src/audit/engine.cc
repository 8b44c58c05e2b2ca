// SPDX-License-Identifier: Apache-2.0
#include "audit/engine.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace assay::audit {
namespace {

constexpr size_t kMaxFiles = 100'000;

Result<std::vector<TensorSpec>> specs(const Json& manifest, const char* key) {
  std::vector<TensorSpec> out;
  for (const Json& j : get_array(manifest, key)) {
    ASSAY_TRY(TensorSpec spec, tensor_spec_from_json(j, "manifest.json"));
    out.push_back(std::move(spec));
  }
  if (out.empty()) return bad_input(fmt::format("manifest.json lists no {}", key));
  return out;
}

std::string hash_of(std::vector<EngineFile> files, std::string_view role) {
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  std::string text;
  for (const EngineFile& f : files)
    if (role.empty() || f.role == role) text += f.path + " " + f.sha256 + "\n";
  return sha256_hex(text);
}

Status check_file(const fs::path& folder, const EngineFile& f) {
  ASSAY_TRY(fs::path path, path_inside(folder, f.path));
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(path, ec)))
    return bad_input(
        fmt::format("engine file {} is absent or not a regular file", one_line(f.path)));
  const auto size = static_cast<int64_t>(fs::file_size(path, ec));
  if (size != f.bytes)
    return bad_input(fmt::format("engine file {} has {} bytes, the manifest says {}",
                                 one_line(f.path), size, f.bytes));
  ASSAY_TRY(std::string sha, sha256_file(path));
  if (sha != f.sha256)
    return bad_input(
        fmt::format("engine file {} does not have the hash its manifest states", one_line(f.path)));
  return {};
}

// Everything in the folder must be listed: what is not hashed would be no evidence.
Status check_nothing_else(const fs::path& folder, const std::vector<EngineFile>& files) {
  std::set<std::string> listed{"manifest.json"};
  for (const EngineFile& f : files) listed.insert(fs::path(f.path).lexically_normal().string());
  std::error_code ec;
  for (auto it = fs::recursive_directory_iterator(folder, ec);
       it != fs::recursive_directory_iterator(); it.increment(ec)) {
    if (ec) break;
    const fs::file_status st = it->symlink_status(ec);
    if (fs::is_directory(st)) {
      if (it.depth() >= 4) return bad_input("the engine folder is nested deeper than 4");
      continue;
    }
    const std::string rel = it->path().lexically_relative(folder).string();
    if (!fs::is_regular_file(st))
      return bad_input(
          fmt::format("engine folder holds {}, which is no regular file", one_line(rel)));
    if (!listed.contains(rel))
      return bad_input(
          fmt::format("engine folder holds {}, which its manifest does not list", one_line(rel)));
  }
  return {};
}

Status check_inputs(const std::vector<TensorSpec>& engine, const std::vector<TensorSpec>& model) {
  if (engine.size() != model.size())
    return bad_input(
        fmt::format("the engine has {} inputs, the model {}", engine.size(), model.size()));
  for (const TensorSpec& m : model) {
    auto it = std::find_if(engine.begin(), engine.end(),
                           [&](const TensorSpec& e) { return e.name == m.name; });
    if (it == engine.end())
      return bad_input(fmt::format("the engine has no input \"{}\"", one_line(m.name)));
    if (*it != m) {
      return bad_input(fmt::format("engine input \"{}\" is {} {}, the model's is {} {}",
                                   one_line(m.name), dtype_name(it->dtype), shape_text(it->shape),
                                   dtype_name(m.dtype), shape_text(m.shape)));
    }
  }
  return {};
}

}  // namespace

Kernel kernel_from_json(const Json& j) {
  return {get_int(j, "ordinal"),          get_string(j, "layer"),     get_string(j, "kernel"),
          get_string(j, "source_sha256"), get_string(j, "precision"), get_string(j, "origin")};
}

std::string kernel_map_sha256(const std::vector<Kernel>& kernels) {
  std::string text;
  for (const Kernel& k : kernels)
    text += dump_json(Json::array({k.layer, k.kernel, k.source_sha256})) + "\n";
  return sha256_hex(text);
}

bool same_kernels(const std::vector<Kernel>& a, const std::vector<Kernel>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Kernel& x, const Kernel& y) {
    const bool sources_told = !x.source_sha256.empty() && !y.source_sha256.empty();
    return x.layer == y.layer && x.kernel == y.kernel &&
           (!sources_told || x.source_sha256 == y.source_sha256);
  });
}

Result<Engine> open_engine(const fs::path& folder, const std::vector<TensorSpec>& model_inputs) {
  Engine e;
  std::error_code ec;
  if (!fs::is_regular_file(fs::symlink_status(folder / "manifest.json", ec)))
    return bad_input("there is no manifest.json in the engine folder");
  ASSAY_TRY(e.manifest_text, read_file(folder / "manifest.json", 64 << 20));
  ASSAY_TRY(e.manifest, parse_json(e.manifest_text, "manifest.json"));
  if (get_int(e.manifest, "format") != 1) return bad_input("manifest.json: format is not 1");
  e.version = get_string(e.manifest, "version");
  for (const Json& f : get_array(e.manifest, "files")) {
    e.files.push_back({get_string(f, "path"), get_string(f, "role"), get_string(f, "sha256"),
                       get_int(f, "bytes", -1)});
  }
  if (e.files.size() > kMaxFiles)
    return bad_input(fmt::format("manifest.json lists {} files, expected at most {}",
                                 e.files.size(), kMaxFiles));
  std::set<std::string> paths;
  bool artifact = false;
  for (const EngineFile& f : e.files) {
    if (!paths.insert(fs::path(f.path).lexically_normal().string()).second)
      return bad_input(fmt::format("manifest.json lists {} twice", one_line(f.path)));
    ASSAY_CHECK(check_file(folder, f));
    if (f.role == "artifact") {
      artifact = true;
      e.bytes += f.bytes;
    }
  }
  if (!artifact) return bad_input("the engine has no artifact");
  ASSAY_CHECK(check_nothing_else(folder, e.files));
  ASSAY_TRY(e.inputs, specs(e.manifest, "inputs"));
  ASSAY_TRY(e.outputs, specs(e.manifest, "outputs"));
  ASSAY_CHECK(check_inputs(e.inputs, model_inputs));
  ASSAY_TRY(std::string kernels, read_file(folder / "kernels.json", 256 << 20));
  ASSAY_TRY(Json map, parse_json(kernels, "kernels.json"));
  for (const Json& k : get_array(map, "kernels")) e.kernels.push_back(kernel_from_json(k));
  std::stable_sort(e.kernels.begin(), e.kernels.end(),
                   [](const Kernel& a, const Kernel& b) { return a.ordinal < b.ordinal; });
  e.engine_sha256 = hash_of(e.files, "");
  e.artifact_sha256 = hash_of(e.files, "artifact");
  return e;
}

Result<std::vector<Kernel>> stored_kernels(store::RunFolder& run, const std::string& build_id) {
  ASSAY_TRY(auto rows, run.db().query("SELECT ordinal, layer, kernel, source_sha256, precision, "
                                      "origin FROM kernel WHERE build_id=? ORDER BY ordinal",
                                      {build_id}));
  std::vector<Kernel> out;
  for (const auto& r : rows)
    out.push_back({r.integer(0), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5)});
  return out;
}

Status materialise(store::RunFolder& run, const std::string& build_id, const fs::path& folder) {
  ASSAY_TRY(auto row,
            run.db().first("SELECT manifest_blob FROM build WHERE build_id=?", {build_id}));
  if (!row || row->null(0)) return internal_error("build " + build_id + " has no manifest");
  ASSAY_TRY(auto files,
            run.db().query("SELECT path, blob FROM engine_file WHERE build_id=?", {build_id}));
  ASSAY_CHECK(make_dirs(folder));
  auto copy = [&](const std::string& blob, const fs::path& to) -> Status {
    std::error_code ec;
    ASSAY_CHECK(make_dirs(to.parent_path()));
    if (!fs::copy_file(run.blob_path(blob), to, fs::copy_options::overwrite_existing, ec) || ec) {
      return bad_input(
          fmt::format("cannot lay out engine file {}: {}", to.string(), ec.message()),
          "check disk space and that the run folder is whole (`assay report --verify`)");
    }
    return {};
  };
  ASSAY_CHECK(copy(row->text(0), folder / "manifest.json"));
  for (const store::Row& f : files) {
    ASSAY_TRY(fs::path to, path_inside(folder, f.text(0)));
    ASSAY_CHECK(copy(f.text(1), to));
  }
  return {};
}

}  // namespace assay::audit
