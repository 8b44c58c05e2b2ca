// SPDX-License-Identifier: Apache-2.0
// Simulated audits: sizes and powers of the tests of statistics.md sections 3.5 and 3.6, false
// alarms of the whole gate, planted faults, coverage of the variance split. Each prints its
// figures.
#include "stats/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>

#include "stats/independence.h"
#include "stats/stationarity.h"
#include "stats/test_series.h"

namespace assay::stats {
namespace {

double three_sd(double p, int trials) { return 3 * std::sqrt(p * (1 - p) / trials); }

MachineEvidence quiet() {
  MachineEvidence m;
  m.throttle_events = m.involuntary_switches = m.major_faults = m.migrations = m.steal_ticks = 0;
  m.clock_drop = 0;
  m.pinned = m.memory_locked = true;
  return m;
}

constexpr const char* kTests[] = {"LB rank", "runs",   "KPSS",    "KS",
                                  "Pettitt", "slices", "LB tail", "Fisher"};
// Which of kTests reject at 5 %.
std::vector<double> p_values(const std::vector<int64_t>& v) {
  const auto n = static_cast<int64_t>(v.size());
  const std::vector<float> ranks = mid_ranks(v);
  const float p95 = rank_at(ranks, n - n / 20);
  return {ljung_box(autocorrelation(ranks, 20), n).p,
          runs_about_median(ranks).p,
          kpss_level(v).p,
          ks_split(ranks, n / 2).p,
          pettitt(ranks).p,
          exceedance_slices(ranks).test.p,
          ljung_box(autocorrelation_above(ranks, p95, 20), n).p,
          fisher_g(ranks).test.p};
}

std::vector<double> rejections(int trials,
                               const std::function<std::vector<int64_t>(std::mt19937_64&)>& make,
                               uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<double> share(std::size(kTests), 0.0);
  for (int t = 0; t < trials; ++t) {
    const std::vector<double> p = p_values(make(rng));
    for (size_t i = 0; i < p.size(); ++i) share[i] += (p[i] < 0.05) / static_cast<double>(trials);
  }
  return share;
}

std::string line(const std::vector<double>& share) {
  std::string out;
  for (size_t i = 0; i < share.size(); ++i) {
    char text[40];
    std::snprintf(text, sizeof text, " %s %.3f", kTests[i], share[i]);
    out += text;
  }
  return out;
}

TEST(GateSizes, AtFivePercent) {
  constexpr int kTrials = 2000;
  for (const Law law : kLaws) {
    const auto share = rejections(
        kTrials, [&](std::mt19937_64& rng) { return clean(law, 2000, rng); }, 21);
    std::printf("size at 5 %%, n=2000, %s:%s\n", name_of(law), line(share).c_str());
    for (size_t i = 0; i < share.size(); ++i)
      EXPECT_LE(share[i], 0.05 + three_sd(0.05, kTrials) + 0.01)
          << name_of(law) << " " << kTests[i];
  }
}

TEST(GatePowers, OfSection36) {
  constexpr int kTrials = 400, kN = 2000;
  const auto normal = [](std::mt19937_64& rng) {
    std::normal_distribution<double> law;
    std::vector<double> x(kN);
    for (double& v : x) v = law(rng);
    return x;
  };
  const auto as_ns = [](const std::vector<double>& x) {
    std::vector<int64_t> v;
    for (const double y : x) v.push_back(1000000 + std::llround(20000 * y));
    return v;
  };
  struct Case {
    const char* name;
    std::function<void(std::vector<double>&, std::mt19937_64&)> plant;
    double want[4];  // section 3.6: LB rank, runs, KPSS, KS
  };
  const Case cases[] = {
      {"AR(1) 0.1",
       [](std::vector<double>& x, std::mt19937_64&) {
         for (size_t i = 1; i < x.size(); ++i) x[i] += 0.1 * x[i - 1];
       },
       {.76, .83, .06, .07}},
      {"step 0.2 sd",
       [](std::vector<double>& x, std::mt19937_64&) {
         for (size_t i = x.size() / 2; i < x.size(); ++i) x[i] += 0.2;
       },
       {.19, .06, .99, .97}},
      {"drift 0.3 sd",
       [](std::vector<double>& x, std::mt19937_64&) {
         for (size_t i = 0; i < x.size(); ++i) x[i] += 0.3 * static_cast<double>(i) / kN;
       },
       {.12, .04, .96, .81}},
      {"burst of 50, 2 sd",
       [](std::vector<double>& x, std::mt19937_64& rng) {
         for (size_t i = rng() % (kN - 50), k = 0; k < 50; ++k) x[i + k] += 2;
       },
       {1.0, .16, .44, .29}},
      {"sine 0.2 sd",
       [](std::vector<double>& x, std::mt19937_64&) {
         for (size_t i = 0; i < x.size(); ++i)
           x[i] += 0.2 * std::sin(6.283185307 * static_cast<double>(i) / 33.3);
       },
       {.29, .11, .04, .06}},
  };
  for (const Case& c : cases) {
    const auto share = rejections(
        kTrials,
        [&](std::mt19937_64& rng) {
          auto x = normal(rng);
          c.plant(x, rng);
          return as_ns(x);
        },
        22);
    std::printf("power, n=2000, %s:%s\n", c.name, line(share).c_str());
    for (size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(share[i], c.want[i], 0.12) << c.name << " " << kTests[i];
  }
}

TEST(GateCalibration, FalseAlarmsOnCleanSeries) {
  for (const Law law : kLaws)
    for (const int64_t n : {1000, 5000}) {
      const int audits = n == 1000 ? 2000 : 500;
      std::mt19937_64 rng(23);
      int bad = 0, unsteady = 0;
      for (int t = 0; t < audits; ++t) {
        const Gate g = judge_series(clean(law, n, rng), quiet());
        bad += g.trust != Trust::trusted;
        unsteady += !g.steady;
      }
      std::printf("false alarms, %s, n=%d: %d of %d (no steady state: %d)\n", name_of(law),
                  static_cast<int>(n), bad, audits, unsteady);
      EXPECT_LE(bad, audits * (0.01 + three_sd(0.01, audits))) << name_of(law) << " " << n;
    }
}

TEST(GateCalibration, PlantedFaultsAreNamed) {
  constexpr int kTrials = 200;
  for (const Planted& f : kFaults) {
    std::mt19937_64 rng(24);
    int named = 0, missed = 0;
    for (int t = 0; t < kTrials; ++t) {
      const Gate g = judge_series(planted(f.fault, f.n, rng), quiet());
      missed += g.trust == Trust::trusted;
      named += std::any_of(g.reasons.begin(), g.reasons.end(),
                           [&](const std::string& r) { return r.rfind(f.reason, 0) == 0; });
    }
    std::printf("planted, n=%d, %s: named %.3f, let through %.3f\n", static_cast<int>(f.n), f.name,
                named / double{kTrials}, missed / double{kTrials});
    EXPECT_GE(named, 0.95 * kTrials) << f.name;
  }
}

}  // namespace
}  // namespace assay::stats
