// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "base/text.h"
#include "worker/inside.h"

namespace assay::worker {
namespace {

constexpr size_t max_layers = 100000;
constexpr int64_t min_warmup = 1, max_warmup = 10;  // instrumented runs before those that count

struct Layer {
  std::string layer, kernel;
  std::vector<int64_t> time_ns;
};

// What the sink gathers; a runner that contradicts itself is noted, the first time.
struct Gathered {
  int32_t runs = 0;
  std::map<int32_t, Layer> layers;  // by ordinal
  std::string wrong;
};

void gather(void* user, int32_t run, const assay_layer_time* time) {
  auto& all = *static_cast<Gathered*>(user);
  if (!all.wrong.empty()) return;
  const auto wrong = [&](const char* what) { all.wrong = fmt::format("run {}: {}", run, what); };
  if (time == nullptr || time->struct_size < sizeof(assay_layer_time))
    return wrong("struct_size is too small");
  if (run < 0 || run >= all.runs) return wrong("there is no such run");
  if (time->ordinal < -1 || time->time_ns < 0) return wrong("ordinal or time is not possible");
  if (all.layers.size() >= max_layers) return wrong("too many layers");
  const std::string layer = time->layer == nullptr ? "" : time->layer;
  auto [at, fresh] = all.layers.try_emplace(time->ordinal);
  if (fresh) {
    at->second.layer = layer;
    at->second.kernel = time->kernel == nullptr ? "" : time->kernel;
  } else if (at->second.layer != layer) {
    return wrong("an ordinal stands for two layers");
  }
  if (at->second.time_ns.size() > static_cast<size_t>(run))
    return wrong("a layer has two times of one run");
  at->second.time_ns.push_back(time->time_ns);
}

void send_refusal(Session& session, const std::string& why) {
  session.events().send({{"event", "layer_time"},
                         {"ordinal", -1},
                         {"layer", ""},
                         {"kernel", ""},
                         {"time_ns", Json::array()},
                         {"error", one_line(why, 400)}});
}

LaunchStatus take(Session& session, int32_t runs, Gathered& all) {
  all.runs = runs;
  if (auto timed = session.engine().layer_times(0, runs, gather, &all); !timed) return timed;
  if (!all.wrong.empty()) return launch_error("failed", "layer_times: " + one_line(all.wrong, 200));
  if (all.layers.count(-1) == 0 || all.layers.size() < 2)
    return launch_error("failed", "layer_times: no time of the whole run, or of no layer");
  return {};
}

}  // namespace

LaunchStatus send_layer_times(Session& session) {
  const int64_t runs = session.request().layer_runs;
  if ((session.engine().flags() & ASSAY_CAP_LAYER_TIMES) == 0) {
    send_refusal(session, "the runner takes no times of layers");
    return {};
  }
  // The first instrumented runs make what instrumentation needs and fill caches: not kept.
  Gathered warmup, all;
  auto taken =
      take(session, static_cast<int32_t>(std::clamp(runs / 5, min_warmup, max_warmup)), warmup);
  if (taken) taken = take(session, static_cast<int32_t>(runs), all);
  if (!taken && taken.error().kind == "unsupported") {
    send_refusal(session, taken.error().message);
    return {};
  }
  if (!taken) return taken;
  for (const auto& [ordinal, layer] : all.layers)
    session.events().send({{"event", "layer_time"},
                           {"ordinal", ordinal},
                           {"layer", layer.layer},
                           {"kernel", layer.kernel},
                           {"time_ns", layer.time_ns}});
  return {};
}

}  // namespace assay::worker
