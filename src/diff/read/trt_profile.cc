// SPDX-License-Identifier: Apache-2.0
// trtexec --exportProfile: [{"count": N}, {"name", "timeMs", "averageMs", "medianMs",
// "percentage"},
// ...]; versions before 8.5 have no median.
#include <cmath>
#include <map>
#include <optional>

#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/trt_names.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "export the profile again: trtexec --exportProfile=FILE";

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Status item(int64_t index, const Json& j) {
    const std::string at = fmt::format("[{}]", index);
    if (!j.is_object()) return wrong(where_, at, shown(j), "an object", kFix);
    if (j.contains("count")) {
      runs_ = get_int(j, "count", 0);
      return {};
    }
    Layer l;
    l.name = without_myelin_counter(get_string(j, "name"));
    if (l.name.empty()) return wrong(where_, at, "no \"name\"", "the name of a layer", kFix);
    if (engine_.layers.size() >= kMostLayers)
      return wrong(where_, at, "another layer", fmt::format("at most {}", kMostLayers), kFix);
    ASSAY_TRY(const auto median, number(j, "medianMs", at, 1e12));
    ASSAY_TRY(const auto mean, number(j, "averageMs", at, 1e12));
    ASSAY_TRY(const auto percent, number(j, "percentage", at, 100.5));  // rounding of the tool
    if (!median && !mean)
      return wrong(where_, at, "neither \"medianMs\" nor \"averageMs\"", "the time of a layer",
                   kFix);
    medians_ += median ? 1 : 0;
    l.time_ns.push_back((median ? *median : *mean) * 1e6);
    if (percent) l.share = std::min(1.0, *percent / 100);
    engine_.layers.push_back(std::move(l));
    return {};
  }

  Result<EngineMap> finish(const Json& rest) {
    if (!rest.is_array() || engine_.layers.empty())
      return wrong(where_, "top level", "no layers", "an array of the layers' times", kFix);
    engine_.compiler = "TensorRT";
    engine_.source = "TensorRT profile";
    engine_.notes.push_back(fmt::format(
        "times are {} over {}", medians_ == engine_.layers.size() ? "medians" : "means or medians",
        runs_ > 0 ? fmt::format("{} runs", runs_) : "a number of runs that is not told"));
    engine_.notes.emplace_back("a profile tells no kernels");
    return std::move(engine_);
  }

 private:
  Result<std::optional<double>> number(const Json& j, const char* key, const std::string& at,
                                       double most) {
    const auto found = j.find(key);
    if (found == j.end()) return std::nullopt;
    const double v = found->is_number() ? found->get<double>() : -1;
    if (!(v >= 0 && v <= most))
      return wrong(where_, fmt::format("{}.{}", at, key), shown(*found),
                   fmt::format("a number from 0 to {}", most), kFix);
    return v;
  }

  std::string_view where_;
  EngineMap engine_;
  int64_t runs_ = 0;
  size_t medians_ = 0;
};

}  // namespace

Result<EngineMap> parse_trt_profile(std::string_view text, std::string_view where) {
  Reader r(where);
  ASSAY_TRY(const Json rest,
            walk_items(text, where, {}, [&](std::string_view, int64_t index, const Json& j) {
              return r.item(index, j);
            }));
  return r.finish(rest);
}

void add_profile(EngineMap& engine, const EngineMap& profile) {
  std::map<std::string_view, std::vector<const Layer*>> by_name;
  for (const Layer& l : profile.layers) by_name[l.name].push_back(&l);
  std::map<std::string_view, size_t> taken;
  FirstNames untimed;
  for (Layer& l : engine.layers) {
    const auto found = by_name.find(l.name);
    size_t& next = taken[l.name];
    if (found == by_name.end() || next == found->second.size()) {
      untimed.add(l.name);
      continue;
    }
    const Layer& timed = *found->second[next++];
    l.time_ns.insert(l.time_ns.end(), timed.time_ns.begin(), timed.time_ns.end());
    if (timed.share) l.share = timed.share;
  }
  FirstNames unknown;
  for (const auto& [name, layers] : by_name)
    for (size_t i = taken[name]; i < layers.size(); ++i) unknown.add(name);
  if (unknown.count() > 0)
    engine.notes.push_back(
        fmt::format("times of layers that the engine does not list: {}", unknown.text()));
  if (untimed.count() > 0)
    engine.notes.push_back(
        fmt::format("layers without a time in {}: {}", profile.label, untimed.text()));
}

}  // namespace assay::diff
