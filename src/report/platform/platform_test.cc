// SPDX-License-Identifier: Apache-2.0
#include "report/platform/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json statistic() {
  Json platform = parse_json(R"({
    "launches": [{"build": 0, "launch": 0, "rounds": 40, "clock_mhz": {"n": 40, "mean": 2300, "min": 2200, "max": 2300},
                  "clock_drop": 0.043, "cpu_busy": 0.99, "celsius": "unknown", "power_mw": "unknown",
                  "throttle": "none", "other_load": "CPU 0 was 93 % busy <b>", "energy": []}],
    "clock_mhz": {"mean": 2290, "min": 2200, "max": 2300},
    "cpu_busy": {"n": 1, "mean": 0.99, "min": 0.99, "p50": 0.99, "p90": 0.99, "max": 0.99},
    "gpu_busy_p50": "unknown", "gpu_busy_p90": "unknown", "celsius": "unknown", "power_mw": "unknown",
    "throttle": "unknown",
    "energy": [{"source": "rapl.package-0",
                "gross_mj": {"mean": 61.5, "lower": 60.1, "upper": 62.9, "n": 6, "confidence": 0.95},
                "net_mj": {"unknown": "0 launches tell, 3 are needed", "n": 0},
                "least_covered": 0.99, "longest_period_ms": 50, "largest_error_mj": 0.4},
               {"source": "rail.VDD_IN", "gross_mj": {"unknown": "0 launches tell, 3 are needed", "n": 0},
                "net_mj": {"unknown": "0 launches tell, 3 are needed", "n": 0}, "unknown": "the counter fell"}],
    "builds": [{"build": 0, "seconds": 4, "cpu_busy": 0.5,
                "energy": [{"source": "rapl.package-0", "joule": 80, "error_joule": 1, "covered": 1}]}],
    "missing": {"cpu*.throttle_events": "no thermal_throttle here", "zone.*": "no thermal zone"},
    "strip": {"build": 0, "launch": 0, "t_ms": [-1000, 0, 1000, 2000], "mhz": [800, 2300, 2200, 2300],
              "mw": [null, null, null, null], "loop_ms": 2000}})",
                             "made")
                      .value();
  return {{"platform", platform}, {"over_builds", {{"p50", {{"min", 1e6}, {"max", 1.1e6}}}}}};
}

Recipe made(Json statistic) {
  Recipe r;
  r.label = "null fp32";
  VerdictRow v;
  v.ref = "v1";
  v.subject = "latency";
  v.statistic = std::move(statistic);
  r.verdicts.push_back(std::move(v));
  return r;
}

TEST(PlatformRows, SayWhatIsKnownAndWhyNot) {
  const Recipe r = made(statistic());
  EXPECT_THAT(
      machine_cells(r),
      ElementsAre("null fp32", HasSubstr("1.1"), "2290 MHz (2200 to 2300)", "CPU 99 %",
                  "unknown (no thermal zone)", "unknown", "unknown (no thermal_throttle here)"));
  const auto energy = energy_rows(r);
  ASSERT_EQ(energy.size(), 2u);
  EXPECT_THAT(energy[0],
              ElementsAre("null fp32", "rapl.package-0", "61.5 mJ [60.1, 62.9] over 6 launches",
                          "unknown (0 launches tell, 3 are needed)", "0.4 mJ", "99 %", "50 ms",
                          "80 J a build of 4 s"));
  EXPECT_EQ(energy[1][2], "unknown (the counter fell)");
  EXPECT_EQ(machine_header().size(), machine_cells(r).size());
  EXPECT_EQ(energy_header().size(), energy[0].size());
}

TEST(PlatformRows, EvidenceWithoutRecordsHasNoSection) {
  const Recipe r = made(Json::object());
  ModelInfo info;
  info.recipes.push_back(r);
  EXPECT_FALSE(has_platform(info));
  EXPECT_EQ(html_platform(r), "");
  EXPECT_EQ(energy_rows(r).at(0).at(2), "unknown (no record)");
  info.recipes.push_back(made(statistic()));
  EXPECT_TRUE(has_platform(info));
}

TEST(PlatformPage, DrawsTheClockAndEscapesWhatItWasTold) {
  const std::string page = html_platform(made(statistic()));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("800 to 2300 MHz"));
  EXPECT_THAT(page, HasSubstr("93 % busy &lt;b&gt;"));
  EXPECT_THAT(page, testing::Not(HasSubstr("<b>")));
  // Power was not told: no row of it, and no zero.
  EXPECT_THAT(page, testing::Not(HasSubstr(">power</text>")));
}

// Reasons with brackets inside stay whole, equal ones share a number, other text stays.
TEST(PlatformNotes, ReasonsStandOnceBelowTheTable) {
  Notes notes;
  EXPECT_EQ(notes.cell("1980 MHz (1980 to 1980)"), "1980 MHz (1980 to 1980)");
  EXPECT_EQ(notes.cell("CPU unknown (no ticks (a container)), GPU p50 3 %"),
            "CPU unknown [1], GPU p50 3 %");
  EXPECT_EQ(notes.cell("unknown (other)"), "unknown [2]");
  EXPECT_EQ(notes.cell("unknown (no ticks (a container))"), "unknown [1]");
  EXPECT_EQ(notes.cell("unknown (never closed"), "unknown [3]");
  EXPECT_EQ(notes.lines().size(), 3);
  EXPECT_EQ(notes.lines()[0], "[1] no ticks (a container)");
}

}  // namespace
}  // namespace assay::report
