// SPDX-License-Identifier: Apache-2.0
#include "report/roofline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Recipe with(Json roofline) {
  Recipe r;
  r.label = "made fp32";
  VerdictRow v;
  v.subject = "latency";
  v.scope = "builds";
  v.statistic = Json::object();
  if (!roofline.is_null()) v.statistic["roofline"] = std::move(roofline);
  r.verdicts.push_back(std::move(v));
  return r;
}

Json placed(bool impossible) {
  const double times = impossible ? 0.1 : 4;
  return {
      {"known", true},
      {"why", ""},
      {"cost", "2 G operations <b>"},
      {"peaks", {{"isa", "avx512"}, {"threads", 1}, {"flops_fp32", 2e11}, {"flops_fp16", nullptr}}},
      {"arithmetic", "weights 276.7 MB at 137 GB/s = 2.02 ms"},
      {"placed", true},
      {"builds", Json::array({{{"build", 0},
                               {"median_ns", 2.02e6 * times},
                               {"share_of_flops", 0.25},
                               {"share_of_bandwidth", nullptr},
                               {"times_the_floor", times},
                               {"impossible", impossible},
                               {"text", "measured 0.2 ms"}}})}};
}

TEST(Roofline, SaysItsShares) {
  const Recipe r = with(placed(false));
  EXPECT_EQ(roofline_line(r),
            "25 % of peak arithmetic, unknown share of memory bandwidth, 4 x the floor (weights "
            "276.7 MB at 137 GB/s = 2.02 ms)");
  const std::string page = html_roofline(r);
  EXPECT_THAT(page, HasSubstr("2 G operations &lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("25 %"));
  EXPECT_THAT(page, HasSubstr("fp16 unknown"));
  EXPECT_THAT(page, Not(HasSubstr("REJECTED")));
  EXPECT_THAT(html_roofline(with(placed(true))), HasSubstr("REJECTED"));
}

TEST(Roofline, UnknownIsSaid) {
  EXPECT_EQ(roofline_line(with(nullptr)), "");
  EXPECT_EQ(html_roofline(with(nullptr)), "");
  EXPECT_EQ(roofline_line(with({{"known", false}, {"why", "no peaks"}})),
            "least time unknown: no peaks");
}

}  // namespace
}  // namespace assay::report
