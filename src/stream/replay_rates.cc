// SPDX-License-Identifier: Apache-2.0
// Measured services at other rates, and whether a rate leaves the server any slack.
#include <algorithm>
#include <cmath>

#include "stats/bootstrap.h"
#include "stats/mean_interval.h"
#include "stats/random.h"
#include "stats/special.h"
#include "stream/long_run.h"
#include "stream/misses.h"
#include "stream/replay.h"

namespace assay::stream {
namespace {

constexpr size_t kFewestRuns = 5;  // that can be resampled, or whose means bound a mean
constexpr int64_t kFewestBlocks = 4, kFewestSlots = 10;

int64_t slots_of(const TimeSeries& run) {
  int64_t n = run.empty() ? 0 : INT64_MAX;
  for (const auto& stream : run) n = std::min(n, std::ssize(stream));
  return n;
}

// One repetition served at a rate: the response of each frame, or INT64_MAX when lost.
class Server {
 public:
  Server(Policy policy, int64_t period_ns, std::span<const double> phases,
         std::span<const TimeSeries> runs)
      : policy_(policy) {
    size_t streams = 0;
    int64_t longest = 0;
    for (const TimeSeries& run : runs) {
      streams = std::max(streams, run.size());
      longest = std::max(longest, slots_of(run));
    }
    for (size_t c = 0; c < streams; ++c) {
      const double phase = c < phases.size() ? phases[c] : 0;
      releases_.push_back(
          periodic(std::llround(phase * static_cast<double>(period_ns)), period_ns, longest));
    }
  }
  // Slot i takes the services of slot order[i].
  TimeSeries serve(const TimeSeries& services, std::span<const int64_t> order) const {
    std::vector<std::span<const int64_t>> releases;
    for (size_t c = 0; c < services.size(); ++c)
      releases.push_back(std::span(releases_[c]).first(order.size()));
    TimeSeries out(services.size(), std::vector<int64_t>(order.size(), INT64_MAX));
    run_queue(
        policy_, std::move(releases),
        [&](int32_t c, int64_t i) {
          return services[static_cast<size_t>(c)]
                         [static_cast<size_t>(order[static_cast<size_t>(i)])];
        },
        [&](int32_t c, int64_t i, Fate fate, int64_t, int64_t done) {
          const auto stream = static_cast<size_t>(c), frame = static_cast<size_t>(i);
          if (fate == Fate::done) out[stream][frame] = done - releases_[stream][frame];
        });
    return out;
  }

 private:
  Policy policy_;
  TimeSeries releases_;
};

std::vector<int64_t> in_order(int64_t n) {
  std::vector<int64_t> out(static_cast<size_t>(n));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int64_t>(i);
  return out;
}

std::vector<int64_t> in_blocks(int64_t n, int64_t block, stats::Random& random) {
  std::vector<int64_t> out;
  out.reserve(static_cast<size_t>(n));
  while (std::ssize(out) < n) {
    int64_t from = static_cast<int64_t>(stats::below(random, static_cast<uint64_t>(n)));
    for (int64_t i = 0; i < block && std::ssize(out) < n; ++i) {
      out.push_back(from);
      if (++from == n) from = 0;
    }
  }
  return out;
}

// Block for the slots of a repetition, from the work of a slot; 0 when four do not fit.
int64_t block_of(const TimeSeries& run) {
  std::vector<int64_t> work(static_cast<size_t>(slots_of(run)), 0);
  for (const auto& stream : run)
    for (size_t i = 0; i < work.size(); ++i) work[i] += stream[i];
  const int64_t block = stats::default_block(work);
  return block < 1 || block > std::ssize(work) / kFewestBlocks ? 0 : block;
}

// Misses; `frames` grows by how many frames they are of.
double missed(const MissSeries& misses, double& frames) {
  double count = 0;
  for (const auto& stream : misses) {
    for (const uint8_t m : stream) count += m;
    frames += static_cast<double>(stream.size());
  }
  return count;
}

// Miss rates of resampled repetitions, ascending.
std::vector<double> replicates(const Server& server, std::span<const TimeSeries> runs,
                               std::span<const int64_t> blocks, const ReplayOptions& options,
                               uint64_t seed) {
  stats::Random random(seed);
  std::vector<double> out(static_cast<size_t>(options.bootstrap));
  for (double& rate : out) {
    double misses = 0, frames = 0;
    for (size_t r = 0; r < runs.size(); ++r) {
      const size_t pick = runs.size() < kFewestRuns ? r : stats::below(random, runs.size());
      const auto order = in_blocks(slots_of(runs[pick]), blocks[pick], random);
      misses += missed(over(server.serve(runs[pick], order), options.deadlines_ns), frames);
    }
    rate = misses / frames;
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Stability stability(std::span<const TimeSeries> services, std::span<const double> periods_ns,
                    Policy policy) {
  Stability out;
  std::vector<double> load, means;
  for (const TimeSeries& run : services) {
    const int64_t n = slots_of(run);
    const size_t from = load.size();
    load.resize(from + static_cast<size_t>(n), 0.0);
    for (size_t c = 0; c < run.size(); ++c) {
      if (c >= periods_ns.size() || !(periods_ns[c] > 0)) {
        out.note = "a stream has no period";
        return out;
      }
      for (size_t i = 0; i < static_cast<size_t>(n); ++i)
        load[from + i] += static_cast<double>(run[c][i]) / periods_ns[c];
    }
    double sum = 0;
    for (size_t i = from; i < load.size(); ++i) sum += load[i];
    if (n > 0) means.push_back(sum / static_cast<double>(n));
  }
  if (load.empty()) {
    out.note = "no frame was served by every stream";
    return out;
  }
  const auto n = static_cast<double>(load.size());
  double mean = 0, own = 0;
  for (const double u : load) mean += u / n;
  out.utilisation = mean;
  for (double& u : load) {
    u -= mean;
    own += u * u;
  }
  if (std::ssize(load) >= kFewestSlots) {
    const double total = long_run_sum(load);
    const double n_effective = total > 0 ? n * own / total : n;
    out.upper = mean + stats::t_critical(.10, std::max(1.0, n_effective - 1)) *
                           std::sqrt(total / n / (n - 1));
    if (means.size() >= kFewestRuns)
      if (const auto of_means = stats::mean_interval(means, .90); of_means.upper)
        out.upper = std::max(*out.upper, *of_means.upper);
  }
  if (policy != Policy::queue) {
    out.note = "the policy bounds the queue: a full server loses frames instead";
    return out;
  }
  out.unstable = out.upper.value_or(mean) >= 1;
  if (!out.upper)
    out.note = "too few frames for a bound on the load";
  else if (out.unstable)
    out.note = "the load may reach 1: waits grow with the length of the run";
  return out;
}

std::vector<Replay> replay_rates(std::span<const TimeSeries> services,
                                 const ReplayOptions& options) {
  std::vector<TimeSeries> runs;  // only repetitions with work, cut to whole slots
  for (const TimeSeries& run : services) {
    const auto n = static_cast<size_t>(slots_of(run));
    if (n == 0) continue;
    for (auto& out = runs.emplace_back(run); auto& stream : out) stream.resize(n);
  }
  std::vector<int64_t> blocks;
  for (const TimeSeries& run : runs) blocks.push_back(block_of(run));
  const bool long_enough = std::find(blocks.begin(), blocks.end(), 0) == blocks.end();

  std::vector<Replay> out;
  for (size_t f = 0; f < options.fps.size(); ++f) {
    Replay& replay = out.emplace_back();
    replay.fps = options.fps[f];
    if (runs.empty() || !(replay.fps > 0) || replay.fps > 1e9) continue;
    const int64_t period = std::llround(1e9 / replay.fps);
    const std::vector<double> periods(runs[0].size(), static_cast<double>(period));
    replay.unstable = stability(runs, periods, options.policy).unstable;
    if (replay.unstable) continue;
    const Server server(options.policy, period, options.phases, runs);
    std::vector<TimeSeries> responses;
    std::vector<MissSeries> misses;
    for (const TimeSeries& run : runs) {
      responses.push_back(server.serve(run, in_order(slots_of(run))));
      misses.push_back(over(responses.back(), options.deadlines_ns));
    }
    const MissRate plain = miss_rate(misses, {options.confidence, slowness_tau(responses)});
    replay.rate = plain.rate;
    if (!plain.upper || !long_enough || options.bootstrap < 100) continue;
    const auto rates =
        replicates(server, runs, blocks, options, stats::derived_seed(options.seed, f));
    const double tail = (1 - options.confidence) / 2;
    const auto at = [&](double level) {
      const auto rank = std::ceil(level * static_cast<double>(rates.size()));
      return rates[static_cast<size_t>(std::clamp<double>(rank, 1, double(rates.size()))) - 1];
    };
    replay.lower = std::min(*plain.lower, at(tail));
    replay.upper = std::max(*plain.upper, at(1 - tail));
  }
  return out;
}

}  // namespace assay::stream
