// SPDX-License-Identifier: Apache-2.0
#include "audit/explain.h"

#include <algorithm>

#include "base/text.h"
#include "measure/order.h"

namespace assay::audit {
namespace {

double median(std::vector<int64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

WorkerLaunch timed(const ExplainSide& side, const LatencyOptions& options, int64_t launch,
                   int64_t layer_runs) {
  WorkerLaunch l = side.launch;
  l.samples = options.samples;
  l.layer_runs = layer_runs;
  l.launch_index = launch;
  // Both engines of a pair are fed in the same order.
  l.seed = options.seed + static_cast<uint64_t>(launch);
  return l;
}

// Launch number `launch` of every side, in an order drawn anew: results in the order of `sides`.
Result<std::vector<WorkerResult>> launch_round(const std::vector<const ExplainSide*>& sides,
                                               const LatencyOptions& options, int64_t launch,
                                               int64_t layer_runs, const fs::path& scratch,
                                               const Say& say) {
  const auto n = static_cast<int64_t>(sides.size());
  std::vector<int64_t> order(sides.size());
  measure::permuted_order(options.seed * 1000003 + static_cast<uint64_t>(launch), n, n,
                          order.data());
  std::vector<WorkerResult> out(sides.size());
  for (const int64_t s : order) {
    const ExplainSide& side = *sides[static_cast<size_t>(s)];
    if (say)
      say(fmt::format("launch {}/{} of {}", launch + 1, options.launches,
                      one_line(side.label, 80)));
    const std::string folder = fmt::format("launch-{}-{}", launch, s);
    ASSAY_TRY(WorkerResult r,
              launch_side(side, timed(side, options, launch, layer_runs), scratch, folder));
    if (r.samples.empty()) return internal_error("a launch ended well but left no samples");
    std::error_code ignored;
    fs::remove_all(scratch / folder, ignored);
    out[static_cast<size_t>(s)] = std::move(r);
  }
  return out;
}

std::string clock_of(const WorkerResult& r) {
  const Json* series = r.log.find("series");
  return series == nullptr ? "unknown" : get_string(*series, "clock", "unknown");
}

Status same_clock(const std::vector<WorkerResult>& round,
                  const std::vector<const ExplainSide*>& sides) {
  for (size_t i = 1; i < round.size(); ++i)
    if (clock_of(round[i]) != clock_of(round[0]))
      return bad_input(
          fmt::format("{} was timed by a {} clock, {} by a {} one: their times cannot "
                      "be compared",
                      sides[0]->label, clock_of(round[0]), sides[i]->label, clock_of(round[i])));
  return {};
}

// The launch as layer_delta.h wants it; its layers must be those of the kernel map.
Result<diff::TimedLaunch> timed_launch(const WorkerResult& r, const std::vector<Kernel>& kernels,
                                       const std::string& label) {
  if (r.layer_times.empty())
    return missing(fmt::format("{}: no times of layers: {}", label, r.layer_times_error),
                   "compare engines of compilers whose runner takes them (docs/diff.md)");
  diff::TimedLaunch out;
  out.samples = r.samples;
  for (const WorkerLayerTimes& t : r.layer_times) {
    if (t.ordinal < 0) {
      out.whole = t.time_ns;
      continue;
    }
    const auto at = static_cast<size_t>(t.ordinal);
    if (at != out.layers.size() || at >= kernels.size() || kernels[at].layer != t.layer)
      return bad_input(
          fmt::format("{}: layer {} of the times, \"{}\", is not that of the kernel map", label,
                      t.ordinal, one_line(t.layer, 80)));
    out.layers.push_back(t.time_ns);
  }
  if (out.layers.size() != kernels.size() || out.whole.empty())
    return bad_input(fmt::format("{}: times of {} layers, the kernel map has {}", label,
                                 out.layers.size(), kernels.size()));
  return out;
}

std::string joined(const std::vector<size_t>& layers, const std::vector<Kernel>& kernels,
                   std::string Kernel::*field) {
  std::string out;
  for (const size_t i : layers) out += (out.empty() ? "" : " + ") + kernels[i].*field;
  return out;
}

}  // namespace

Result<WorkerResult> launch_side(const ExplainSide& side, const WorkerLaunch& launch,
                                 const fs::path& scratch, const std::string& folder) {
  ASSAY_CHECK(make_dirs(scratch / folder));
  ASSAY_TRY(WorkerResult r, launch_worker(launch, scratch / folder));
  if (r.outcome.outcome == "interrupted") return fail(ExitCode::interrupted, "interrupted");
  if (r.outcome.outcome != "ok")
    return bad_input(fmt::format("launch {} of {} {}: {}", launch.launch_index, side.label,
                                 r.outcome.outcome, r.outcome.reason),
                     "see `assay audit` for the full evidence of such a failure");
  return r;
}

std::vector<Kernel> with_origins(std::vector<Kernel> launched,
                                 const std::vector<Kernel>& manifest) {
  for (size_t i = 0; i < launched.size() && i < manifest.size(); ++i)
    if (launched[i].origin.empty() && launched[i].layer == manifest[i].layer)
      launched[i].origin = manifest[i].origin;
  return launched;
}

std::vector<diff::LayerPair> pair_kernels(const std::vector<Kernel>& a,
                                          const std::vector<Kernel>& b) {
  const auto layers = [](const std::vector<Kernel>& kernels) {
    std::vector<diff::PairingLayer> out;
    for (const Kernel& k : kernels) {
      diff::PairingLayer layer{k.layer, {}};
      for (size_t at = 0; at < k.origin.size();) {
        const size_t comma = std::min(k.origin.find(',', at), k.origin.size());
        if (comma > at) layer.origin.push_back(k.origin.substr(at, comma - at));
        at = comma + 1;
      }
      out.push_back(std::move(layer));
    }
    return out;
  };
  return diff::pair_layers(layers(a), layers(b));
}

Result<LatencyExplained> explain_latency(const ExplainSide& a, const ExplainSide& b,
                                         const LatencyOptions& options, const fs::path& scratch,
                                         const Say& say) {
  const std::vector<const ExplainSide*> sides = {&a, &b};
  std::vector<diff::TimedLaunch> times[2];
  std::vector<Kernel> kernels[2];
  LatencyExplained out;
  for (int64_t launch = 0; launch < options.launches; ++launch) {
    ASSAY_TRY(const std::vector<WorkerResult> round,
              launch_round(sides, options, launch, options.runs, scratch, say));
    ASSAY_CHECK(same_clock(round, sides));
    out.clock = clock_of(round[0]);
    for (size_t s = 0; s < 2; ++s) {
      if (launch == 0) kernels[s] = with_origins(round[s].kernels, sides[s]->kernels);
      ASSAY_TRY(diff::TimedLaunch timed, timed_launch(round[s], kernels[s], sides[s]->label));
      times[s].push_back(std::move(timed));
    }
  }
  out.pairs = pair_kernels(kernels[0], kernels[1]);
  for (const diff::LayerPair& p : out.pairs)
    out.names.push_back(
        {joined(p.a, kernels[0], &Kernel::layer), joined(p.b, kernels[1], &Kernel::layer),
         joined(p.a, kernels[0], &Kernel::kernel), joined(p.b, kernels[1], &Kernel::kernel)});
  ASSAY_TRY(out.deltas, diff::layer_deltas(times[0], times[1], out.pairs, options.delta));
  if (out.clock == "scripted") out.notes.emplace_back("scripted times: no measurement");
  return out;
}

Result<diff::SwapShare> explain_swap(const ExplainSide& a, const ExplainSide& b,
                                     const ExplainSide& swapped, const LatencyOptions& options,
                                     const fs::path& scratch, const Say& say) {
  const std::vector<const ExplainSide*> sides = {&a, &b, &swapped};
  std::vector<double> medians[3];
  for (int64_t launch = 0; launch < options.launches; ++launch) {
    ASSAY_TRY(const std::vector<WorkerResult> round,
              launch_round(sides, options, launch, 0, scratch, say));
    ASSAY_CHECK(same_clock(round, sides));
    for (size_t s = 0; s < 3; ++s) medians[s].push_back(median(round[s].samples));
  }
  return diff::swap_share(medians[0], medians[1], medians[2], options.delta.confidence);
}

}  // namespace assay::audit
