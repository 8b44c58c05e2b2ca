// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime's profile: an array of trace events. Those of category "Node" with a name that ends
// in "_kernel_time" are runs of a node; "dur" is whole us.
#include <map>

#include "diff/read/items.h"
#include "diff/read/read.h"
#include "diff/read/types.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "write the profile again: enable_profiling, then end_profiling()";
constexpr std::string_view kSuffix = "_kernel_time";
constexpr double kLongestUs = 1e15;

// [{"float": [1, 3, 8, 8]}, ...]
Status read_tensors(const Json& list, std::string_view where, const std::string& at,
                    std::vector<TensorRef>& out) {
  if (list.size() > kMostTensors)
    return wrong(where, at, fmt::format("{} tensors", list.size()),
                 fmt::format("at most {}", kMostTensors), kFix);
  for (const Json& t : list) {
    if (!t.is_object() || t.size() != 1 || !t.begin().value().is_array() ||
        t.begin().value().size() > kMostRank)
      return wrong(where, at, shown(t), "an object {type: shape}", kFix);
    TensorRef ref;
    ref.dtype = dtype_word(t.begin().key());
    for (const Json& extent : t.begin().value()) {
      if (!extent.is_number_integer() || extent.get<int64_t>() < 0)
        return wrong(where, at, shown(extent), "extents from 0", kFix);
      ref.shape.push_back(extent.get<int64_t>());
    }
    out.push_back(std::move(ref));
  }
  return {};
}

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Status item(int64_t index, const Json& j) {
    const std::string at = fmt::format("[{}]", index);
    if (!j.is_object()) return wrong(where_, at, shown(j), "an event", kFix);
    std::string name = get_string(j, "name");
    if (get_string(j, "cat") == "Session" && name == "model_run") ++runs_;
    if (get_string(j, "cat") != "Node" || !name.ends_with(kSuffix)) return {};
    name.resize(name.size() - kSuffix.size());
    const auto dur = j.find("dur");
    const double us = dur != j.end() && dur->is_number() ? dur->get<double>() : -1;
    if (!(us >= 0 && us <= kLongestUs))
      return wrong(where_, at + ".dur", dur == j.end() ? "absent" : shown(*dur),
                   "a duration in us, from 0", kFix);
    if (++times_ > kMostTimes)
      return wrong(where_, at, "another time", fmt::format("at most {}", kMostTimes),
                   "profile fewer runs");
    const Json& args = get_object(j, "args");
    // The number is a text in most versions.
    const auto number = args.find("node_index");
    const std::string node = number == args.end() ? "" : dump_json(*number);
    const auto [found, fresh] = by_node_.try_emplace({node, name}, engine_.layers.size());
    if (fresh) ASSAY_CHECK(layer(std::move(name), args, at));
    engine_.layers[found->second].time_ns.push_back(us * 1e3);
    return {};
  }

  Result<EngineMap> finish(const Json& rest) {
    if (!rest.is_array() || engine_.layers.empty())
      return wrong(where_, "top level", "no runs of nodes", "events of category \"Node\"",
                   "run the model between enable_profiling and end_profiling()");
    engine_.compiler = "ONNX Runtime";
    engine_.source = "ONNX Runtime profile";
    engine_.notes.push_back(
        runs_ > 0 ? fmt::format("times of {} runs in whole us; the first runs warm up", runs_)
                  : "times in whole us; the number of runs is not told");
    return std::move(engine_);
  }

 private:
  Status layer(std::string name, const Json& args, const std::string& at) {
    if (engine_.layers.size() >= kMostLayers)
      return wrong(where_, at, "another node", fmt::format("at most {}", kMostLayers), kFix);
    Layer l;
    l.name = std::move(name);
    l.type = get_string(args, "op_name");
    std::string provider = get_string(args, "provider");
    constexpr std::string_view kProvider = "ExecutionProvider";
    if (provider.ends_with(kProvider)) provider.resize(provider.size() - kProvider.size());
    // As the kernel maps of assay's own builds spell it.
    l.kernel = provider + (provider.empty() ? "" : ":") + l.type;
    ASSAY_CHECK(read_tensors(get_array(args, "input_type_shape"), where_,
                             at + ".args.input_type_shape", l.inputs));
    ASSAY_CHECK(read_tensors(get_array(args, "output_type_shape"), where_,
                             at + ".args.output_type_shape", l.outputs));
    for (const auto* tensors : {&l.outputs, &l.inputs})
      if (l.precision.empty() && !tensors->empty())
        l.precision = precision_word(tensors->front().dtype);
    engine_.layers.push_back(std::move(l));
    return {};
  }

  std::string_view where_;
  EngineMap engine_;
  std::map<std::pair<std::string, std::string>, size_t> by_node_;  // index and name
  int64_t runs_ = 0;
  size_t times_ = 0;
};

}  // namespace

Result<EngineMap> parse_ort_profile(std::string_view text, std::string_view where) {
  Reader r(where);
  ASSAY_TRY(const Json rest,
            walk_items(text, where, {}, [&](std::string_view, int64_t index, const Json& j) {
              return r.item(index, j);
            }));
  return r.finish(rest);
}

}  // namespace assay::diff
