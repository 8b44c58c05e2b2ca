// SPDX-License-Identifier: Apache-2.0
// sampler_bench [PAIRS [SAMPLES [GPU]]]: what watching the machine costs what is measured. Launches
// (a process each, one thread, pinned as an audit pins it) run a fixed piece of arithmetic SAMPLES
// times, with the sampler and without, in seeded random order within blocks of four: two without
// (an A/A pair) and one of each kind. Printed, each with its verdict:
//   CPU time of the sampler's thread over the time it was there           budget: 1 % of one core
//   p50 and p99, with over without                  equivalent at twice the A/A half-width (TOST)
//   samples above the p99 of their launch that a wake window touched      no more than chance gives
// Chance: the same windows at random other moments of the same launches. A long sample is under way
// for longer, so that more than 1 % of all moments lie in the slowest 1 % of samples.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

#include "measure/clock.h"
#include "measure/loop.h"
#include "measure/sampler.h"
#include "stats/gate.h"
#include "worker/environment.h"

namespace {

using assay::measure::Sampler;
using assay::measure::SamplerSpec;
using assay::measure::stamp_ns;

constexpr double kBudget = .01, kAlpha = .05;
constexpr int kShifts = 999;
constexpr int kFloats = 16384, kPasses = 24;  // 64 KiB, about 100 us a sample

// Written by the child, read after it ended.
struct Shared {
  int64_t written, n, thread_cpu_ns, thread_wall_ns, threaded, in_windows, above_in_windows, rounds,
      round_ns;
  double p50, p99;
  double touched_shifted;          // mean over shifts
  int64_t above_shifted[kShifts];  // as above_in_windows, with all windows moved by a random time
};

float arithmetic(std::vector<float>& v) {
  for (int pass = 0; pass < kPasses; ++pass)
    for (float& x : v) x = x * .999F + .001F;
  return v[0];
}

int64_t quantile(std::vector<int64_t> v, double q) {
  const auto at = v.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(v.size() - 1));
  std::nth_element(v.begin(), at, v.end());
  return *at;
}

// Samples are back to back: what lies between two of them is a few stamps.
void count_shifted(const std::vector<std::pair<int64_t, int64_t>>& windows,
                   const std::vector<int64_t>& samples, uint64_t seed, Shared& out) {
  std::vector<int64_t> ends(samples.size());
  std::partial_sum(samples.begin(), samples.end(), ends.begin());
  std::mt19937_64 random(seed);
  for (int64_t& count : out.above_shifted) {
    const auto shift = static_cast<int64_t>(random() % static_cast<uint64_t>(ends.back()));
    std::vector<size_t> touched;
    for (const auto& [begin, length] : windows) {
      const int64_t at = (begin + shift) % ends.back();
      auto i = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
      for (; i < ends.size(); ++i) {
        touched.push_back(i);
        if (ends[i] > at + length) break;
      }
    }
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    out.touched_shifted += static_cast<double>(touched.size()) / kShifts;
    for (const size_t i : touched) count += static_cast<double>(samples[i]) > out.p99;
  }
}

void count_windows(const assay::Json& report, const std::vector<int64_t>& samples, Shared& out) {
  int64_t next = 0;
  const auto n = static_cast<int64_t>(samples.size());
  for (const assay::Json& w : assay::get_array(report, "windows")) {
    const int64_t first = std::max(w[2].get<int64_t>(), next);
    const int64_t last = std::min(w[3].get<int64_t>(), n - 1);
    for (int64_t i = first; i <= last; ++i) {
      ++out.in_windows;
      out.above_in_windows += static_cast<double>(samples[static_cast<size_t>(i)]) > out.p99;
    }
    next = std::max(next, last + 1);
  }
}

void launch(bool watched, int64_t n, int gpu, Shared& out) {
  const std::vector<int> cpus = assay::worker::allowed_cpus();
  assay::worker::pin_this_thread(cpus.back());
  std::vector<float> data(kFloats, 1);
  std::vector<int64_t> order(static_cast<size_t>(n), 0), samples(static_cast<size_t>(n), 0);
  volatile float sink = 0;
  const auto run = [&](int32_t) {
    sink = arithmetic(data);
    return 0;
  };
  SamplerSpec spec;
  spec.measured_cpu = cpus.back();
  spec.busy_cpus = {cpus.back()};
  if (cpus.size() > 1) spec.wanted_cpu = cpus.front();
  spec.written = &out.written;
  spec.gpu = gpu;
  spec.threaded = watched;
  Sampler sampler(spec);
  assay::measure::warm_up(run, stamp_ns, 1, 20, 200'000'000, [] { return false; });
  if (watched) sampler.start();
  const int64_t loop_begin = stamp_ns();
  assay::measure::timed_loop(run, stamp_ns, order.data(), n, samples.data(), &out.written);
  const int64_t loop_end = stamp_ns();
  if (watched) sampler.stop();
  out.n = n;
  out.p50 = static_cast<double>(quantile(samples, .5));
  out.p99 = static_cast<double>(quantile(samples, .99));
  if (!watched) return;
  out.threaded = sampler.has_thread();
  out.thread_cpu_ns = sampler.thread_cpu_ns();
  out.thread_wall_ns = sampler.thread_wall_ns();
  const assay::Json report = sampler.report(n);
  count_windows(report, samples, out);
  std::vector<std::pair<int64_t, int64_t>> windows;
  for (const assay::Json& w : assay::get_array(report, "windows"))
    if (w[1].get<int64_t>() <= loop_end)
      windows.emplace_back(std::max<int64_t>(0, w[0].get<int64_t>() - loop_begin),
                           w[1].get<int64_t>() - w[0].get<int64_t>());
  count_shifted(windows, samples, static_cast<uint64_t>(loop_begin), out);
  for (const assay::Json& w : assay::get_array(report, "windows")) {
    ++out.rounds;
    out.round_ns += w[1].get<int64_t>() - w[0].get<int64_t>();
  }
}

bool run_child(bool watched, int64_t n, int gpu, Shared* shared) {
  *shared = Shared{};
  const pid_t child = fork();
  if (child == 0) {
    launch(watched, n, gpu, *shared);
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

struct Values {
  std::vector<double> aa, on_off;  // pairs: first, second
};

const char* word(bool good) { return good ? "within" : "OVER BUDGET"; }

bool equivalence(const char* what, const Values& v) {
  const auto aa = assay::stats::aa_half_width(v.aa, 1, kAlpha);
  if (!aa.half_width) {
    std::printf("%-22s unknown (too few pairs)\n", what);
    return false;
  }
  const double margin = 2 * *aa.half_width;
  const auto on = assay::stats::aa_half_width(v.on_off, margin, kAlpha);
  std::printf(
      "%-22s %.5f  (half-width %.3f %%, A/A ratio %.5f, half-width %.3f %%, margin %.3f %%"
      ", %lld pairs)  %s\n",
      what, on.ratio, 100 * on.half_width.value_or(NAN), aa.ratio, 100 * *aa.half_width,
      100 * margin, static_cast<long long>(on.pairs),
      on.equivalent ? "equivalent" : "NOT SHOWN EQUIVALENT");
  return on.equivalent;
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 20;
  const int64_t n = argc > 2 ? std::atoll(argv[2]) : 10000;
  const int gpu = argc > 3 ? std::atoi(argv[3]) : -1;
  if (pairs < 2 || n < 1000) {
    std::fprintf(stderr, "sampler_bench: at least 2 pairs of 1000 samples\n");
    return 2;
  }
  auto* shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (shared == MAP_FAILED) return 4;
  std::mt19937_64 random(7);
  Values p50, p99;
  Shared sum{};
  for (int block = 0; block < pairs; ++block) {
    struct Launch {
      bool watched;
      int place;
      Shared got;
    } all[] = {{false, 0, {}}, {false, 1, {}}, {false, 2, {}}, {true, 3, {}}};
    std::shuffle(std::begin(all), std::end(all), random);
    for (Launch& l : all) {
      if (!run_child(l.watched, n, gpu, shared)) {
        std::fprintf(stderr, "sampler_bench: a launch failed\n");
        return 4;
      }
      l.got = *shared;
    }
    std::sort(std::begin(all), std::end(all),
              [](const Launch& a, const Launch& b) { return a.place < b.place; });
    for (int i = 0; i < 4; ++i) {
      (i < 2 ? p50.aa : p50.on_off).push_back(all[i].got.p50);
      (i < 2 ? p99.aa : p99.on_off).push_back(all[i].got.p99);
    }
    const Shared& on = all[3].got;
    sum.n += on.n;
    sum.threaded += on.threaded;
    sum.thread_cpu_ns += on.thread_cpu_ns;
    sum.thread_wall_ns += on.thread_wall_ns;
    sum.in_windows += on.in_windows;
    sum.above_in_windows += on.above_in_windows;
    sum.touched_shifted += on.touched_shifted;
    for (int i = 0; i < kShifts; ++i) sum.above_shifted[i] += on.above_shifted[i];
    sum.rounds += on.rounds;
    sum.round_ns += on.round_ns;
  }
  if (sum.threaded == 0) {
    std::printf("no CPU to spare: the sampler reads before and after the loop only\n");
    return 0;
  }
  const double cost =
      static_cast<double>(sum.thread_cpu_ns) / static_cast<double>(sum.thread_wall_ns);
  std::printf(
      "sampler_cpu_share      %.4f %% of one core  (%lld rounds, %.1f us each by the clock)"
      "  %s\n",
      100 * cost, static_cast<long long>(sum.rounds),
      static_cast<double>(sum.round_ns) / 1e3 / static_cast<double>(sum.rounds),
      word(cost <= kBudget));
  bool good = cost <= kBudget;
  good = equivalence("p50_with_over_without", p50) && good;
  good = equivalence("p99_with_over_without", p99) && good;
  double expected = 0, as_many = 1;
  for (const int64_t count : sum.above_shifted) {
    expected += static_cast<double>(count) / kShifts;
    as_many += count >= sum.above_in_windows;
  }
  const double p = as_many / (kShifts + 1);
  std::printf(
      "above_p99_in_windows   %lld of %lld samples in wake windows, %.1f of %.1f in windows at "
      "random moments, p %.3g  %s\n",
      static_cast<long long>(sum.above_in_windows), static_cast<long long>(sum.in_windows),
      expected, sum.touched_shifted, p, p >= kAlpha ? "no excess" : "EXCESS");
  return good && p >= kAlpha ? 0 : 1;
}
