// SPDX-License-Identifier: Apache-2.0
// Missed deadlines: how often, how many in a row, and how often at other rates. A frame misses when
// it is late, dropped, skipped, failed, or censored past its deadline. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "stream/result.h"

namespace assay::stream {

// One repetition: [stream][frame], 1 = missed, frames in their order; the frames of one number, of
// all streams, are a slot. Streams may end early.
using MissSeries = std::vector<std::vector<uint8_t>>;
// The same of times in ns: responses (INT64_MAX for what was lost) or services.
using TimeSeries = std::vector<std::vector<int64_t>>;

// 1{time > limits[stream]}; a limit of 0 or below, or an absent one: only INT64_MAX is over it.
MissSeries over(const TimeSeries& times, std::span<const int64_t> limits);

// How many frames weigh as one independent frame, over all streams and repetitions together:
// variance of the count, as it is, over what it would be if frames were independent. Covariances of
// slots (so dependence between streams counts) and of slots some lags apart, summed in pairs while
// positive (statistics.md, 4). At least 1; 1 when no frame or every frame misses.
double pooled_tau(std::span<const MissSeries> runs);
// The same for "among the slowest tenth", which has something to say where misses are too few.
double slowness_tau(std::span<const TimeSeries> responses);

// Below so many effective misses the misses themselves do not tell their dependence, and
// `tau_floor` is used if it is larger.
inline constexpr double kFewestEffectiveMisses = 10;
// Fewer effective frames carry no bound.
inline constexpr double kFewestEffectiveFrames = 30;
struct MissOptions {
  double confidence = .95;  // two-sided
  double tau_floor = 1;     // slowness_tau() of the same frames
};
// Share of missed frames with the Clopper-Pearson interval of x/tau misses in n/tau frames (their
// real-valued form); above a tau of 1.2 it is raised by 1.5 times its relative error, as for
// quantiles (stats/quantiles.h). No miss at all: streams may fail together for all that is known,
// so the bound counts slots, not frames. From five repetitions on with misses the interval is no
// narrower than Student's of their rates: what differs from run to run no frame of a run shows
// (statistics.md, 2). `refusal` says why there are no bounds: no frames, or
// fewer than kFewestEffectiveFrames of them. Coverage: docs/results/response.md.
MissRate miss_rate(std::span<const MissSeries> runs, const MissOptions& options = {});

// Most misses in a row in one stream of one repetition.
int64_t max_consecutive(std::span<const MissSeries> runs);
// Over all windows of k frames in a row of one stream of one repetition (weakly-hard (m, k)). No
// entry for a k that no stream is long enough for.
std::vector<DeadlineResult::Window> miss_windows(std::span<const MissSeries> runs,
                                                 std::span<const int64_t> ks);
// Frames without a miss that show a rate of at most p: ceil(ln(1 - confidence) / ln(1 - p)),
// 2 995 731 for 1e-6 at 95 %.
int64_t clean_frames_for(double p, double confidence);
// 1 - (1-p)^frames, for independent frames (an upper bound when misses cluster).
double per_hour(double p, double frames_per_hour);

// Load of one server: mean over slots of sum S/T over its streams, with the one-sided 95 % upper
// bound of that mean. Slots of all repetitions count with their autocovariances; from five
// repetitions on their means are also compared as such, and the larger bound is taken. Slots: as
// far as every stream was served. `periods_ns`: one a stream. unstable: policy queue and an upper
// bound of 1 or more (or, when there is no bound, a mean of 1 or more): waits then grow with the
// length of the run. The other policies bound their queue by themselves.
Stability stability(std::span<const TimeSeries> services, std::span<const double> periods_ns,
                    Policy policy);

struct ReplayOptions {
  Policy policy = Policy::queue;
  std::vector<double> fps;            // frames a second of each camera
  std::vector<double> phases;         // offset of each stream as a share of the period; absent: 0
  std::vector<int64_t> deadlines_ns;  // of each stream; 0 or absent: only lost frames miss
  double confidence = .95;            // two-sided
  int bootstrap = 500;
  uint64_t seed = 1;
};
// The measured services of one server served again at other rates, each repetition from an empty
// queue. Interval: circular blocks of slots, all streams of a slot together, block = max(10, 2 tau,
// n^(1/3)), from five repetitions on repetitions first; widened to miss_rate()'s of the replay
// itself, because a replay without a miss resamples to nothing but zeros. No interval below four
// blocks a repetition, or where miss_rate() refuses.
std::vector<Replay> replay_rates(std::span<const TimeSeries> services,
                                 const ReplayOptions& options);

}  // namespace assay::stream
