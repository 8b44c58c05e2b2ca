// SPDX-License-Identifier: Apache-2.0
// assay's own engine folders (docs/formats.md). What is read of a folder is checked against the
// sizes and hashes of its manifest.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/text.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

constexpr int64_t kMostSource = 16 << 20;

class Folder {
 public:
  explicit Folder(fs::path folder) : folder_(std::move(folder)) {}

  Result<EngineMap> read() {
    std::error_code ec;
    if (!fs::is_regular_file(fs::symlink_status(folder_ / "manifest.json", ec)))
      return bad_input(
          fmt::format("{} is not an engine folder: it has no manifest.json", folder_.string()),
          "make one with: assay build MODEL --compiler NAME --out DIR");
    ASSAY_TRY(std::string text, read_file(folder_ / "manifest.json", 64 << 20));
    ASSAY_TRY(Json manifest, parse_json(text, (folder_ / "manifest.json").string()));
    if (get_int(manifest, "format") != 1)
      return bad_input((folder_ / "manifest.json").string() + ": format is not 1");
    EngineMap e;
    e.label = folder_.filename().string();
    e.compiler = get_string(manifest, "compiler");
    e.version = get_string(manifest, "version");
    e.precision = get_string(manifest, "precision");
    e.source = "engine folder";
    for (const Json& f : get_array(manifest, "files")) {
      const std::string path = get_string(f, "path");
      listed_[path] = {get_int(f, "bytes", -1), get_string(f, "sha256")};
      if (get_string(f, "role") != "artifact") continue;
      const int64_t bytes = get_int(f, "bytes", -1);
      if (bytes >= 0 && bytes < (int64_t{1} << 50))
        e.artifact_bytes = std::max<int64_t>(e.artifact_bytes, 0) + bytes;
    }
    ASSAY_CHECK(layers(e));
    for (const Json& c : get_array(get_object(manifest, "rebuild"), "choices"))
      e.decisions.push_back({get_string(c, "layer"), get_string(c, "choice"), {}});
    return e;
  }

 private:
  Status layers(EngineMap& e) {
    ASSAY_TRY(std::string text, checked("kernels.json", 256 << 20));
    ASSAY_TRY(Json map, parse_json(text, (folder_ / "kernels.json").string()));
    std::vector<std::pair<int64_t, Layer>> found;
    for (const Json& k : get_array(map, "kernels")) {
      Layer l;
      l.name = get_string(k, "layer");
      l.kernel = get_string(k, "kernel");
      l.source_sha256 = get_string(k, "source_sha256");
      l.precision = get_string(k, "precision");
      const std::string origin = get_string(k, "origin");
      for (size_t at = 0; at < origin.size();) {
        const size_t end = std::min(origin.find(',', at), origin.size());
        if (end > at) l.origin.push_back(origin.substr(at, end - at));
        at = end + 1;
      }
      std::sort(l.origin.begin(), l.origin.end());
      l.origin.erase(std::unique(l.origin.begin(), l.origin.end()), l.origin.end());
      const std::string source = get_string(k, "source");
      if (!source.empty()) {
        ASSAY_TRY(l.source_text, checked(source, kMostSource));
      }
      found.emplace_back(get_int(k, "ordinal"), std::move(l));
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    e.tells_sources = !found.empty();
    for (auto& [ordinal, layer] : found) {
      e.tells_sources = e.tells_sources && !layer.source_sha256.empty();
      e.layers.push_back(std::move(layer));
    }
    return {};
  }

  // A listed file of the stated size and hash.
  Result<std::string> checked(const std::string& path, int64_t most) {
    const auto it = listed_.find(path);
    if (it == listed_.end())
      return bad_input(
          fmt::format("{}: manifest.json does not list {}", folder_.string(), one_line(path)));
    ASSAY_TRY(fs::path inside, path_inside(folder_, path));
    ASSAY_TRY(std::string text, read_file(inside, most));
    if (static_cast<int64_t>(text.size()) != it->second.first)
      return bad_input(fmt::format("engine file {} has {} bytes, the manifest says {}",
                                   one_line(path), text.size(), it->second.first));
    if (sha256_hex(text) != it->second.second)
      return bad_input(
          fmt::format("engine file {} does not have the hash its manifest states", one_line(path)));
    return text;
  }

  fs::path folder_;
  std::map<std::string, std::pair<int64_t, std::string>> listed_;
};

}  // namespace

std::string format_names() { return "auto, engine"; }

void add_profile(EngineMap& engine, const EngineMap& profile) {
  std::map<std::string, std::vector<const Layer*>> by_name;
  for (const Layer& l : profile.layers) by_name[l.name].push_back(&l);
  std::map<std::string, size_t> seen;
  for (Layer& l : engine.layers) {
    const auto it = by_name.find(l.name);
    if (it == by_name.end()) continue;
    const size_t n = seen[l.name]++;
    if (n >= it->second.size()) continue;
    l.time_ns = it->second[n]->time_ns;
    l.share = it->second[n]->share;
  }
}

Result<EngineMap> read_engine(const fs::path& path, std::string_view format) {
  if (format != "auto" && format != "engine")
    return bad_input(fmt::format("--input-format {}: unknown format", one_line(format, 60)),
                     "known: " + format_names());
  std::error_code ec;
  const fs::path folder = fs::canonical(path, ec);
  return Folder(ec ? path : folder).read();
}

}  // namespace assay::diff
