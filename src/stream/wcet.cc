// SPDX-License-Identifier: Apache-2.0
#include "stream/wcet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::stream {
namespace {

struct Shares {
  double mean = 0, tail = 0;
};
Shares shares(std::span<const StageResult> stages, std::initializer_list<Stage> of) {
  Shares out;
  for (const StageResult& s : stages)
    if (std::find(of.begin(), of.end(), s.stage) != of.end()) {
      out.mean += s.share_mean;
      out.tail += s.share_tail;
    }
  return out;
}

double percent(double share) { return std::round(100 * share); }

// Waiting and a cascade's second task are named where they count.
std::string others(std::span<const StageResult> stages) {
  std::string out;
  const Shares wait = shares(stages, {Stage::wait}), second = shares(stages, {Stage::second});
  if (wait.mean >= .05) out += fmt::format("; waiting for the server {:.0f} %", percent(wait.mean));
  if (second.mean >= .05) out += fmt::format("; the second task {:.0f} %", percent(second.mean));
  return out;
}

std::string dominant_of(std::span<const StageResult> stages) {
  Stage best = Stage::pre;
  double most = shares(stages, {Stage::decode, Stage::pre}).mean;
  for (const Stage s : {Stage::wait, Stage::read, Stage::infer, Stage::post, Stage::second})
    if (const double mean = shares(stages, {s}).mean; mean > most) best = s, most = mean;
  return std::string(word(best));
}

}  // namespace

std::string dominance_sentence(std::span<const StageResult> stages) {
  const Shares pre = shares(stages, {Stage::decode, Stage::pre}),
               infer = shares(stages, {Stage::infer});
  const Shares wait = shares(stages, {Stage::wait});
  if (wait.mean > pre.mean && wait.mean > infer.mean)
    return fmt::format(
        "waiting for the server takes {:.0f} % of the mean response and {:.0f} % of its slowest 1 "
        "%; of the work, {} is the larger part: pre-processing (decode and transform) {:.0f} % and "
        "{:.0f} %, inference {:.0f} % and {:.0f} %",
        percent(wait.mean), percent(wait.tail),
        pre.mean > infer.mean ? "pre-processing, not inference," : "inference", percent(pre.mean),
        percent(pre.tail), percent(infer.mean), percent(infer.tail));
  if (pre.mean > infer.mean)
    return fmt::format(
        "pre-processing (decode and transform), not inference, dominates: it takes {:.0f} % of the "
        "mean response and {:.0f} % of its slowest 1 %; inference {:.0f} % and {:.0f} %{}",
        percent(pre.mean), percent(pre.tail), percent(infer.mean), percent(infer.tail),
        others(stages));
  return fmt::format(
      "inference takes {:.0f} % of the mean response and {:.0f} % of its slowest 1 %; "
      "pre-processing (decode and transform) {:.0f} % and {:.0f} %{}",
      percent(infer.mean), percent(infer.tail), percent(pre.mean), percent(pre.tail),
      others(stages));
}

WcetResult wcet_of(const Pool& pool, std::span<const StageResult> stages,
                   const AnalyseOptions& options) {
  WcetResult w;
  if (pool.frames.empty()) {
    w.pwcet.reasons.emplace_back("no frame was done");
    return w;
  }
  const StageResult& response = stages.back();
  w.observed_max = response.max;
  w.dominant = dominant_of(stages);
  w.sentence = dominance_sentence(stages);
  if (!options.pwcet) {
    w.pwcet.reasons.emplace_back("not asked for");
    return w;
  }
  stats::PwcetOptions how;
  how.confidence = options.confidence;
  how.bootstrap = options.bootstrap;
  how.seed = options.seed;
  w.pwcet = stats::pwcet(durations(pool.frames, Stage::response), response.gate.trust, how);
  return w;
}

}  // namespace assay::stream
