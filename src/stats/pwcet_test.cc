// SPDX-License-Identifier: Apache-2.0
#include "stats/pwcet.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/dependence.h"
#include "stats/extreme_test_parents.h"
#include "stats/pwcet_checks.h"
#include "stats/quantiles.h"

namespace assay::stats {
namespace {

PwcetOptions quick(int bootstrap = 49) {
  PwcetOptions o;
  o.bootstrap = bootstrap;
  return o;
}

const Applicability* line(const Pwcet& r, const std::string& name) {
  for (const Applicability& a : r.list) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

std::string reasons(const Pwcet& r) {
  std::string s;
  for (const auto& reason : r.reasons) s += reason + "\n";
  return s;
}

TEST(Pwcet, BoundsAGammaParent) {
  const auto x = series(Parent::gamma2, 10000, 3);
  const Pwcet r = pwcet(x, Trust::trusted);
  ASSERT_FALSE(r.refused) << reasons(r);
  EXPECT_EQ(r.high_water_ns, *std::max_element(x.begin(), x.end()));
  EXPECT_EQ(r.threshold.candidates.size(), 10u);
  ASSERT_EQ(r.points.size(), 5u);
  for (const PwcetPoint& p : r.points) {
    ASSERT_TRUE(p.bound_ns.has_value());
    EXPECT_EQ(p.extrapolation, p.p < 1e-6 * (1 - 1e-9)) << p.p;  // 1 / (100 n) = 1e-6
    EXPECT_GE(*p.bound_ns, true_quantile(Parent::gamma2, p.p));
    EXPECT_LE(*p.bound_ns, 2 * true_quantile(Parent::gamma2, p.p));
    ASSERT_TRUE(p.block_maxima_ns.has_value());
    EXPECT_NEAR(*p.block_maxima_ns / true_quantile(Parent::gamma2, p.p), 1, .5);
    if (p.order_statistic) continue;
    EXPECT_DOUBLE_EQ(*p.bound_ns, std::max(*p.profile_upper_ns, *p.exponential_upper_ns));
    EXPECT_LE(*p.estimate_ns, *p.bound_ns);
  }
  EXPECT_FALSE(line(r, "representativity")->pass);  // never shown by a test
  EXPECT_TRUE(line(r, "hold-out")->pass);
}

TEST(Pwcet, HeavyTailIsBoundByTheProfileNotTheExponential) {
  const Pwcet r = pwcet(series(Parent::gpd_heavy, 20000, 1), Trust::trusted, quick());
  ASSERT_FALSE(r.refused) << reasons(r);
  const PwcetPoint& p = r.points[3];
  EXPECT_LT(*p.exponential_upper_ns, true_quantile(Parent::gpd_heavy, p.p));
  EXPECT_GE(*p.bound_ns, true_quantile(Parent::gpd_heavy, p.p));
  EXPECT_TRUE(r.cv.heavier);
}

TEST(Pwcet, TwoModesAreRefused) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    const Pwcet r = pwcet(series(Parent::two_modes, 10000, seed), Trust::trusted, quick());
    EXPECT_TRUE(r.refused) << seed;
    for (const PwcetPoint& p : r.points) EXPECT_FALSE(p.bound_ns || p.estimate_ns);
  }
}

TEST(Pwcet, RefusalRateOfGoodSeriesIsSmall) {
  int refused = 0, wrong = 0, bounds = 0;
  for (const Parent parent : {Parent::gamma2, Parent::lognormal, Parent::exponential}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Pwcet r = pwcet(series(parent, 10000, 100 + seed), Trust::trusted, quick(29));
      refused += r.refused ? 1 : 0;
      if (r.refused) continue;
      ++bounds;
      wrong += *r.points[3].bound_ns < true_quantile(parent, 1e-6) ? 1 : 0;
    }
  }
  EXPECT_LE(refused, 15);  // about 6 expected
  EXPECT_LE(wrong, 7);     // 5 % of 54 + 3 sd
  EXPECT_GE(bounds, 45);
}

TEST(Pwcet, GateRefuses) {
  const auto x = series(Parent::gamma2, 10000, 3);
  const Pwcet r = pwcet(x, Trust::rejected, quick());
  EXPECT_TRUE(r.refused);
  ASSERT_EQ(r.reasons.size(), 1u) << reasons(r);
  EXPECT_FALSE(r.points[0].bound_ns.has_value());
  const Pwcet degraded = pwcet(x, Trust::degraded, quick());
  EXPECT_FALSE(degraded.refused) << reasons(degraded);
}

TEST(Pwcet, TooFewSamplesSayHowMany) {
  const PwcetOptions o = quick();
  EXPECT_EQ(pwcet_n_needed(o), 1000);
  for (const int n : {0, 1, 2, 3, 5, 100, 999}) {
    const Pwcet r = pwcet(series(Parent::gamma2, n, 1), Trust::trusted, o);
    EXPECT_TRUE(r.refused);
    EXPECT_EQ(r.n_needed, 1000) << n;
    EXPECT_EQ(r.points.size(), o.p.size());
  }
  EXPECT_EQ(pwcet(series(Parent::gamma2, 5000, 1), Trust::trusted, o).n_needed, 0);
  PwcetOptions more = o;
  more.k_min = 1000;
  EXPECT_EQ(pwcet(series(Parent::gamma2, 5000, 1), Trust::trusted, more).n_needed, 10000);
  EXPECT_EQ(pwcet_n_for(1e-6), 10000);
  EXPECT_EQ(pwcet_n_for(1e-9), 10000000);
}

TEST(Pwcet, DriftFailsTheHoldOut) {
  auto x = series(Parent::exponential, 10000, 8);
  for (size_t i = x.size() / 2; i < x.size(); ++i) x[i] += x[i] / 2;
  const Pwcet r = pwcet(x, Trust::trusted, quick());
  EXPECT_TRUE(r.refused);
  EXPECT_FALSE(line(r, "hold-out")->pass);
}

TEST(Pwcet, CoarseClockIsSpreadAndSaysSo) {
  auto x = series(Parent::exponential, 10000, 5);
  const Pwcet fine = pwcet(x, Trust::trusted, quick());
  for (int64_t& v : x) v = v / 50000 * 50000;  // a tick of a twentieth of the scale
  const Pwcet r = pwcet(x, Trust::trusted, quick());
  EXPECT_EQ(fine.tick_ns, 0);
  EXPECT_EQ(r.tick_ns, 50000);
  ASSERT_TRUE(r.tick_change.has_value());
  EXPECT_FALSE(line(r, "ties")->pass);
  EXPECT_FALSE(line(r, "ties")->required);
  ASSERT_FALSE(fine.refused) << reasons(fine);
  ASSERT_FALSE(r.refused) << reasons(r);
  EXPECT_NEAR(*r.points[3].bound_ns / *fine.points[3].bound_ns, 1, .1);
  for (int64_t& v : x) v = v / 1000000 * 1000000;  // a tick of the scale: too few distinct values
  const Pwcet coarse = pwcet(x, Trust::trusted, quick());
  EXPECT_TRUE(coarse.refused);
  EXPECT_FALSE(line(coarse, "exceedances")->pass);
}

TEST(Pwcet, ClustersWidenTheBound) {
  Random random(2);
  std::vector<int64_t> x;
  double last = 0;
  for (int i = 0; i < 20000; ++i) {  // maxima of two: theta 1/2
    const double e = exponential(random);
    x.push_back(static_cast<int64_t>(1e6 * std::max(e, last)));
    last = e;
  }
  const Pwcet r = pwcet(x, Trust::degraded, quick());
  EXPECT_NEAR(r.theta.theta, .5, .15);
  EXPECT_LT(r.weight, .7);
  EXPECT_FALSE(line(r, "independence of exceedances")->pass);
}

// Also inside the sample: the rank of a quantile is that of as many independent samples as there
// are clusters, which lies above the rank for independent samples.
TEST(Pwcet, OrderStatisticsCountClusters) {
  int given = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    std::vector<int64_t> x;
    double last = 0;
    for (int i = 0; i < 20000; ++i) {  // theta 1/2
      const double e = exponential(random);
      x.push_back(static_cast<int64_t>(1e6 * std::max(e, last)));
      last = e;
    }
    PwcetOptions o = quick();
    o.p = {1e-2};
    const Pwcet r = pwcet(x, Trust::degraded, o);
    if (r.refused) continue;
    ++given;
    ASSERT_TRUE(r.points[0].order_statistic);
    std::sort(x.begin(), x.end());
    const auto independent = static_cast<size_t>(*upper_rank(20000, .99, .95));
    const auto clustered = static_cast<size_t>(*upper_rank(20000, .99, .95, 20000 * r.weight));
    EXPECT_GT(clustered, independent + 5);
    EXPECT_EQ(r.points[0].bound_ns, static_cast<double>(x[clustered - 1]));
  }
  EXPECT_GE(given, 3);
}

// Of 199 replicates the largest is no limit at 99.99 %, as a share of one build in hundreds asks.
TEST(LmomentBootstrap, RefusesALevelBeyondItsReplicates) {
  GpdFit fit;
  fit.ok = true;
  fit.sigma = 1;
  fit.xi = -.6;
  const std::vector<double> a = {1e-3};
  EXPECT_TRUE(lmoment_bootstrap_upper(fit, 100, a, .95, 199, 1)[0]);
  EXPECT_FALSE(lmoment_bootstrap_upper(fit, 100, a, .9999, 199, 1)[0]);
}

TEST(HoldOutLimit, PublishedValues) {
  EXPECT_EQ(count_limit(1e4, 10, 0, .05), 15);
  EXPECT_GT(count_limit(1e4, 10, .05, .05), 15);
  EXPECT_EQ(count_limit(1e4, 10, 1e-12, .05), 15);
  EXPECT_EQ(count_limit(0, 10, 0, .05), 0);
}

// xi = -1/2 and below: the likelihood is not regular, L-moments and their bootstrap take over.
TEST(Pwcet, VeryLightTail) {
  int published = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed);
    std::vector<int64_t> x;
    for (int i = 0; i < 6000; ++i) {
      x.push_back(static_cast<int64_t>(1e6 * gpd_quantile(uniform(random), 1, -.65)));
    }
    const Pwcet r = pwcet(x, Trust::trusted, quick(9));
    if (r.refused) continue;
    ++published;
    EXPECT_EQ(r.fit.method, r.fit.xi <= -.5 ? "l-moments" : r.fit.method);
    for (const PwcetPoint& p : r.points) {
      ASSERT_TRUE(p.bound_ns.has_value());
      EXPECT_GE(*p.bound_ns, 1e6 * gpd_quantile(p.p, 1, -.65));  // U_E is far above
    }
  }
  EXPECT_GE(published, 4);
}

TEST(IndicatorTau, Values) {
  Random random(4);
  std::vector<int64_t> iid, ar;
  double last = 0;
  for (int i = 0; i < 20000; ++i) {
    iid.push_back(static_cast<int64_t>(1e6 * uniform(random)));
    last = .8 * last + normal(random);
    ar.push_back(static_cast<int64_t>(1e6 * last));
  }
  EXPECT_NEAR(exceedance_tau(iid, 500000), 1, .3);
  // Signs of an AR(1): r_k = 2/pi asin(.8^k); 1 + 2 sum = 6.1.
  EXPECT_NEAR(exceedance_tau(ar, 0), 6.1, 1.2);
  EXPECT_EQ(exceedance_tau({}, 0), 1);
}

TEST(Pwcet, HostileInput) {
  const int64_t lo = std::numeric_limits<int64_t>::min(), hi = std::numeric_limits<int64_t>::max();
  std::vector<std::vector<int64_t>> cases = {{}, {1}, {lo, hi}, {0, 0, 0}};
  cases.emplace_back(3000, 7);
  cases.emplace_back(3000, lo);
  cases.emplace_back(3000, 7);
  cases.back()[5] = hi;
  cases.emplace_back(3000, 7);
  for (size_t i = 0; i < 3000; i += 2) cases.back()[i] = 8;
  std::vector<int64_t> wild, ramp, edges;
  Random random(6);
  for (int i = 0; i < 3000; ++i) {
    wild.push_back(static_cast<int64_t>((uniform(random) - .5) * 1.8e19));
    ramp.push_back(i);
    edges.push_back(i % 2 ? lo + i : hi - i);
  }
  cases.insert(cases.end(), {wild, ramp, edges});
  for (const auto& x : cases) {
    for (const Trust t : {Trust::trusted, Trust::rejected}) {
      const Pwcet r = pwcet(x, t, quick(9));
      EXPECT_EQ(r.points.size(), 5u);
      for (const PwcetPoint& p : r.points) {
        EXPECT_TRUE(std::isfinite(p.bound_ns.value_or(0)));
      }
    }
  }
  EXPECT_TRUE(pwcet(std::vector<int64_t>(3000, 7), Trust::trusted, quick()).refused);
  const auto x = series(Parent::gamma2, 3000, 1);
  for (const double p : {0., 1., -1., 2., double(NAN)}) {
    PwcetOptions o = quick();
    o.p = {p};
    EXPECT_TRUE(pwcet(x, Trust::trusted, o).refused);
  }
  PwcetOptions o = quick(0);
  o.p = {};
  o.levels = 1;
  pwcet(x, Trust::trusted, o);
  o.confidence = 1;
  EXPECT_TRUE(pwcet(x, Trust::trusted, o).refused);
  o = quick();
  o.k_min = -1;
  EXPECT_TRUE(pwcet(x, Trust::trusted, o).refused);
}

TEST(PwcetProperty, MonotoneAndEquivariant) {
  int published = 0;
  EXPECT_TRUE(
      rc::check("bounds grow with rarity and confidence, scale and shift with the data", [&] {
        const auto seed = *rc::gen::inRange(0, 1000000);
        const auto parent = *rc::gen::element(Parent::gamma2, Parent::lognormal, Parent::gpd_light);
        const auto factor = *rc::gen::inRange<int64_t>(2, 1000);
        const auto shift = *rc::gen::inRange<int64_t>(-1000000000, 1000000000);
        const auto x = series(parent, 3000, static_cast<uint64_t>(seed));
        PwcetOptions o;
        o.bootstrap = 19;
        o.levels = 3;
        o.p = {1e-2, 1e-3, 1e-4, 1e-6};
        const Pwcet r = pwcet(x, Trust::trusted, o);
        std::vector<int64_t> sorted = x;
        std::sort(sorted.begin(), sorted.end());
        const Pwcet same = pwcet(x, Trust::trusted, o, sorted);
        RC_ASSERT(same.refused == r.refused);
        std::vector<int64_t> moved = x;
        for (int64_t& v : moved) v = v * factor + shift;
        const Pwcet other = pwcet(moved, Trust::trusted, o);
        RC_ASSERT(other.refused == r.refused);
        o.confidence = .99;
        const Pwcet strict = pwcet(x, Trust::trusted, o);
        if (r.refused) return;
        ++published;
        for (size_t i = 0; i < o.p.size(); ++i) {
          RC_ASSERT(r.points[i].bound_ns.has_value());
          const double b = *r.points[i].bound_ns;
          RC_ASSERT(same.points[i].bound_ns == r.points[i].bound_ns);
          const double expected = b * static_cast<double>(factor) + static_cast<double>(shift);
          RC_ASSERT(std::fabs(*other.points[i].bound_ns - expected) <
                    1e-4 * b * static_cast<double>(factor));
          if (i > 0) RC_ASSERT(b >= *r.points[i - 1].bound_ns);
          if (!strict.refused && strict.points[i].bound_ns) {
            RC_ASSERT(*strict.points[i].bound_ns >= b * (1 - 1e-9));
          }
        }
      }));
  EXPECT_GE(published, 30);
}

}  // namespace
}  // namespace assay::stats
