// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/json.h"
#include "report/series/document.h"
#include "report/series/json.h"
#include "report/series/numbers.h"

namespace assay::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SeriesInput made(std::string name, double median_ns, size_t n, uint64_t seed, double sigma = .05) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  SeriesInput in;
  in.name = std::move(name);
  in.format = "csv";
  in.unit = "ns";
  for (size_t i = 0; i < n; ++i)
    in.samples.push_back(std::llround(median_ns * std::exp(sigma * normal(random))));
  return in;
}

StatsReport report_of(std::vector<SeriesInput> inputs, const StatsOptions& options = {}) {
  StatsReport r;
  r.options = options;
  for (auto& in : inputs) r.series.push_back(analyse_series(std::move(in), options));
  return r;
}

std::vector<SeriesStats> launches(double median_ns, size_t count, uint64_t seed, double effect) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<SeriesStats> out;
  for (size_t i = 0; i < count; ++i)
    out.push_back(
        analyse_series(made("l" + std::to_string(i), median_ns * std::exp(effect * normal(random)),
                            1500, seed * 1000 + i),
                       {}));
  return out;
}

TEST(SeriesReport, AListFromElsewhereIsDegradedAtBest) {
  const auto s = analyse_series(made("quiet", 1e6, 5000, 1), {});
  EXPECT_EQ(s.gate.trust, Trust::degraded);
  ASSERT_FALSE(s.gate.reasons.empty());
  EXPECT_THAT(s.gate.reasons[0], HasSubstr("elsewhere"));
}

TEST(SeriesReport, WhatNCannotCarryIsNotPrinted) {
  const StatsReport r = report_of({made("short", 1e6, 200, 2)});
  const auto& row = r.series[0].rows.back();
  ASSERT_EQ(row.q, .999);
  ASSERT_FALSE(row.carried());
  const std::string text = to_text(stats_document(r, {}), false);
  EXPECT_THAT(text, HasSubstr("not available, need n >= "));
  auto j = parse_json(stats_json(r), "made");
  ASSERT_TRUE(j);
  const Json& quantiles = (*j)["series"][0]["quantiles"];
  EXPECT_TRUE(quantiles.back()["estimate_ns"].is_null());
  EXPECT_TRUE(quantiles.back()["upper_tail_ns"].is_null());
  EXPECT_FALSE(quantiles[0]["estimate_ns"].is_null());
}

TEST(SeriesReport, NamesAreHarmlessInEachForm) {
  const std::string evil = "a<script>alert(1)</script>|b\x1b[31m\n# x";
  const StatsReport r = report_of({made(evil, 1e6, 300, 3)});
  DrawOptions draw;
  draw.svg = true;
  const Document d = stats_document(r, draw);
  EXPECT_THAT(to_text(d, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(to_html(d), Not(HasSubstr("<script")));
  EXPECT_THAT(to_markdown(d), Not(HasSubstr("\n# x")));
  for (const auto& [name, svg] : d.drawings) EXPECT_THAT(svg, Not(HasSubstr("<script"))) << name;
}

TEST(SeriesReport, AveragesHaveNoTail) {
  SeriesInput in = made("means", 1e6, 5000, 4);
  in.averaged = true;
  StatsOptions o;
  o.requirement = Requirement{2'000'000, .01};
  const StatsReport r = report_of({std::move(in)}, o);
  EXPECT_TRUE(r.series[0].rows[0].carried());
  EXPECT_FALSE(r.series[0].rows[3].carried());
  EXPECT_EQ(r.series[0].requirement->decision, stats::Decision::undecided);
  WcetLaunch launch{made("means", 1e6, 60000, 4), {}};
  launch.input.averaged = true;
  WcetOptions w;
  w.pwcet.bootstrap = 99;
  EXPECT_TRUE(analyse_wcet(std::move(launch), w).result.refused);
}

TEST(SeriesCompare, LaunchesEqualAndDifferent) {
  const auto a = launches(1e6, 20, 5, .002), b = launches(1e6, 20, 6, .002),
             slow = launches(1.05e6, 20, 7, .002);
  const Comparison same = compare_sides(a, b, "a", "b", {});
  EXPECT_TRUE(same.launches);
  EXPECT_EQ(same.claims[0].verdict, Verdict::same);
  EXPECT_EQ(same.claims[0].regression, stats::Regression::same);
  ASSERT_TRUE(same.bootstrap);
  const Comparison different = compare_sides(a, slow, "a", "slow", {});
  EXPECT_EQ(different.claims[0].verdict, Verdict::different);
  EXPECT_EQ(different.claims[0].regression, stats::Regression::slow);
  EXPECT_EQ(different.overall, Verdict::different);
  EXPECT_NEAR(different.claims[0].ratio, 1.05, .003);
}

TEST(SeriesCompare, NoisyLaunchesAreInconclusiveAndSayHowManyItTakes) {
  const Comparison c =
      compare_sides(launches(1e6, 4, 8, .05), launches(1e6, 4, 9, .05), "a", "b", {});
  EXPECT_EQ(c.claims[0].verdict, Verdict::inconclusive);
  EXPECT_GT(c.claims[0].n_needed, 50);
}

TEST(SeriesCompare, OneLaunchASideSaysSo) {
  const auto a = launches(1e6, 1, 10, 0), b = launches(1e6, 1, 11, 0);
  const Comparison c = compare_sides(a, b, "a", "b", {});
  EXPECT_FALSE(c.launches);
  ASSERT_FALSE(c.reasons.empty());
  EXPECT_THAT(c.reasons[0], HasSubstr("two single processes"));
  const auto more = launches(1e6, 3, 12, 0);
  EXPECT_EQ(compare_sides(more, b, "a", "b", {}).overall, Verdict::inconclusive);
}

TEST(SeriesWcet, ADeadlineBeyondTheTailIsCountedAndModelled) {
  WcetLaunch launch{made("smooth", 1e6, 50000, 13), {}};
  launch.machine.external = true;
  WcetOptions o;
  o.pwcet.bootstrap = 99;
  o.pwcet.p = {1e-6};
  o.deadline_ns = 1'400'000;
  o.read_ns = 1000;
  const WcetSeries s = analyse_wcet(std::move(launch), o);
  ASSERT_FALSE(s.result.refused) << ::testing::PrintToString(s.result.reasons);
  ASSERT_EQ(s.result.points.size(), 1u);
  EXPECT_TRUE(s.result.points[0].bound_ns);
  ASSERT_TRUE(s.deadline && s.deadline->model_upper);
  EXPECT_EQ(s.deadline->misses, 0);
  EXPECT_LE(*s.deadline->model, *s.deadline->model_upper);
  ASSERT_EQ(s.paper.size(), 1u);
  EXPECT_EQ(s.paper[0].response_ns, 1000 + static_cast<double>(s.sorted.back()));
  WcetReport r;
  r.options = o;
  r.series.push_back(s);
  EXPECT_TRUE(parse_json(wcet_json(r), "made"));
}

TEST(SeriesReport, NothingCrashesOnOddSeries) {
  const std::vector<std::vector<int64_t>> odd = {
      {}, {0}, {5}, {5, 5}, std::vector<int64_t>(3000, 7), {0, int64_t{1} << 61}};
  for (const auto& samples : odd) {
    SeriesInput in;
    in.samples = samples;
    DrawOptions draw;
    draw.svg = draw.terminal = true;
    StatsReport r = report_of({in, in, in});
    r.levels = split_levels(r.series, r.options);
    to_html(stats_document(r, draw));
    to_text(stats_document(report_of({in}), draw), true);
    r.comparison =
        compare_sides(std::span(r.series).first(1), std::span(r.series).last(1), "", "", {});
    EXPECT_TRUE(parse_json(stats_json(r), "made"));
    WcetReport w;
    w.series.push_back(analyse_wcet({in, {}}, {}));
    w.populations.push_back(analyse_population("p", {{in, {}}, {in, {}}}, {}));
    to_text(wcet_document(w, draw), false);
    EXPECT_TRUE(parse_json(wcet_json(w), "made"));
  }
}

TEST(SeriesNumbers, OneUnitFiveDigits) {
  const TimeScale ms(1'234'567);
  EXPECT_EQ(ms.unit(), "ms");
  EXPECT_EQ(ms(1'234'567.0), "1.2346");
  EXPECT_EQ(ms(31'234'567.0), "31.2346");
  EXPECT_EQ(TimeScale(812)(812.0), "812");
  EXPECT_EQ(quantile_name(.999), "p99.9");
  EXPECT_EQ(count_with_plural(2, "launch"), "2 launches");
  EXPECT_EQ(count_with_plural(2, "build"), "2 builds");
}

}  // namespace
}  // namespace assay::report
