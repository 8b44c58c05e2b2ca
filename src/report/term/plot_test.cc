// SPDX-License-Identifier: Apache-2.0
#include "report/term/plot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "report/golden.h"

namespace assay::report::term {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Plots {
  EcdfPlot ecdf;
  RunPlot run;
  TailPlot tail;
  QqPlot qq;
};

// Two logistic distributions, a run with warm-up and a step, an exponential tail.
Plots made() {
  Plots p;
  for (int s = 0; s < 2; ++s) {
    EcdfSeries e{s ? "build 1" : "build 0", {}, s ? 0.0 : 0.08};
    for (int i = 1; i <= 200; ++i) {
      const double share = i / 201.0;
      e.points.push_back({2e6 + 1e5 * s + 1e5 * std::log(share / (1 - share)), i / 200.0});
    }
    p.ecdf.series.push_back(e);
  }
  p.ecdf.marks = {{2e6, "p50"}};
  for (int i = 0; i < 100; ++i) {
    const double middle = 1e6 + (i < 10 ? 1e5 * (10 - i) : 0) + (i >= 60 ? 2e5 : 0);
    p.run.columns.push_back({middle - 1e5, middle + 1e5 + (i % 17 == 0 ? 2e5 : 0)});
    p.run.middles.push_back(middle);
  }
  p.run.samples = 1000;
  p.run.warm_up = 100;
  p.run.changes = {{600, "change"}};
  for (int i = 0; i < 1000; ++i) {
    const double share = (1000 - i) / 1000.0;
    p.tail.empirical.push_back({2e6 - 1e5 * std::log(share), share});
  }
  for (int d = 10; d <= 60; ++d) {
    const double share = std::pow(10, -d / 10.0);
    p.tail.fitted.push_back({2e6 - 1e5 * std::log(share), share});
    p.tail.bound.push_back({2e6 - 1.3e5 * std::log(share), share});
  }
  p.tail.threshold = p.tail.fitted[0].x;
  p.tail.high_water = p.tail.empirical.back().x;
  p.tail.evidence_limit = 1e-5;
  for (int i = 0; i < 60; ++i) {
    const double q = -1e5 * std::log(1 - (i + 0.5) / 60);
    p.qq.points.push_back({q, q * (1 + q / 4e6)});
  }
  return p;
}

std::vector<std::string> all(const Plots& p, const PlotOptions& o) {
  return {ecdf(p.ecdf, o), run_order(p.run, o), exceedance(p.tail, o), qq(p.qq, o)};
}

std::string together(const Plots& p, const PlotOptions& o) {
  std::string out;
  for (const auto& s : all(p, o)) out += s + "\n";
  return out;
}

size_t widest(const std::string& text) {  // code points
  size_t most = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    most = std::max(most, static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
                      return (c & 0xc0) != 0x80;
                    })));
  return most;
}

TEST(TermPlot, PrintsAsBefore) {
  expect_golden("plots_unicode.txt", together(made(), {.width = 56, .height = 10}));
  expect_golden("plots_ascii.txt", together(made(), {.width = 56, .height = 10, .unicode = false}));
}

TEST(TermPlot, StaysInsideItsWidthAndHeight) {
  for (int width : {32, 40, 72, 200}) {
    for (bool unicode : {false, true}) {
      for (const auto& s : all(made(), {.width = width, .height = 8, .unicode = unicode})) {
        EXPECT_LE(widest(s), static_cast<size_t>(width)) << s;
        EXPECT_LE(std::count(s.begin(), s.end(), '\n'), 8 + 14) << s;
        EXPECT_EQ(s.back(), '\n');
        EXPECT_EQ(s.find(" \n"), std::string::npos) << "space at the end of a line\n" << s;
      }
    }
  }
}

TEST(TermPlot, AsciiIsAsciiAndNothingEscapesUnlessAsked) {
  Plots p = made();
  p.ecdf.series[0].name = "b\xc3\xbcild\x1b[31m";
  for (const auto& s : all(p, {.unicode = false}))
    for (const char c : s) EXPECT_TRUE(c == '\n' || (c >= 32 && c < 127)) << s;
  for (const auto& s : all(p, {})) EXPECT_EQ(s.find('\x1b'), std::string::npos);
  const std::string coloured = ecdf(p.ecdf, {.colour = true});
  EXPECT_NE(coloured.find("\x1b[36m"), std::string::npos);
  EXPECT_EQ(coloured.find("\x1b[31m"), std::string::npos) << "a name brings no escape of its own";
  EXPECT_EQ(ecdf(p.ecdf, {}).find("\x1b"), std::string::npos);
}

TEST(TermPlot, SeriesDifferWithoutColour) {
  const std::string s = ecdf(made().ecdf, {.unicode = false});
  EXPECT_NE(s.find("** build 0"), std::string::npos);
  EXPECT_NE(s.find("x x build 1"), std::string::npos);
  EXPECT_GT(std::count(s.begin(), s.end(), '*'), 20);
  EXPECT_GT(std::count(s.begin(), s.end(), 'x'), 10);
}

TEST(TermPlot, DrawsWhateverItIsGiven) {
  const std::vector<std::vector<Point>> inputs = {
      {},
      {{1, 1}},
      {{0, 0}},
      {{5, 0.5}, {5, 1}},
      {{kNan, kNan}, {kInf, kInf}, {-kInf, 0}},
      {{kNan, 0.5}, {2, 1}},
      {{-9.3e18, 0}, {9.3e18, 1}},
      {{9.223372036854775e18, 0.5}, {9.223372036854775807e18, 1}},
      {{5e-324, 5e-324}, {1.7e308, 1.7e308}},
      {{-1.7e308, -1}, {1.7e308, 1}},
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    Plots p;
    p.tail.per = "sample";  // "inference" holds "inf"
    p.ecdf.series = {{"n", inputs[i], 0.1}, {"m", {}, kNan}};
    p.tail.empirical = p.tail.fitted = p.tail.bound = p.qq.points = p.qq.lower = inputs[i];
    for (const Point& v : inputs[i]) {
      p.ecdf.marks.push_back({v.x, "mark"});
      p.tail.marks = p.run.changes = p.run.levels = p.ecdf.marks;
      p.tail.high_water = p.tail.threshold = p.run.warm_up = v.x;
      p.tail.evidence_limit = v.y;
      p.run.columns.push_back({v.x, v.y});
      p.run.middles.push_back(v.y);
    }
    for (int width : {-5, 32, 72, 1 << 30}) {
      for (const auto& s : all(p, {.width = width, .height = width})) {
        EXPECT_GT(s.size(), 100u);
        EXPECT_LE(widest(s), 400u) << i;
        EXPECT_EQ(s.find("nan"), std::string::npos) << i << "\n" << s;
        EXPECT_EQ(s.find("inf"), std::string::npos) << i << "\n" << s;
      }
    }
  }
  for (const auto& s : all({}, {})) EXPECT_NE(s.find("no data"), std::string::npos);
}

}  // namespace
}  // namespace assay::report::term
