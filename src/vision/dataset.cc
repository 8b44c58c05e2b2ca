// SPDX-License-Identifier: Apache-2.0
#include "vision/dataset.h"

#include <cmath>
#include <set>

#include "base/text.h"

namespace assay::vision {
namespace {

constexpr int64_t kMaxItems = int64_t{1} << 32, kMaxJson = int64_t{1} << 30;

// The file that `j[key]` names, parsed; its member `member` as integers >= `least`, one an item.
Result<std::vector<int64_t>> integers(const Json& j, const char* key, const fs::path& folder,
                                      int64_t n, int64_t least, Json& parsed, std::string& text) {
  ASSAY_TRY(const fs::path path, path_inside(folder, get_string(j, key)));
  ASSAY_TRY(text, read_file(path, kMaxJson));
  ASSAY_TRY(parsed, parse_json(text, path.string()));
  const Json& values = get_array(parsed, key);
  if (static_cast<int64_t>(values.size()) != n) {
    return bad_input(fmt::format("{}: {} {}, expected one for each of the {} items", path.string(),
                                 values.size(), key, n),
                     "prepare the data set again");
  }
  std::vector<int64_t> out;
  for (const Json& v : values) {
    const bool fits =
        v.is_number_integer() && !(v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX);
    if (!fits || v.get<int64_t>() < least) {
      return bad_input(
          fmt::format("{}: {} #{} is {}, expected a whole number{}", path.string(), key, out.size(),
                      one_line(dump_json(v), 40), least == 0 ? " from 0" : ""),
          "prepare the data set again");
    }
    out.push_back(v.get<int64_t>());
  }
  return out;
}

// boxes.json: per item a list of [x0, y0, x1, y1, label].
Result<std::vector<std::vector<Box>>> true_boxes(const Json& j, const fs::path& folder, int64_t n,
                                                 std::string& text) {
  ASSAY_TRY(const fs::path path, path_inside(folder, get_string(j, "boxes")));
  ASSAY_TRY(text, read_file(path, kMaxJson));
  ASSAY_TRY(const Json parsed, parse_json(text, path.string()));
  const Json& items = get_array(parsed, "boxes");
  const auto wrong = [&](std::string why) {
    return bad_input(fmt::format("{}: {}", one_line(path.string(), 200), why),
                     "prepare the data set again (docs/formats.md)");
  };
  if (static_cast<int64_t>(items.size()) != n)
    return wrong(
        fmt::format("{} lists of boxes, expected one for each of the {} items", items.size(), n));
  std::vector<std::vector<Box>> out;
  for (const Json& item : items) {
    std::vector<Box>& boxes = out.emplace_back();
    bool fits = item.is_array();
    for (size_t i = 0; fits && i < item.size(); ++i) {
      const Json& b = item[i];
      fits = b.is_array() && b.size() == 5 && b[4].is_number_integer() && b[4].get<double>() >= 0 &&
             b[4].get<double>() < 1e9;
      for (size_t k = 0; fits && k < 4; ++k)
        fits = b[k].is_number() && std::abs(b[k].get<double>()) < 1e9;
      if (!fits) break;
      const auto edge = [&](size_t k) { return b[k].get<float>(); };
      boxes.push_back({edge(0), edge(1), edge(2), edge(3), 1, b[4].get<int32_t>()});
      fits = boxes.back().x0 <= boxes.back().x1 && boxes.back().y0 <= boxes.back().y1;
    }
    if (!fits)
      return wrong(fmt::format("item {} is {}, expected a list of [x0, y0, x1, y1, label]",
                               out.size() - 1, one_line(dump_json(item), 80)));
  }
  return out;
}

}  // namespace

int64_t Dataset::cluster_count() const {
  if (clusters.empty()) return n;
  return static_cast<int64_t>(std::set<int64_t>(clusters.begin(), clusters.end()).size());
}

Result<Dataset> open_dataset(const fs::path& folder, bool verify) {
  const fs::path file = folder / "dataset.json";
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return bad_input(
        fmt::format("{}: no data set here (dataset.json is missing)", one_line(folder.string())),
        "give a prepared folder, an image folder, or .npy files");
  }
  ASSAY_TRY(const std::string text, read_file(file, 1 << 24));
  const std::string where = one_line(file.string(), 200);
  ASSAY_TRY(const Json j, parse_json(text, where));
  const auto wrong = [&](std::string why) {
    return bad_input(fmt::format("{}: {}", where, why),
                     "prepare the data set again (docs/formats.md)");
  };
  if (!j.is_object() || get_int(j, "format") != 1) return wrong("format is not 1");
  Dataset out;
  out.folder = folder;
  out.name = get_string(j, "name");
  out.description = get_string(j, "description");
  out.n = get_int(j, "n");
  out.sampling_by = get_string(j, "sampling_by");
  if (out.n < 1 || out.n > kMaxItems)
    return wrong(fmt::format("n is {}, expected at least 1", out.n));
  const auto sampling = sampling_from(get_string(j, "sampling"));
  if (!sampling) return wrong("sampling is not independent, clustered or fixed");
  out.sampling = *sampling;
  std::string names_content = fmt::format("n {} {}\n", out.n, word(out.sampling));
  std::set<std::string> names;
  for (const Json& input : get_array(j, "inputs")) {
    Dataset::Input in;
    ASSAY_TRY(in.spec, tensor_spec_from_json(input, where));
    if (!names.insert(in.spec.name).second)
      return wrong(fmt::format("input '{}' is named twice", one_line(in.spec.name, 80)));
    ASSAY_TRY(in.file, path_inside(folder, get_string(input, "file")));
    in.sha256 = get_string(input, "sha256");
    if (!fs::is_regular_file(in.file, error))
      return wrong(fmt::format("{} is missing", one_line(in.file.filename().string(), 80)));
    const auto size = fs::file_size(in.file, error);
    const int64_t item = in.spec.bytes();
    if (error || (item > 0 && out.n > INT64_MAX / item) ||
        static_cast<int64_t>(size) != out.n * item) {
      return wrong(fmt::format("{} has {} bytes, expected {} items of {}",
                               one_line(in.file.filename().string(), 80), size, out.n, item));
    }
    if (verify) {
      ASSAY_TRY(const std::string hash, sha256_file(in.file));
      if (hash != in.sha256) {
        return wrong(fmt::format("{} has the SHA-256 {}, expected {}",
                                 one_line(in.file.filename().string(), 80), hash,
                                 one_line(in.sha256, 70)));
      }
    }
    names_content += dump_json(to_json(in.spec)) + " " + in.sha256 + "\n";
    out.inputs.push_back(std::move(in));
  }
  if (out.inputs.empty()) return wrong("no inputs");
  Json parsed;
  std::string content;
  if (j.contains("labels")) {
    ASSAY_TRY(out.labels, integers(j, "labels", folder, out.n, 0, parsed, content));
    for (const Json& name : get_array(parsed, "names")) {
      if (!name.is_string()) return wrong("a label name is not text");
      out.label_names.push_back(name.get<std::string>());
    }
    names_content += "labels " + sha256_hex(content) + "\n";
  }
  if (out.sampling == Sampling::clustered && !j.contains("clusters"))
    return wrong("clustered sampling without clusters");
  if (out.sampling == Sampling::clustered) {
    ASSAY_TRY(out.clusters, integers(j, "clusters", folder, out.n, INT64_MIN, parsed, content));
    names_content += "clusters " + sha256_hex(content) + "\n";
  }
  if (j.contains("boxes")) {
    ASSAY_TRY(out.boxes, true_boxes(j, folder, out.n, content));
    names_content += "boxes " + sha256_hex(content) + "\n";
  }
  out.sha256 = sha256_hex(names_content);
  return out;
}

Status check_fits(const Dataset& dataset, const std::vector<TensorSpec>& model_inputs) {
  const auto text = [](const TensorSpec& s) {
    return fmt::format("{} {}", dtype_name(s.dtype), shape_text(s.shape));
  };
  for (const auto& want : model_inputs) {
    const Dataset::Input* found = nullptr;
    for (const auto& in : dataset.inputs)
      if (in.spec.name == want.name) found = &in;
    const std::string name = one_line(want.name, 80);
    if (found == nullptr) {
      std::string have;
      for (const auto& in : dataset.inputs)
        have += (have.empty() ? "" : ", ") + one_line(in.spec.name, 80);
      return bad_input(fmt::format("data set '{}' lacks the model's input '{}' ({})",
                                   one_line(dataset.name, 80), name, text(want)),
                       fmt::format("it holds {}; prepare one for this model", have));
    }
    if (found->spec.dtype != want.dtype || found->spec.shape != want.shape) {
      return bad_input(fmt::format("data set '{}': input '{}' is {}, the model takes {}",
                                   one_line(dataset.name, 80), name, text(found->spec), text(want)),
                       "prepare the data set for this model, or choose its extents with --shapes");
    }
  }
  return {};
}

}  // namespace assay::vision
