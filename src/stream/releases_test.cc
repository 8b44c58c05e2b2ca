// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "stream/scenario.h"

namespace assay::stream {
namespace {

using Times = std::vector<int64_t>;

ReleaseSpec constant(int64_t period, int64_t offset = 0) {
  ReleaseSpec s;
  s.scenario = Scenario::constant_stream;
  s.period_ns = period;
  s.offset_ns = offset;
  return s;
}
ReleaseSpec poisson(int64_t mean_gap, uint64_t seed) {
  ReleaseSpec s;
  s.scenario = Scenario::server;
  s.period_ns = mean_gap;
  s.seed = seed;
  return s;
}

TEST(Releases, PeriodicWithPhaseAndIdleGaps) {
  ReleaseSpec s = constant(10, 3);
  EXPECT_EQ(releases(s, 4), (Times{3, 13, 23, 33}));
  s.idle_every = 2;
  s.idle_gap_ns = 100;
  EXPECT_EQ(releases(s, 5), (Times{3, 13, 123, 133, 243}));
  EXPECT_FALSE(first_after_idle(s, 0));
  EXPECT_FALSE(first_after_idle(s, 1));
  EXPECT_TRUE(first_after_idle(s, 2));
  EXPECT_EQ(idle_before(s, 2), 100);
  EXPECT_EQ(idle_before(s, 3), 0);
  s.idle_gap_ns = 0;
  EXPECT_FALSE(first_after_idle(s, 2));
  EXPECT_TRUE(releases(s, 0).empty());
  EXPECT_TRUE(releases(s, -1).empty());
}

TEST(Releases, ClosedLoopsReleaseAtOnce) {
  ReleaseSpec s;
  s.idle_every = 2;
  s.idle_gap_ns = 7;
  EXPECT_EQ(releases(s, 3), (Times{0, 0, 0}));
  EXPECT_EQ(idle_before(s, 2), 7);
}

TEST(Releases, ARecordedCameraStops) {
  ReleaseSpec s = constant(10, 5);
  s.time_stamps = {0, 12, 19};
  s.idle_every = 1;
  s.idle_gap_ns = 100;
  EXPECT_EQ(releases(s, 2), (Times{5, 17}));
  EXPECT_EQ(releases(s, 9), (Times{5, 17, 24}));
  EXPECT_FALSE(first_after_idle(s, 1));
}

// Written down once: they must be the same on every platform and in every later version, because a
// seed in a plan stands for them.
TEST(Releases, ASeedStandsForTheSameTimesEverywhere) {
  EXPECT_EQ(releases(poisson(1'000'000, 1), 6),
            (Times{133877, 2045235, 4295013, 5098249, 5847240, 5960414}));
  ReleaseSpec s = constant(1000);
  s.jitter_ns = 400;
  s.seed = 42;
  EXPECT_EQ(releases(s, 6), (Times{0, 713, 1757, 2732, 4001, 4902}));
}

TEST(Releases, PoissonGapsAreExponential) {
  constexpr int64_t n = 200'000;
  const Times t = releases(poisson(1'000'000, 7), n);
  double mean = 0, square = 0;
  int64_t before = 0, above[4] = {0, 0, 0, 0};
  for (const int64_t at : t) {
    const double gap = static_cast<double>(at - before) / 1e6;
    before = at;
    mean += gap / n;
    square += gap * gap / n;
    for (int k = 0; k < 4; ++k) above[k] += gap > k + .5;
  }
  const double sd = 1 / std::sqrt(double(n));
  EXPECT_NEAR(mean, 1, 4 * sd);
  EXPECT_NEAR(square, 2, 4 * std::sqrt(20.) * sd);  // var(X^2) = 24 - 4
  for (int k = 0; k < 4; ++k) {
    const double p = std::exp(-(k + .5));
    EXPECT_NEAR(double(above[k]) / n, p, 4 * std::sqrt(p * (1 - p)) * sd) << k;
  }
}

RC_GTEST_PROP(Releases, AscendInJitterToo, ()) {
  ReleaseSpec s = constant(*rc::gen::inRange<int64_t>(1, 100), *rc::gen::inRange<int64_t>(0, 50));
  s.jitter_ns = (s.period_ns - 1) / 2;
  s.seed = *rc::gen::arbitrary<uint64_t>();
  const Times t = releases(s, 200);
  RC_ASSERT(t.size() == 200u);
  RC_ASSERT(t[0] >= 0);
  RC_ASSERT(std::adjacent_find(t.begin(), t.end(), std::greater_equal<>()) == t.end());
  for (size_t i = 0; i < t.size(); ++i)
    RC_ASSERT(std::abs(t[i] - s.offset_ns - s.period_ns * int64_t(i)) <= s.jitter_ns);
  const Times longer = releases(s, 300);
  RC_ASSERT(std::equal(t.begin(), t.end(), longer.begin()));
}

TEST(Releases, NoTimeOverflows) {
  ReleaseSpec s = constant(kLongestDurationNs, kLongestDurationNs);
  s.idle_every = 1;
  s.idle_gap_ns = kLongestDurationNs;
  const Times t = releases(s, 1'000'000);
  EXPECT_LT(t.size(), 1'000'000u);
  EXPECT_LE(t.back(), kLongestScheduleNs);
  EXPECT_TRUE(std::is_sorted(t.begin(), t.end()));
}

Result<ReleaseSpec> read(std::string_view text) {
  return release_spec_from_json(*parse_json(text, "t"), "here");
}

TEST(ReleaseJson, RoundTrips) {
  ReleaseSpec s = constant(33'333'333, 5);
  s.jitter_ns = 1000;
  s.idle_every = 50;
  s.idle_gap_ns = 9;
  s.seed = UINT64_MAX;
  const auto back = release_spec_from_json(to_json(s), "here");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(dump_json(to_json(*back)), dump_json(to_json(s)));
  EXPECT_EQ(back->seed, UINT64_MAX);
  ReleaseSpec recorded = constant(0);
  recorded.time_stamps = {0, 5, 6};
  const auto again = release_spec_from_json(to_json(recorded), "here");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->time_stamps, recorded.time_stamps);
  EXPECT_TRUE(release_spec_from_json(to_json(ReleaseSpec{}), "here"));
}

TEST(ReleaseJson, IsStrict) {
  for (const char* text : {
           "[]",
           R"({"scenario":"Constant"})",
           R"({"scenario":3})",
           R"({"period":1})",
           R"({"scenario":"Server"})",
           R"({"scenario":"ConstantStream","period_ns":0})",
           R"({"scenario":"ConstantStream","period_ns":1.5})",
           R"({"scenario":"ConstantStream","period_ns":"1"})",
           R"({"scenario":"ConstantStream","period_ns":18446744073709551615})",
           R"({"scenario":"ConstantStream","period_ns":2000000000000})",
           R"({"scenario":"ConstantStream","period_ns":10,"jitter_ns":5})",
           R"({"scenario":"ConstantStream","period_ns":10,"offset_ns":-1})",
           R"({"scenario":"ConstantStream","period_ns":10,"idle_every":5})",
           R"({"scenario":"ConstantStream","period_ns":10,"idle_gap_ns":5})",
           R"({"scenario":"ConstantStream","period_ns":10,"seed":-1})",
           R"({"scenario":"ConstantStream","time_stamps":[1,2]})",
           R"({"scenario":"ConstantStream","time_stamps":[0,2,2]})",
           R"({"scenario":"ConstantStream","time_stamps":[0,2,1]})",
           R"({"scenario":"ConstantStream","time_stamps":[0,"1"]})",
           R"({"scenario":"ConstantStream","time_stamps":{}})",
           R"({"scenario":"Server","period_ns":10,"jitter_ns":1})",
           R"({"scenario":"Server","period_ns":10,"offset_ns":1})",
           R"({"scenario":"Server","period_ns":10,"time_stamps":[0]})",
       }) {
    const auto got = read(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, ExitCode::usage);
    EXPECT_TRUE(got.error().message.starts_with("here: ")) << got.error().message;
    EXPECT_FALSE(got.error().fix.empty());
  }
  EXPECT_TRUE(read("{}"));
  EXPECT_TRUE(read(R"({"scenario":"constant-stream","period_ns":10,"jitter_ns":4})"));
}

}  // namespace
}  // namespace assay::stream
