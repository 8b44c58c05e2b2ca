// SPDX-License-Identifier: Apache-2.0
// Coverage of quantile bounds over simulated audits (statistics.md section 4).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stats/dependence.h"
#include "stats/quantiles.h"
#include "stats/simulated.h"

namespace assay::stats {
namespace {

constexpr double kSigma = .1, kCentre = 1e9;

double truth(double z) { return kCentre * std::exp(kSigma * z); }

struct Coverage {
  double upper = 0, two_sided = 0, refused = 0, tau = 0;
};

// Shares of `audits`; of those carried for the first two.
Coverage cover(size_t n, double phi, double q, double z, bool dependent, int audits,
               uint64_t seed) {
  std::mt19937_64 engine(seed);
  Coverage out;
  int carried = 0;
  for (int audit = 0; audit < audits; ++audit) {
    const auto x = simulated_series(n, phi, kSigma, kCentre, engine);
    auto sorted = x;
    std::sort(sorted.begin(), sorted.end());
    const QuantileRow row = quantile_row(x, sorted, q, .95, dependent);
    out.tau += row.tau / audits;
    if (!row.carried()) continue;
    ++carried;
    out.upper += double(*row.upper_one_sided) >= truth(z);
    out.two_sided += double(*row.lower) <= truth(z) && truth(z) <= double(*row.upper);
  }
  out.refused = 1 - carried / double(audits);
  if (carried > 0) {
    out.upper /= carried;
    out.two_sided /= carried;
  }
  return out;
}

void print(const std::string& name, const Coverage& c) {
  figure(name + "_upper", c.upper);
  figure(name + "_two_sided", c.two_sided);
  figure(name + "_refused", c.refused);
  figure(name + "_tau", c.tau);
}

constexpr double kZ99 = 2.3263478740408408, kZ90 = 1.2815515655446004;

TEST(QuantilesSlow, Independent) {
  constexpr int kAudits = 2000;
  for (const auto& [q, z] : {std::pair{.5, 0.0}, {.9, kZ90}, {.99, kZ99}}) {
    const Coverage c = cover(2000, 0, q, z, true, kAudits, 1);
    print("iid_q" + std::to_string(int(q * 100)), c);
    EXPECT_LE(1 - c.upper, most_errors(.05, kAudits)) << q;
    EXPECT_LE(1 - c.two_sided, most_errors(.05, kAudits)) << q;
    EXPECT_LE(c.upper, .985) << q;
  }
}

TEST(QuantilesSlow, Autoregressive08) {
  constexpr int kAudits = 2000;
  const Coverage free = cover(10000, .8, .99, kZ99, false, kAudits, 2);
  const Coverage ess = cover(10000, .8, .99, kZ99, true, kAudits, 2);
  print("ar08_ranks", free);
  print("ar08_ess", ess);
  EXPECT_LT(free.upper, .90);  // section 4: 0.86
  EXPECT_LE(1 - ess.upper, most_errors(.05, kAudits));
  EXPECT_LE(1 - ess.two_sided, most_errors(.05, kAudits));
  EXPECT_LT(ess.refused, .02);
}

// Near the fewest effective exceedances most rows are refused, and the carried ones are those whose
// tau came out small: among them the coverage falls short of nominal. The claim of an audit is the
// row it prints, so its error is "printed and wrong", which must keep to 5 %.
TEST(QuantilesSlow, Autoregressive095) {
  constexpr int kAudits = 2000;
  const Coverage free = cover(10000, .95, .99, kZ99, false, kAudits, 3);
  print("ar095_ranks", free);
  EXPECT_LT(free.upper, .75);  // section 4: 0.68
  for (const size_t n : {1000, 10000, 20000}) {
    const Coverage ess = cover(n, .95, .99, kZ99, true, kAudits, 4);
    const std::string name = "ar095_ess_n" + std::to_string(n);
    print(name, ess);
    const double wrong_upper = (1 - ess.refused) * (1 - ess.upper);
    const double wrong_two_sided = (1 - ess.refused) * (1 - ess.two_sided);
    figure(name + "_printed_and_wrong", wrong_upper);
    EXPECT_LE(wrong_upper, most_errors(.05, kAudits)) << n;
    EXPECT_LE(wrong_two_sided, most_errors(.05, kAudits)) << n;
    if (n == 1000) {
      EXPECT_GT(ess.refused, .95);  // section 4: 0.71 at n = 1000, so refuse
    } else if (n == 20000) {
      EXPECT_LT(ess.refused, .20);
    }
  }
}

// Why the effective size is used from tau 1.2 on and not from 1: on independent samples tau
// scatters above 1 by chance, and with weak dependence, where tau is under 1.2, the exact ranks
// lose little.
TEST(QuantilesSlow, ThresholdOfTau) {
  constexpr int kAudits = 2000;
  for (const size_t n : {1000, 5000}) {
    std::mt19937_64 engine(6);
    int above_1 = 0, above_11 = 0, above_12 = 0;
    for (int audit = 0; audit < kAudits; ++audit) {
      const auto x = simulated_series(n, 0, kSigma, kCentre, engine);
      auto sorted = x;
      std::sort(sorted.begin(), sorted.end());
      const double tau = quantile_tau(x, sorted, .9);
      above_1 += tau > 1;
      above_11 += tau > 1.1;
      above_12 += tau > kTauIndependent;
    }
    const std::string at = "_n" + std::to_string(n);
    figure("iid_tau_above_1" + at, above_1 / double(kAudits));
    figure("iid_tau_above_1.1" + at, above_11 / double(kAudits));
    figure("iid_tau_above_1.2" + at, above_12 / double(kAudits));
  }
  for (const double phi : {.1, .2, .3}) {
    const Coverage weak = cover(5000, phi, .9, kZ90, true, kAudits, 7);
    const Coverage exact = cover(5000, phi, .9, kZ90, false, kAudits, 7);
    print("weak_phi" + std::to_string(int(phi * 100)), weak);
    figure("weak_exact_upper_phi" + std::to_string(int(phi * 100)), exact.upper);
    EXPECT_LE(1 - weak.upper, most_errors(.06, kAudits)) << phi;  // the threshold costs at most 1 %
  }
}

}  // namespace
}  // namespace assay::stats
