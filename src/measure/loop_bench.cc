// SPDX-License-Identifier: Apache-2.0
// bench_sample_cost: what one sample costs over the same loop without stamps, with a null function,
// against the budget of design.md: 2 x this machine's clock read + 10 ns. Rounds of the three loops
// are interleaved, so that a slow phase of the machine falls on all; the medians are compared.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "measure/clock.h"
#include "measure/loop.h"

namespace {

using assay::measure::stamp_ns;

constexpr int rounds = 41;
constexpr int64_t runs = 20000;

int null_run(void*, int32_t) { return 0; }
int (*volatile null_function)(void*, int32_t) = null_run;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Loop>
double ns_per_run(Loop&& loop) {
  const int64_t begin = stamp_ns();
  loop();
  return static_cast<double>(stamp_ns() - begin) / static_cast<double>(runs);
}

}  // namespace

int main() {
  std::vector<int64_t> order(runs, 0), samples(runs, 0);
  int64_t written = 0;
  const auto run = [function = null_function](int32_t slot) { return function(nullptr, slot); };
  volatile int64_t sink = 0;
  std::vector<double> timed, bare, read;
  for (int round = 0; round < rounds; ++round) {
    timed.push_back(ns_per_run([&] {
      assay::measure::timed_loop(run, stamp_ns, order.data(), runs, samples.data(), &written);
    }));
    bare.push_back(ns_per_run([&] {
      for (int64_t i = 0; i < runs; ++i)
        if (run(static_cast<int32_t>(order[static_cast<size_t>(i)])) != 0) break;
    }));
    read.push_back(ns_per_run([&] {
      for (int64_t i = 0; i < runs; ++i) sink = stamp_ns();
    }));
  }
  const double cost = median(timed) - median(bare), clock_read = median(read);
  const double budget = 2 * clock_read + 10;
  std::printf(
      "sample_cost_ns       %8.2f  (loop with stamps %.2f, without %.2f; medians of %d rounds of "
      "%lld runs)\n",
      cost, median(timed), median(bare), rounds, static_cast<long long>(runs));
  std::printf("clock_read_ns        %8.2f\n", clock_read);
  std::printf("budget_ns            %8.2f  (2 x clock read + 10)\n", budget);
  std::printf("sample_cost / budget %8.3f  %s\n", cost / budget, cost <= budget ? "PASS" : "FAIL");
  return cost <= budget ? 0 : 1;
}
