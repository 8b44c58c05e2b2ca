// SPDX-License-Identifier: Apache-2.0
#include "stats/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/test_series.h"

namespace assay::stats {
namespace {

using testing::HasSubstr;

MachineEvidence quiet() {
  MachineEvidence m;
  m.throttle_events = m.involuntary_switches = m.major_faults = m.migrations = m.steal_ticks = 0;
  m.clock_drop = 0;
  m.pinned = m.memory_locked = m.aa_equivalent = true;
  return m;
}

TEST(Gate, CleanSeriesAreTrusted) {
  for (const Law law : kLaws) {
    for (const int64_t n : {1000, 2000, 20000}) {
      int bad = 0;
      const int trials = n > 10000 ? 20 : 200;
      std::string why;
      for (int t = 0; t < trials; ++t) {
        std::mt19937_64 rng(static_cast<uint64_t>(t) + 1);
        const Gate g = judge_series(clean(law, n, rng), quiet());
        bad += g.trust != Trust::trusted;
        for (const auto& r : g.reasons) why += r + "\n";
      }
      printf("%s %d: %d of %d\n%s", name_of(law), (int)n, bad, trials, why.c_str());
    }
  }
}

TEST(Gate, Speed) {
  std::mt19937_64 rng(3);
  for (const Law law : kLaws) {
    const auto v = clean(law, 1000000, rng);
    const auto t0 = std::chrono::steady_clock::now();
    const Gate g = judge_series(v, quiet());
    printf("%s %.3f s trust %d\n", name_of(law),
           std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count(),
           (int)g.trust);
    for (auto& t : g.tests)
      printf("  %s %g p %g adj %g effect %g %s\n", t.name.c_str(), t.statistic, t.p, t.adjusted_p,
             t.effect, t.note.c_str());
    for (auto& t : g.reasons) printf("  %s\n", t.c_str());
  }
}

}  // namespace
}  // namespace assay::stats
