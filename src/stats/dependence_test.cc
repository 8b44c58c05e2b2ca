// SPDX-License-Identifier: Apache-2.0
#include "stats/dependence.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <random>

namespace assay::stats {
namespace {

TEST(Autocorrelation, ByHand) {
  const std::vector<double> r = autocorrelation(std::vector<double>{1, 2, 3, 4, 5}, 2);
  ASSERT_EQ(r.size(), 3u);
  EXPECT_NEAR(r[0], 1, 1e-15);
  EXPECT_NEAR(r[1], .4, 1e-12);   // (2 + 0 + 0 + 2) / 10
  EXPECT_NEAR(r[2], -.1, 1e-12);  // (0 - 1 + 0) / 10
}

TEST(Autocorrelation, AnyInput) {
  EXPECT_TRUE(autocorrelation({}, 3).empty());
  EXPECT_TRUE(autocorrelation(std::vector<double>{1, NAN}, 3).empty());
  EXPECT_TRUE(autocorrelation(std::vector<double>{1, INFINITY}, 3).empty());
  EXPECT_TRUE(autocorrelation(std::vector<double>{1, 2}, -1).empty());
  EXPECT_EQ(autocorrelation(std::vector<double>{7}, 3).size(), 1u);
  const auto constant = autocorrelation(std::vector<double>(9, 1.1), 2);
  EXPECT_EQ(constant, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(autocorrelation(std::vector<double>(700, .1), 1)[1], 0);  // the mean rounds
  const auto huge = autocorrelation(std::vector<double>{1e308, -1e308, 1e308, -1e308}, 1);
  EXPECT_NEAR(huge[1], -.75, 1e-12);
}

// tau by its definition, through autocorrelation(): the other route.
double tau_by_definition(const std::vector<int64_t>& x, int64_t threshold) {
  std::vector<double> over;
  for (const int64_t v : x) over.push_back(v > threshold);
  const int most = static_cast<int>(x.size() / 4);
  const auto r = autocorrelation(over, most);
  double tau = 1;
  for (int k = 1; k + 1 <= most; k += 2) {
    if (std::abs(r[k] + r[k + 1]) < 1e-9) return NAN;  // zero but for rounding: either way is right
    if (!(r[k] + r[k + 1] > 0)) break;
    tau += 2 * (r[k] + r[k + 1]);
  }
  return std::max(1.0, tau);
}

TEST(ExceedanceTau, AgreesWithItsDefinition) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::vector<int64_t> x(engine() % 700);
    const uint64_t hold = 1 + engine() % 90, levels = 2 + engine() % 20;
    int64_t value = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (engine() % hold == 0) value = static_cast<int64_t>(engine() % levels);
      x[i] = value;
    }
    const auto threshold = static_cast<int64_t>(engine() % levels);
    const double wanted = tau_by_definition(x, threshold);
    if (std::isnan(wanted)) return;
    RC_ASSERT(std::abs(exceedance_tau(x, threshold) - wanted) < 1e-6);
  }));
}

TEST(ExceedanceTau, KnownLaws) {
  std::mt19937_64 engine(7);
  std::vector<int64_t> iid(200000), blocks;
  for (auto& v : iid) v = static_cast<int64_t>(engine() % 1000);
  EXPECT_LT(exceedance_tau(iid, 989), 1.05);
  for (int i = 0; i < 20000; ++i) {
    const auto v = static_cast<int64_t>(engine() % 1000);
    blocks.insert(blocks.end(), 10, v);
  }
  // Runs of m equal values: r_k = 1 - k/m, so tau = m.
  EXPECT_NEAR(exceedance_tau(blocks, 989), 10, 1.0);
  EXPECT_NEAR(exceedance_tau(blocks, 499), 10, .5);
}

TEST(ExceedanceTau, AnyInput) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min(),
                    kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(exceedance_tau({}, 0), 1);
  EXPECT_EQ(exceedance_tau(std::vector<int64_t>{1}, 0), 1);
  EXPECT_EQ(exceedance_tau(std::vector<int64_t>(100, 5), 4), 1);
  EXPECT_EQ(exceedance_tau(std::vector<int64_t>(100, 5), 5), 1);
  EXPECT_GE(exceedance_tau(std::vector<int64_t>{kMin, kMax, kMin, kMax, kMin}, 0), 1);
}

TEST(ExceedanceTau, FastForAMillionSamplesEvenWhenTheyNeverForget) {
  std::vector<int64_t> x(1000000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int64_t>(i);  // a drift: the worst case
  const auto start = std::chrono::steady_clock::now();
  const double tau = exceedance_tau(x, 989999);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("milliseconds", std::to_string(seconds * 1e3));
  EXPECT_GT(tau, 1000);
  EXPECT_LT(seconds, 5);  // 0.1 s alone; the bound allows sanitizers and a loaded machine
}

}  // namespace
}  // namespace assay::stats
