// SPDX-License-Identifier: Apache-2.0
// How often the intervals of miss rates hold the truth, over simulated audits. Tables:
// docs/results/response.md, printed with ASSAY_PRINT_TABLES=1.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "stats/random.h"
#include "stats/special.h"
#include "stream/misses.h"

namespace assay::stream {
namespace {

using stats::Random;

bool tables() { return std::getenv("ASSAY_PRINT_TABLES") != nullptr; }

// Latencies 10^6 exp(sigma X) of `streams` streams; X an AR(1) of unit variance, half of whose
// variance all streams share when there are several.
TimeSeries latencies(size_t streams, size_t n, double phi, double sigma, Random& random) {
  const double step = std::sqrt(1 - phi * phi);
  const double shared = streams > 1 ? std::sqrt(.5) : 0, own = std::sqrt(1 - shared * shared);
  TimeSeries out(streams, std::vector<int64_t>(n));
  std::vector<double> x(streams + 1);
  for (double& v : x) v = stats::normal(random);
  for (size_t i = 0; i < n; ++i) {
    for (double& v : x) v = phi * v + step * stats::normal(random);
    for (size_t c = 0; c < streams; ++c)
      out[c][i] = std::llround(1e6 * std::exp(sigma * (shared * x[streams] + own * x[c])));
  }
  return out;
}

struct Setting {
  double phi, p;
  size_t streams, runs, frames;  // frames of a stream in a repetition
};
struct Outcome {
  double low = 0, high = 0, refused = 0,
         naive = 0;  // shares of audits; but for refused: of those told
  int told = 0;
};

Outcome audit_rates(const Setting& s, int audits, uint64_t seed) {
  Random random(seed);
  const auto limit = static_cast<int64_t>(1e6 * std::exp(.2 * stats::normal_quantile(1 - s.p)));
  const std::vector<int64_t> limits(s.streams, limit);
  Outcome out;
  for (int a = 0; a < audits; ++a) {
    std::vector<TimeSeries> times;
    std::vector<MissSeries> misses;
    for (size_t r = 0; r < s.runs; ++r) {
      times.push_back(latencies(s.streams, s.frames, s.phi, .2, random));
      misses.push_back(over(times.back(), limits));
    }
    const MissRate rate = miss_rate(misses, {.95, slowness_tau(times)});
    if (!rate.upper) continue;
    ++out.told;
    out.low += *rate.upper < s.p;
    out.high += *rate.lower > s.p;
    const auto plain = stats::clopper_pearson(rate.misses, rate.n, .95);
    out.naive += *plain.upper < s.p || *plain.lower > s.p;
  }
  out.refused = 1 - double(out.told) / audits;
  for (double* v : {&out.low, &out.high, &out.naive}) *v /= std::max(out.told, 1);
  return out;
}

void intervals(size_t streams, double phi, uint64_t seed) {
  constexpr int kAudits = 2000;
  if (tables())
    std::printf(
        "| streams | phi | rate | frames | refused | too low | too high | both | "
        "independent |\n");
  for (const double p : {.1, .01, .001})
    for (const size_t frames : {500, 2000}) {
      const Outcome o = audit_rates({phi, p, streams, 5, frames}, kAudits, ++seed);
      const double wrong = o.low + o.high;
      if (tables())
        std::printf(
            "| %zu | %.2f | %g | 5 x %zu | %.1f %% | %.2f %% | %.2f %% | %.2f %% | "
            "%.1f %% |\n",
            streams, phi, p, frames, 100 * o.refused, 100 * o.low, 100 * o.high, 100 * wrong,
            100 * o.naive);
      EXPECT_LE(wrong, .05 + 3 * std::sqrt(.05 * .95 / std::max(o.told, 1))) << phi << " " << p;
    }
}

TEST(MissRateCalibration, OneStream) { intervals(1, 0, 100); }
TEST(MissRateCalibration, OneStreamPhi50) { intervals(1, .5, 106); }
TEST(MissRateCalibration, OneStreamPhi80) { intervals(1, .8, 112); }
TEST(MissRateCalibration, OneStreamPhi95) { intervals(1, .95, 118); }
TEST(MissRateCalibration, FourStreams) { intervals(4, 0, 124); }
TEST(MissRateCalibration, FourStreamsPhi50) { intervals(4, .5, 130); }
TEST(MissRateCalibration, FourStreamsPhi80) { intervals(4, .8, 136); }
TEST(MissRateCalibration, FourStreamsPhi95) { intervals(4, .95, 142); }

// Stalls that nothing announces: from any frame, with a chance that makes the rate p, the next 1 to
// 19 frames (10 on average) miss; all others are independent.
TimeSeries stalls(size_t n, double p, Random& random) {
  TimeSeries out(1, std::vector<int64_t>(n));
  size_t left = 0;
  for (int64_t& t : out[0]) {
    if (left == 0 && stats::uniform(random) < p / 10 / (1 - p)) left = 1 + stats::below(random, 19);
    t = left > 0 ? 100'000'000 : std::llround(1e6 * std::exp(.2 * stats::normal(random)));
    left -= left > 0;
  }
  return out;
}

TEST(MissRateCalibration, StallsAreSeenOrTheBoundIsWrong) {
  constexpr int kAudits = 2000;
  if (tables())
    std::printf(
        "| stalls: rate | frames | refused | wrong | wrong when a stall was seen "
        "| audits without a stall |\n");
  const int64_t limits[] = {10'000'000};
  uint64_t seed = 500;
  for (const double p : {.05, .01, .002})
    for (const size_t frames : {2500, 10'000}) {
      Random random(++seed);
      int told = 0, wrong = 0, none = 0, wrong_seen = 0;
      for (int a = 0; a < kAudits; ++a) {
        const TimeSeries times = stalls(frames, p, random);
        const MissSeries misses = over(times, limits);
        const MissRate rate = miss_rate({&misses, 1}, {.95, slowness_tau({&times, 1})});
        if (!rate.upper) continue;
        ++told;
        none += rate.misses == 0;
        const bool bad = *rate.upper < p || *rate.lower > p;
        wrong += bad;
        wrong_seen += bad && rate.misses > 0;
      }
      const int seen = told - none;
      if (tables())
        std::printf("| %g | %zu | %.1f %% | %.2f %% | %.2f %% | %.1f %% |\n", p, frames,
                    100. * (kAudits - told) / kAudits, 100. * wrong / told,
                    100. * wrong_seen / seen, 100. * none / told);
      // With ten stalls or more to come the clustering is learnt from them; with fewer the
      // shortfall is stated in docs/results/response.md, not asserted away.
      if (p * double(frames) / 10 >= 10) {
        EXPECT_LE(double(wrong) / told, .05 + 3 * std::sqrt(.05 * .95 / told)) << p << frames;
      }
    }
}

// Services of mean 8 ms served at `fps`: is the long-run rate of such repetitions in the interval?
void replays(size_t streams, double phi, double fps, int64_t deadline, int audits, uint64_t seed) {
  Random random(seed);
  const auto served = [&] {
    TimeSeries run = latencies(streams, 500, phi, .2, random);
    for (auto& s : run)
      for (int64_t& t : s) t = t * 8 / static_cast<int64_t>(streams);
    return run;
  };
  ReplayOptions o;
  o.fps = {fps};
  o.deadlines_ns.assign(streams, deadline);
  o.bootstrap = 0;
  for (size_t c = 0; c < streams; ++c) o.phases.push_back(double(c) / double(streams));
  double truth = 0;
  constexpr int kLong = 20;
  for (int i = 0; i < kLong; ++i) {
    std::vector<TimeSeries> runs;
    for (int r = 0; r < 200; ++r) runs.push_back(served());
    truth += *replay_rates(runs, o)[0].rate / kLong;
  }
  o.bootstrap = 200;
  int told = 0, low = 0, high = 0, unstable = 0;
  double width = 0;
  for (int a = 0; a < audits; ++a) {
    std::vector<TimeSeries> runs;
    for (int r = 0; r < 5; ++r) runs.push_back(served());
    o.seed = seed + static_cast<uint64_t>(a);
    const Replay r = replay_rates(runs, o)[0];
    unstable += r.unstable;
    if (!r.upper) continue;
    ++told;
    low += *r.upper < truth;
    high += *r.lower > truth;
    width += *r.upper / truth;
  }
  if (tables())
    std::printf("| %zu | %.2f | %.0f | %.2f | %.4f | %d | %.1f %% | %.2f %% | %.2f %% | %.2f |\n",
                streams, phi, fps, fps * .00816, truth, told, 100. * unstable / audits,
                100. * low / told, 100. * high / told, width / told);
  EXPECT_LE(double(low + high) / told, .05 + 3 * std::sqrt(.05 * .95 / told)) << streams << phi;
}

TEST(ReplayCalibration, IntervalsHoldTheTruth) {
  if (tables())
    std::printf(
        "| streams | phi | fps | load | true rate | audits told | unstable | too low | "
        "too high | upper / true |\n");
  replays(1, 0, 75, 12'000'000, 1000, 1000);
  replays(1, 0, 100, 14'000'000, 1000, 2000);
  replays(1, .8, 75, 12'000'000, 1000, 3000);
  replays(1, .8, 100, 14'000'000, 1000, 4000);
  replays(1, .95, 90, 14'000'000, 1000, 5000);
  replays(4, 0, 100, 5'000'000, 300, 6000);
  replays(4, .8, 75, 4'000'000, 300, 7000);
}

// The one-sided 95 % bound on the load decides whether a rate is stated: it may lie below the truth
// in 5 % of audits.
TEST(StabilityCalibration, TheUpperBoundHolds) {
  constexpr int kAudits = 2000;
  if (tables()) std::printf("| phi | frames | bound below the true load | bound / true |\n");
  const double periods[] = {1e6};
  const double truth = std::exp(.02);  // of exp(.2 X)
  uint64_t seed = 900;
  for (const double phi : {0., .5, .8, .95})
    for (const size_t frames : {100, 500}) {
      Random random(++seed);
      int below = 0;
      double width = 0;
      for (int a = 0; a < kAudits; ++a) {
        std::vector<TimeSeries> runs;
        for (int r = 0; r < 5; ++r) runs.push_back(latencies(1, frames, phi, .2, random));
        const double upper = *stability(runs, periods, Policy::queue).upper;
        below += upper < truth;
        width += upper / truth / kAudits;
      }
      if (tables())
        std::printf("| %.2f | 5 x %zu | %.2f %% | %.4f |\n", phi, frames, 100. * below / kAudits,
                    width);
      EXPECT_LE(double(below) / kAudits, .05 + 3 * std::sqrt(.05 * .95 / kAudits)) << phi;
    }
}

}  // namespace
}  // namespace assay::stream
