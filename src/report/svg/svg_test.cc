// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "report/svg/charts.h"

namespace assay::report::svg {
namespace {

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(nice_ticks({0, 10, false}, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  for (double t : nice_ticks({2.0e6, 9.1e7, true}, 6)) {
    EXPECT_GE(t, 2.0e6);
    EXPECT_LE(t, 9.1e7);
  }
  EXPECT_GE(nice_ticks({2.0e6, 9.1e7, true}, 6).size(), 3u);
  EXPECT_TRUE(nice_ticks({1, 1, false}, 5).empty());
}

TEST(Ticks, LabelsTellThemApart) {
  EXPECT_EQ(tick_labels({2'100'000, 2'105'000}, time_unit(2.1e6)),
            (std::vector<std::string>{"2.100", "2.105"}));
}

TEST(Scale, ClampsAndMapsLog) {
  const Scale x({1, 100, true}, 0, 200);
  EXPECT_DOUBLE_EQ(x(10), 100);
  EXPECT_DOUBLE_EQ(x(1e9), 200);
}

TEST(Charts, EscapeWhatTheyAreGiven) {
  const std::string bad = "<script>\"'&";
  for (const auto& s :
       {bar_chart({{bad, bad, "#b1", 3}}, bad, bad),
        dot_chart({{bad, "#v1", bad, 1.0, 0.5, {}, bad}}, bad, bad),
        histogram({{bad, 3}}, bad, bad), matrix({bad}, {{{bad, bad, "#c1", 1, false}}}, bad),
        ecdf_chart({{bad, {{1, .5}, {2, 1}}}}, {1, 2, false}, bad)}) {
    EXPECT_EQ(s.find("<script>"), std::string::npos);
    EXPECT_NE(s.find("&lt;script&gt;"), std::string::npos);
    EXPECT_NE(s.find("role=\"img\" aria-label=\""), std::string::npos);
  }
}

TEST(Charts, RunChartDrawsExactly) {
  EXPECT_EQ(run_chart({{1, 3}, {2, 2}}, {1, 3, false}, "x"),
            "<svg class=\"spark\" viewBox=\"0 0 24 40\" width=\"24\" height=\"40\" role=\"img\" "
            "aria-label=\"x\"><path class=\"run\" d=\"M3 38v-36m6 18v-1\"/></svg>");
}

}  // namespace
}  // namespace assay::report::svg
