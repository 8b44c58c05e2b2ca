// SPDX-License-Identifier: Apache-2.0
#include "report/svg/response_charts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "report/page_fault.h"

namespace assay::report::svg {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::string fault(const std::string& drawing) { return page_fault("<html>" + drawing + "</html>"); }

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Widths of the bars of a colour, in their order.
std::vector<double> widths(const std::string& svg, int colour) {
  std::vector<double> out;
  const std::regex bar("<rect class=\"f" + std::to_string(colour) +
                       "\" x=\"[-0-9.]+\" y=\"[-0-9.]+\" width=\"([-0-9.]+)\" [^>]*><title>");
  for (std::sregex_iterator it(svg.begin(), svg.end(), bar), end; it != end; ++it)
    out.push_back(std::stod((*it)[1]));
  return out;
}

StackPlot two_bars() {
  StackPlot p;
  p.parts = {{"read", 5}, {"inference", 1}};
  p.rows = {{"alpha", "4.00 ms", {1e6, 3e6}}, {"beta", "8.00 ms", {2e6, 6e6}}};
  p.deadline_ns = 7e6;
  p.heading = "Mean of all frames";
  p.label = "stages of two conditions";
  return p;
}

TEST(StackChart, BarsAreAsLongAsTheirValues) {
  const std::string svg = stack_chart(two_bars());
  EXPECT_EQ(fault(svg), "");
  EXPECT_NE(svg.find("aria-label=\"stages of two conditions\""), std::string::npos);
  const auto read = widths(svg, 5), inference = widths(svg, 1);
  ASSERT_EQ(read.size(), 2u);
  ASSERT_EQ(inference.size(), 2u);
  EXPECT_NEAR(inference[1] / inference[0], 2, .02);
  EXPECT_NEAR(inference[0] / read[0], 3, .05);
  for (const char* text : {"deadline 7.00 ms", "alpha, inference: 3.00 ms", "Mean of all frames"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
}

TEST(StackChart, ABarManyTimesAsLongAsMostIsCutAndSaysSo) {
  StackPlot p = two_bars();
  p.rows.push_back({"gamma", "9.00 s", {1e9, 8e9}});
  p.rows.push_back({"delta", "5.00 ms", {1e6, 4e6}});
  const std::string svg = stack_chart(p);
  EXPECT_NE(svg.find("\u00bb"), std::string::npos);
  EXPECT_NE(svg.find(">9.00 s<"), std::string::npos);
  EXPECT_GT(widths(svg, 1)[0], 10) << "the others can still be read";
  EXPECT_EQ(stack_chart(two_bars()).find("\u00bb"), std::string::npos);
}

TEST(StackChart, ADeadlineFarAwayIsLeftOut) {
  StackPlot p = two_bars();
  p.deadline_ns = 1e9;
  EXPECT_EQ(stack_chart(p).find("deadline"), std::string::npos);
}

CountPlot sweep() {
  CountPlot p;
  p.heading = "Median inference";
  p.label = "inference against N";
  p.oversubscribed = 4;
  p.series = {{"alpha", {{1, 3e6, 2.9e6, 3.1e6}, {2, 4e6, 3.8e6, 4.2e6}, {16, 9e6, {}, {}}}},
              {"beta", {{1, 5e6, 4.9e6, 5.1e6}, {16, 2e7, 1.9e7, 2.1e7}}}};
  return p;
}

TEST(CountChart, HasAPointAndABarAnInterval) {
  const std::string svg = count_chart(sweep());
  EXPECT_EQ(fault(svg), "");
  EXPECT_EQ(count(svg, "<circle"), 5u);
  EXPECT_EQ(count(svg, "width=\"7\" height=\"1\""), 8u) << "two ends of four intervals";
  EXPECT_NE(svg.find("alpha, N = 2: 4.00 ms [3.80 ms, 4.20 ms]"), std::string::npos);
  EXPECT_NE(svg.find("oversubscribed"), std::string::npos);
  EXPECT_EQ(count(svg, "class=\"beyond\""), 1u);
  CountPlot none = sweep();
  none.oversubscribed.reset();
  EXPECT_EQ(count_chart(none).find("oversubscribed"), std::string::npos);
}

TEST(ResponseCharts, DrawWhateverTheyGet) {
  EXPECT_NE(stack_chart({}).find("no data"), std::string::npos);
  EXPECT_NE(count_chart({}).find("no data"), std::string::npos);
  const std::string bad = "<script>&\"'\x1b[31m\xE2\x80\xAE\xff" + std::string(3000, 'A');
  StackPlot stack;
  stack.parts = {{bad, -3}, {"b", 99}};
  stack.heading = stack.label = bad;
  stack.deadline_ns = kNan;
  stack.rows = {{bad, bad, {kNan, kInf, 1}}, {"", "", {-5}}, {"x", "y", {1e300, 1e300}}};
  CountPlot counts;
  counts.heading = counts.label = bad;
  counts.oversubscribed = -7;
  counts.series = {{bad, {{-1, kNan, 1, 2}, {3, 5, kInf, -kInf}, {3, 1e300, 9, 1}}}, {"e", {}}};
  for (const std::string& svg : {stack_chart(stack), count_chart(counts)}) {
    EXPECT_EQ(fault(svg), "");
    for (const char* raw : {"<script", "\x1b", "\xE2\x80\xAE", "nan", "inf\""})
      EXPECT_EQ(svg.find(raw), std::string::npos) << raw;
  }
}

}  // namespace
}  // namespace assay::report::svg
