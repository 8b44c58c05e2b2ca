// SPDX-License-Identifier: Apache-2.0
#include "stream/misses.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "stats/dependence.h"
#include "stats/intervals.h"
#include "stats/mean_interval.h"
#include "stats/quantiles.h"
#include "stats/quiet.h"
#include "stream/long_run.h"

namespace assay::stream {
namespace {

struct Counts {
  int64_t frames = 0, misses = 0, slots = 0;
};

Counts count(std::span<const MissSeries> runs) {
  Counts out;
  for (const MissSeries& run : runs) {
    size_t longest = 0;
    for (const auto& stream : run) {
      out.frames += std::ssize(stream);
      for (const uint8_t m : stream) out.misses += m != 0;
      longest = std::max(longest, stream.size());
    }
    out.slots += static_cast<int64_t>(longest);
  }
  return out;
}

constexpr int64_t kFewestRuns = 5;  // whose rates bound a rate, as means bound a mean

std::vector<double> rates_of(std::span<const MissSeries> runs) {
  std::vector<double> out;
  for (const MissSeries& run : runs)
    if (const Counts n = count({&run, 1}); n.frames > 0)
      out.push_back(static_cast<double>(n.misses) / static_cast<double>(n.frames));
  return out;
}

// tau raised by what its estimate may lack, where there is dependence at all.
double raised(double tau, double effective) {
  if (tau <= stats::kTauIndependent) return tau;
  return tau * (1 + 1.5 / std::sqrt(std::max(effective, 1.0)));
}

}  // namespace

MissSeries over(const TimeSeries& times, std::span<const int64_t> limits) {
  MissSeries out(times.size());
  for (size_t c = 0; c < times.size(); ++c) {
    const int64_t limit = c < limits.size() && limits[c] > 0 ? limits[c] : INT64_MAX - 1;
    out[c].reserve(times[c].size());
    for (const int64_t t : times[c]) out[c].push_back(t > limit);
  }
  return out;
}

double pooled_tau(std::span<const MissSeries> runs) {
  const Counts n = count(runs);
  if (n.misses == 0 || n.misses == n.frames) return 1;
  const double p = static_cast<double>(n.misses) / static_cast<double>(n.frames);
  std::vector<double> excess;  // misses of a slot above what the rate says
  excess.reserve(static_cast<size_t>(n.slots));
  for (const MissSeries& run : runs) {
    const size_t from = excess.size();
    for (const auto& stream : run) {
      excess.resize(std::max(excess.size(), from + stream.size()), 0.0);
      for (size_t i = 0; i < stream.size(); ++i) excess[from + i] += (stream[i] != 0) - p;
    }
  }
  return std::max(1.0, long_run_sum(excess) / (static_cast<double>(n.frames) * p * (1 - p)));
}

double slowness_tau(std::span<const TimeSeries> responses) {
  std::vector<int64_t> all;
  for (const TimeSeries& run : responses)
    for (const auto& stream : run) all.insert(all.end(), stream.begin(), stream.end());
  if (all.empty()) return 1;
  const auto at = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) * 9 / 10);
  std::nth_element(all.begin(), at, all.end());
  std::vector<MissSeries> slow;
  for (const TimeSeries& run : responses) {
    auto& out = slow.emplace_back(run.size());
    for (size_t c = 0; c < run.size(); ++c)
      for (const int64_t t : run[c]) out[c].push_back(t > *at);
  }
  return pooled_tau(slow);
}

MissRate miss_rate(std::span<const MissSeries> runs, const MissOptions& options) {
  namespace bm = boost::math;
  MissRate out;
  const Counts counts = count(runs);
  out.n = counts.frames;
  out.misses = counts.misses;
  if (out.n == 0) {
    out.refusal = "no frame was planned";
    return out;
  }
  const auto n = static_cast<double>(out.n), x = static_cast<double>(out.misses);
  out.rate = x / n;
  out.tau = pooled_tau(runs);
  double tau = raised(out.tau, x / out.tau);
  if (x / out.tau < kFewestEffectiveMisses && options.tau_floor > out.tau) {
    out.tau = options.tau_floor;
    tau = raised(options.tau_floor, n / 10 / options.tau_floor);
  }
  const double units = x == 0 ? static_cast<double>(counts.slots) : n;
  const double n_e = units / tau, x_e = x / tau;
  if (n_e < kFewestEffectiveFrames) {
    out.refusal = fmt::format(
        "{} frames weigh as {:.0f} independent ones, fewer than {:.0f}: too few for a bound", out.n,
        n_e, kFewestEffectiveFrames);
    return out;
  }
  const double tail = (1 - options.confidence) / 2;
  const auto quiet = stats::Quiet();
  out.lower = x == 0 ? 0.0 : bm::ibeta_inv(x_e, n_e - x_e + 1, tail, quiet);
  out.upper = x == n ? 1.0 : bm::ibetac_inv(x_e + 1, n_e - x_e, tail, quiet);
  const std::vector<double> rates = rates_of(runs);
  if (x == 0 || x == n || std::ssize(rates) < kFewestRuns) return out;
  if (const auto of_runs = stats::mean_interval(rates, options.confidence);
      of_runs.lower && of_runs.upper) {
    out.lower = std::min(*out.lower, std::max(0.0, *of_runs.lower));
    out.upper = std::max(*out.upper, std::min(1.0, *of_runs.upper));
  }
  return out;
}

int64_t max_consecutive(std::span<const MissSeries> runs) {
  int64_t most = 0;
  for (const MissSeries& run : runs)
    for (const auto& stream : run) {
      int64_t now = 0;
      for (const uint8_t m : stream) most = std::max(most, now = m != 0 ? now + 1 : 0);
    }
  return most;
}

std::vector<DeadlineResult::Window> miss_windows(std::span<const MissSeries> runs,
                                                 std::span<const int64_t> ks) {
  std::vector<DeadlineResult::Window> out;
  for (const int64_t k : ks) {
    DeadlineResult::Window window{k, 0, 0};
    int64_t windows = 0, two = 0;
    for (const MissSeries& run : runs)
      for (const auto& stream : run) {
        int64_t inside = 0;
        for (int64_t i = 0; k > 0 && i < std::ssize(stream); ++i) {
          inside += stream[static_cast<size_t>(i)] != 0;
          if (i >= k) inside -= stream[static_cast<size_t>(i - k)] != 0;
          if (i + 1 < k) continue;
          ++windows;
          two += inside >= 2;
          window.worst = std::max(window.worst, inside);
        }
      }
    if (windows == 0) continue;
    window.at_least_two = static_cast<double>(two) / static_cast<double>(windows);
    out.push_back(window);
  }
  return out;
}

int64_t clean_frames_for(double p, double confidence) {
  return stats::quantile_n_needed(1 - p, confidence);
}

double per_hour(double p, double frames_per_hour) {
  return p >= 1 ? (frames_per_hour > 0 ? 1.0 : 0.0) : -std::expm1(frames_per_hour * std::log1p(-p));
}

}  // namespace assay::stream
