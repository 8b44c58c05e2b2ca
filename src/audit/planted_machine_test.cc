// SPDX-License-Identifier: Apache-2.0
// What a machine did wrong while a launch was measured, planted into its record: each fault turns
// the trust of the audit, with its reason; a quiet machine gives none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "audit/made_audits.h"
#include "audit/platform_evidence.h"
#include "measure/clock.h"
#include "measure/sampler.h"

namespace assay::audit {
namespace {

using platform::Channel;
using platform::Kind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int64_t kMs = 1'000'000;
const Json kStandard = {{"profile", "standard"}};

enum Column { busy0, busy1, psi, cpu_mhz, package_uj, gpu_mhz, throttle, processes, gpu_mj };

// A launch on CPU 1 with CPU 0 to spare: 1 s of rest at 10 W, then a loop of 2 s at 30 W.
PlatformEvidence quiet(double watt = 30) {
  PlatformEvidence p;
  p.platform_id = "p";
  p.record.interval_ms = 50;
  p.record.channels = {
      {"cpu0.busy_ticks", Kind::counter, 0, 0, 0},   {"cpu1.busy_ticks", Kind::counter, 0, 0, 0},
      {"psi.cpu_some_us", Kind::counter, 0, 0, 0},   {"cpu1.mhz", Kind::gauge, 0, 0, 0},
      {"rapl.package-0.uj", Kind::counter, 0, 1, 0}, {"gpu0.sm_mhz", Kind::gauge, 0, 0, 0},
      {"gpu0.throttle", Kind::mask, 0, 0, 0},        {"gpu0.processes", Kind::gauge, 0, 0, 0},
      {"gpu0.mj", Kind::counter, 0, 100, 0}};
  p.record.columns.resize(p.record.channels.size());
  p.idle_end_ns = 1000 * kMs;
  p.begin_ns = 1000 * kMs;
  p.end_ns = 3000 * kMs;
  const int64_t whole = sysconf(_SC_CLK_TCK) / 20;
  double uj = 0;
  for (int i = 0; i <= 60; ++i) {
    const bool loop = i >= 20;
    p.record.add(i * 50 * kMs,
                 std::vector<int64_t>{i / 20, loop ? (i - 20) * whole : 0, 0, loop ? 2300 : 800,
                                      std::llround(uj), 1980, 1, 1, i / 2 * 7000});
    uj += (loop ? watt : 10) * 50'000;
  }
  return p;
}

void watched(LaunchEvidence& l, PlatformEvidence p, int gpu = -1) {
  l.sampler["cpu"] = 1;
  l.sampler["busy_cpus"] = {1};
  l.sampler["own_cpu_us"] = 2'000'000;
  l.sampler["gpu"] = gpu;
  l.platform = std::move(p);
}

RecipeEvidence audit(int gpu = -1) {
  RecipeEvidence r = made_times({{1'000'000, 1'000'100, 999'900}, {1'000'050, 999'950, 1'000'000}});
  double watt = 29;
  for (BuildEvidence& b : r.builds)
    for (LaunchEvidence& l : b.launches) watched(l, quiet(watt += .5), gpu);
  return r;
}

PlatformEvidence& victim(RecipeEvidence& r) { return *r.builds[1].launches[2].platform; }

VerdictRow latency(const RecipeEvidence& r) { return judge_times(r, kStandard).verdicts.at(0); }

std::vector<std::string> reasons(const RecipeEvidence& r) {
  std::vector<std::string> out;
  const VerdictRow v = latency(r);
  for (const Json& reason : get_array(v.statistic, "trust_reasons"))
    out.push_back(reason.get<std::string>());
  return out;
}

std::string trust(const RecipeEvidence& r) { return get_string(latency(r).statistic, "trust"); }

// Rounds of the loop from the one at `from_ms` on.
void set(RecipeEvidence& r, Column column, int from_ms, int64_t value) {
  PlatformEvidence& p = victim(r);
  for (size_t i = static_cast<size_t>(from_ms / 50); i < p.record.t_ns.size(); ++i)
    p.record.columns[column][i] = value;
}

TEST(PlantedMachine, AQuietMachineIsTrusted) {
  EXPECT_THAT(reasons(audit()), IsEmpty());
  EXPECT_THAT(reasons(audit(0)), IsEmpty());
  EXPECT_EQ(trust(audit()), "TRUSTED");
}

TEST(PlantedMachine, AClockThatDropsInTheLoopDegrades) {
  RecipeEvidence r = audit();
  set(r, cpu_mhz, 2000, 2070);
  EXPECT_EQ(trust(r), "DEGRADED");
  EXPECT_THAT(reasons(r), ElementsAre(HasSubstr("clock drop: 10.0 %")));
  // It rose, or fell before the loop: nothing happened.
  r = audit();
  set(r, cpu_mhz, 2000, 2500);
  EXPECT_THAT(reasons(r), IsEmpty());
  // On a GPU its clock counts, and the CPU's does not.
  r = audit(0);
  set(r, cpu_mhz, 2000, 800);
  EXPECT_THAT(reasons(r), IsEmpty());
  set(r, gpu_mhz, 2500, 1485);
  EXPECT_THAT(reasons(r), ElementsAre(HasSubstr("clock drop: 25.0 %")));
  r = audit();
  set(r, cpu_mhz, 0, platform::kUnknown);
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("clocks unknown")));
}

TEST(PlantedMachine, TheLoadOfOthersDegrades) {
  RecipeEvidence r = audit();
  PlatformEvidence& p = victim(r);
  for (size_t i = 20; i < p.record.t_ns.size(); ++i)
    p.record.columns[busy0][i] = p.record.columns[busy1][i];
  EXPECT_EQ(trust(r), "DEGRADED");
  EXPECT_THAT(reasons(r), ElementsAre(AllOf(HasSubstr("other load: CPU 0 was 100 % busy"),
                                            HasSubstr("in 1 of 6 launches"))));
  r = audit();
  set(r, psi, 2000, 500'000);
  EXPECT_THAT(reasons(r), ElementsAre(HasSubstr("tasks waited for a CPU 25 % of the time")));
  r = audit(0);
  set(r, processes, 0, 3);
  EXPECT_THAT(reasons(r), ElementsAre(HasSubstr("other GPU processes: 2")));
}

TEST(PlantedMachine, AThrottleBitRejectsAndAnIdleOneDoesNot) {
  for (const int64_t bit : {0x4, 0x8, 0x20, 0x40, 0x80}) {
    RecipeEvidence r = audit(0);
    victim(r).record.columns[throttle][45] = bit | 1;
    EXPECT_EQ(trust(r), "REJECTED") << bit;
    EXPECT_THAT(reasons(r), ElementsAre(StartsWith("throttling seen: GPU"))) << bit;
    EXPECT_NE(latency(r).verdict, "SAME");
    // Before the loop, or in a launch that no GPU ran, it says nothing.
    r = audit(0);
    victim(r).record.columns[throttle][5] = bit;
    EXPECT_THAT(reasons(r), IsEmpty()) << bit;
  }
  for (const int64_t bit : {0x0, 0x1, 0x2, 0x3}) {
    RecipeEvidence r = audit(0);
    set(r, throttle, 0, bit);
    EXPECT_THAT(reasons(r), IsEmpty()) << bit;
  }
  RecipeEvidence r = audit(0);
  set(r, throttle, 0, platform::kUnknown);
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("GPU throttling unknown")));
}

TEST(PlantedMachine, ARecordOfAnotherTreeOrATornOneIsNeverFine) {
  RecipeEvidence r = audit();
  victim(r).record.real = false;
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("read from another tree")));
  r = audit();
  victim(r).record.columns[busy0][40] = -1;
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("other load unknown: a counter")));
  r = audit();
  victim(r).problem = "cut off";
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("record of the machine unreadable: cut off"),
                                      StartsWith("clocks unknown")));
  r = audit();
  victim(r).begin_ns = victim(r).end_ns = 9'000'000 * kMs;
  EXPECT_THAT(reasons(r), ElementsAre(StartsWith("other load unknown: no rounds"),
                                      StartsWith("clocks unknown")));
}

TEST(PlatformJson, EnergyIsOneValueALaunchWithItsInterval) {
  const Json p = latency(audit()).statistic["platform"];
  ASSERT_EQ(p["energy"].size(), 1u) << dump_json(p["energy"]);  // the GPU did not run this
  const Json& e = p["energy"][0];
  EXPECT_EQ(e["source"], "rapl.package-0");
  // 30.75 W on average over 2 s and 1001 inferences; 10 W of it without them.
  EXPECT_NEAR(e["gross_mj"]["mean"].get<double>(), 30.75 * 2000 / 1001, .01);
  EXPECT_NEAR(e["net_mj"]["mean"].get<double>(), 20.75 * 2000 / 1001, .01);
  EXPECT_EQ(e["gross_mj"]["n"], 6);
  EXPECT_LT(e["gross_mj"]["lower"], e["gross_mj"]["mean"]);
  EXPECT_GT(e["gross_mj"]["upper"], e["gross_mj"]["mean"]);
  EXPECT_NEAR(p["clock_mhz"]["mean"].get<double>(), 2300, 1e-6);
  EXPECT_NEAR(p["cpu_busy"]["mean"].get<double>(), 1, 1e-9);
  EXPECT_EQ(p["throttle"], "none");
  EXPECT_EQ(p["launches"].size(), 6u);
  EXPECT_GT(p["strip"]["mhz"].size(), 10u);
}

TEST(PlatformJson, FewLaunchesOrNoSourceAreUnknown) {
  RecipeEvidence r = audit();
  r.builds.pop_back();
  r.builds[0].launches.pop_back();
  Json e = latency(r).statistic["platform"]["energy"][0];
  EXPECT_THAT(get_string(e["gross_mj"], "unknown"), HasSubstr("2 launches tell, 3 are needed"));
  r = audit();
  for (BuildEvidence& b : r.builds)
    for (LaunchEvidence& l : b.launches) {
      l.platform->record.channels.resize(4);
      l.platform->record.columns.resize(4);
    }
  EXPECT_TRUE(latency(r).statistic["platform"]["energy"].empty());
  // Evidence without records says nothing of the machine, as before.
  EXPECT_FALSE(latency(made_times({{1000}, {1000}})).statistic.contains("platform"));
}

TEST(PlatformRows, ComeBackAsTheyWere) {
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-platform-").value();
  auto run = store::RunFolder::open_for_writing(dir.path() / "run").value();
  PlatformEvidence p = quiet();
  p.record_blob = run.put_blob(dump_json(platform::to_json(p.record))).value();
  ASSERT_TRUE(store_platform(run, "launch", "l1", p).has_value());
  const auto back = load_platform(run, "l1").value();
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->record.columns, p.record.columns);
  EXPECT_EQ(back->end_ns, p.end_ns);
  EXPECT_EQ(back->problem, "");
  EXPECT_FALSE(load_platform(run, "l2").value().has_value());
  p.record_blob = run.put_blob("{}").value();
  ASSERT_TRUE(store_platform(run, "launch", "l3", p).has_value());
  EXPECT_NE(load_platform(run, "l3").value()->problem, "");
  EXPECT_TRUE(run.damaged_blobs().value().empty());
  fs::remove(run.blob_path(p.record_blob));
  EXPECT_EQ(run.damaged_blobs().value().size(), 1u);
}

TEST(AnnouncedRecord, IsCheckedAsOutputsAre) {
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-platform-").value();
  const std::string text = dump_json(platform::to_json(quiet().record));
  ASSERT_TRUE(write_file_atomic(dir.path() / "record.json", text).has_value());
  const Json good = {{"file", "record.json"},
                     {"begin_ns", 20},
                     {"end_ns", 30},
                     {"idle_begin_ns", 5},
                     {"idle_end_ns", 10}};
  EXPECT_EQ(read_announced(good, dir.path()).value().end_ns, 30);
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"file", "../record.json"},
                                                 {"file", "none"},
                                                 {"begin_ns", 9},
                                                 {"end_ns", 19},
                                                 {"end_ns", "30"},
                                                 {"idle_begin_ns", 11},
                                                 {"idle_end_ns", -1}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_FALSE(read_announced(bad, dir.path()).has_value()) << key << " " << value;
  }
  ASSERT_TRUE(write_file_atomic(dir.path() / "record.json", text.substr(0, 300)).has_value());
  EXPECT_FALSE(read_announced(good, dir.path()).has_value());
}

// From the library through sampler, file and gate: a GPU that a fake NVML plays.
TEST(PlantedMachine, ABitThatNvmlTellsReachesTheVerdict) {
  TempDir dir = TempDir::create(fs::temp_directory_path(), "assay-nvml-").value();
  for (const bool planted : {false, true}) {
    const fs::path library = dir.path() / (planted ? "bad.so" : "good.so");
    fs::copy_file(FAKE_NVML, library);
    ASSERT_TRUE(write_file_atomic(library.string() + ".conf",
                                  planted ? "gpu0.throttle 1*1 8\n" : "gpu0.throttle 1\n")
                    .has_value());
    measure::SamplerSpec spec;
    int64_t written = 0;
    spec.measured_cpu = 0;
    spec.busy_cpus = {0};
    spec.interval_ms = 1;
    spec.written = &written;
    spec.gpu = 0;
    spec.roots.nvml = library.string();
    measure::Sampler sampler(spec);
    sampler.start();
    PlatformEvidence p;
    p.begin_ns = measure::stamp_ns();
    p.end_ns = p.begin_ns + 1;
    sampler.stop();
    p.record = platform::record_from_json(platform::to_json(sampler.record())).value();
    ASSERT_NE(p.record.column("gpu0.throttle"), nullptr) << dump_json(platform::to_json(p.record));
    EXPECT_FALSE(p.record.real);
    RecipeEvidence r = audit(0);
    victim(r) = p;
    EXPECT_EQ(trust(r), planted ? "REJECTED" : "DEGRADED");
    if (planted)
      EXPECT_THAT(reasons(r)[0], StartsWith("throttling seen: GPU hardware slowdown"));
    else
      EXPECT_THAT(reasons(r), testing::Not(testing::Contains(HasSubstr("throttl"))));
  }
}

}  // namespace
}  // namespace assay::audit
