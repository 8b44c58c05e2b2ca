// SPDX-License-Identifier: Apache-2.0
// Coverage of the intervals of the variance split at nominal 95 %, over 2000 simulated audits a
// case.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "stats/test_coverage.h"

namespace assay::stats {
namespace {

TEST(VarianceCoverage, AtNominal95) {
  constexpr int kTrials = 2000;
  const double slack = 3 * std::sqrt(0.05 * 0.95 / kTrials);
  const double cases[][3] = {{2, 1, 1}, {10, 1, 0.5}, {2, 0, 0}, {1, 1, 5}, {1, 0, 1}};
  for (const int64_t builds : {3, 10})
    for (const auto& sd : cases)
      for (const bool skewed : {false, true}) {
        const Coverage c = coverage({builds, 5, 20}, {sd[0], sd[1], sd[2]}, skewed, kTrials, 31);
        std::printf("builds %d, sds %g %g %g%s: inference %.3f launch %.3f build %.3f mean %.3f\n",
                    static_cast<int>(builds), sd[0], sd[1], sd[2],
                    skewed ? ", skewed inferences" : "", c.level[0], c.level[1], c.level[2],
                    c.mean);
        // The t interval of the mean of few skewed variances falls a little short.
        EXPECT_GE(c.level[0], 0.95 - slack - (skewed ? 0.04 : 0.01));
        EXPECT_GE(c.level[1], 0.95 - slack - (skewed ? 0.02 : 0));
        EXPECT_GE(c.level[2], 0.95 - slack);
        EXPECT_NEAR(c.mean, 0.95, slack + 0.005);
      }
}

}  // namespace
}  // namespace assay::stats
