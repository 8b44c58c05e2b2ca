// SPDX-License-Identifier: Apache-2.0
#include "report/machines/machines.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "report/fixture.h"
#include "report/machines/made_machines.h"
#include "report/page_fault.h"

namespace assay::report {
namespace {

class Machines : public ::testing::Test {
 protected:
  TempDir dir_ = TempDir::create(fs::temp_directory_path(), "assay-machines-").value();

  MachinesReport compare(const std::vector<MadeMachine>& made, const MachinesOptions& o = {}) {
    std::vector<Machine> machines;
    for (size_t i = 0; i < made.size(); ++i) {
      const fs::path folder = dir_.path() / fmt::format("run{}-{}", ++count_, i);
      EXPECT_TRUE(make_machine(folder, made[i]));
      auto m = load_machine(folder, i);
      EXPECT_TRUE(m) << m.error().message;
      machines.push_back(std::move(*m));
    }
    return compare_machines(std::move(machines), o);
  }
  static MadeMachine other(double factor, int64_t cores = 8) {
    MadeMachine m;
    m.machine_id = "m2";
    m.boot_id = "b2";
    m.cores = cores;
    for (double& v : m.p50_ms) v *= factor;
    return m;
  }
  int count_ = 0;
};

const MachinePair& only(const MachinesReport& r) {
  EXPECT_EQ(r.rows.size(), 1u);
  EXPECT_EQ(r.rows.at(0).pairs.size(), 1u);
  return r.rows.at(0).pairs.at(0);
}
bool says(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Machines, TheBiggerIsFaster) {
  const MachinesReport r = compare({{}, other(0.6)});
  const MachinePair& p = only(r);
  EXPECT_EQ(p.verdict, Verdict::different);
  EXPECT_EQ(p.bigger, 1);
  EXPECT_NEAR(p.ratio.ratio, 0.6, 1e-9);
  EXPECT_LT(p.ratio.lower, 0.6);
  EXPECT_GT(p.ratio.upper, 0.6);
  EXPECT_TRUE(says(p.statement, "B, the bigger, is faster: it takes 0.6 times A's latency"))
      << p.statement;
  EXPECT_TRUE(says(r.compilers.at(0), "faster in 1 of 1"));
}

// The paper's Table 19, TensorRT: the larger board is slower. Both orders say it of the same one.
TEST_F(Machines, TheBiggerIsNotFaster) {
  const std::string forth = only(compare({{}, other(1.2)})).statement;
  EXPECT_TRUE(says(forth, "B, the bigger, is NOT faster but slower: it takes 1.2 times A's"))
      << forth;
  const MachinesReport back = compare({other(1.2), {}});
  EXPECT_EQ(only(back).bigger, 0);
  EXPECT_TRUE(
      says(only(back).statement, "A, the bigger, is NOT faster but slower: it takes 1.2 times B's"))
      << only(back).statement;
  EXPECT_TRUE(says(back.compilers.at(0), "faster in 0 of 1 comparisons, 1 slower"));
}

TEST_F(Machines, EqualOnlyWhereItIsShownAndAllowed) {
  MadeMachine tight, bigger = other(1);
  tight.p50_ms = bigger.p50_ms = {1.0, 1.0001, 0.9999, 1.0002, 0.9998};
  const MachinePair same = only(compare({tight, bigger}));
  EXPECT_EQ(same.verdict, Verdict::same);
  EXPECT_TRUE(says(same.statement, "B, the bigger, is NOT faster: equal within 1"))
      << same.statement;
  bigger.equality = false;  // a quick audit
  const MachinePair quick = only(compare({tight, bigger}));
  EXPECT_EQ(quick.verdict, Verdict::inconclusive);
  EXPECT_TRUE(says(quick.reason, "quick profile"));
  // Nor where its own audit would not: trust that nobody told, a launch that was lost.
  for (const bool unknown : {false, true}) {
    MadeMachine b = bigger;
    b.equality = true;
    EXPECT_EQ(only(compare({tight, b})).verdict, Verdict::same);
    if (unknown)
      b.trust = "unknown";
    else
      b.lost = true;
    const MachinePair p = only(compare({tight, b}));
    EXPECT_EQ(p.verdict, Verdict::inconclusive);
    EXPECT_TRUE(says(p.reason, unknown ? "B: the trust" : "B: 5 of 5 builds and 4 of 5 launches"))
        << p.reason;
    EXPECT_EQ(only(compare({b, tight})).verdict, Verdict::inconclusive);
  }
  // Not significant is not equal.
  const MachinePair wide = only(compare({{}, other(1.004)}));
  EXPECT_EQ(wide.verdict, Verdict::inconclusive);
  EXPECT_TRUE(says(wide.statement, "not shown that B, the bigger, is faster")) << wide.statement;
}

TEST_F(Machines, NoWordWithoutWhatItTakes) {
  MadeMachine one = other(0.5), rejected = other(0.5), scripted = other(0.5);
  one.p50_ms = {0.5};
  rejected.trust = word(Trust::rejected);
  scripted.clock = "scripted";
  for (const auto& [m, reason] :
       {std::pair{one, "has 1 build"}, {rejected, "REJECTED"}, {scripted, "not a measurement"}}) {
    const MachinePair p = only(compare({{}, m}));
    EXPECT_EQ(p.verdict, Verdict::inconclusive);
    EXPECT_TRUE(says(p.reason, reason)) << p.reason;
  }
  EXPECT_FALSE(only(compare({{}, one})).has_interval);
}

TEST_F(Machines, SizeIsPeakThenCoresThenUnknown) {
  MadeMachine few = {}, many = other(0.5, 8);
  few.peak_flops = 900e9;  // two fast cores beat eight slow ones
  many.peak_flops = 300e9;
  EXPECT_EQ(only(compare({few, many})).bigger, 0);
  many.peak_flops = 0;  // peak on one side only: no common measure
  EXPECT_FALSE(only(compare({few, many})).bigger);
  few.peak_flops = 0;
  EXPECT_EQ(only(compare({few, many})).bigger, 1);
  EXPECT_EQ(only(compare({few, other(0.5, 2)})).bigger, -1);
  // Two runs of one machine and boot are one size, however their peaks came out.
  MadeMachine again = few, slow = few;
  again.peak_flops = 900e9;
  slow.peak_flops = 300e9;
  const MachinesReport one = compare({again, slow});
  EXPECT_EQ(only(one).bigger, -1);
  EXPECT_TRUE(one.compilers.at(0).ends_with(": there is no bigger machine")) << one.compilers[0];
  EXPECT_TRUE(says(to_text(machines_document(one), false), " 900 GFLOP/s"));
  slow.cores = 1;
  EXPECT_EQ(only(compare({again, slow})).bigger, 0);
  few.device = many.device = "cuda:0";  // cores of the host say nothing of a GPU
  const MachinePair gpu = only(compare({few, many}));
  EXPECT_FALSE(gpu.bigger);
  EXPECT_TRUE(says(gpu.statement, "which is bigger is unknown")) << gpu.statement;
}

TEST_F(Machines, WhatDoesNotMatchIsListedWithTheReason) {
  MadeMachine threads = other(0.5), options = other(0.5), device = other(0.5);
  threads.threads = 2;
  options.options = R"({"trials":8})";
  device.device = "cuda:0";
  for (const auto& [m, reason] : {std::pair{threads, "B has threads 2 instead of 1"},
                                  {options, "options {\"trials\":8} instead of {}"},
                                  {device, "device cuda instead of cpu"}}) {
    const MachinesReport r = compare({{}, m});
    EXPECT_TRUE(r.rows.empty());
    ASSERT_EQ(r.unmatched.size(), 2u);
    EXPECT_TRUE(says(r.unmatched[0].reason, reason)) << r.unmatched[0].reason;
  }
}

// One machine as a small and a large one: marked, never two machines.
TEST_F(Machines, AcrossThreadsOfOneMachineIsAnAnalogue) {
  MadeMachine two;
  two.threads = 2;
  two.p50_ms = {0.6, 0.61, 0.59};
  MachinesOptions o;
  o.across_threads = true;
  const MachinesReport r = compare({{}, two}, o);
  EXPECT_EQ(only(r).bigger, 1);
  EXPECT_TRUE(says(r.notes.at(0), "of one machine (the same boot): an analogue")) << r.notes.at(0);
  EXPECT_EQ(r.notes.size(), 1u);  // no word of strata
}

TEST_F(Machines, KernelsArtifactsOutputsAndVersions) {
  MadeMachine b = other(0.5);
  b.kernel = "another";
  b.artifact = "one binary";
  b.version = "2.0";
  b.outputs = {0.9F, 0.1F, 0.8F, 0.2F};
  MadeMachine a;
  a.artifact = "one binary";
  const MachinesReport r = compare({a, b});
  const MachinePair& p = only(r);
  EXPECT_EQ(p.maps.layers, 2);
  EXPECT_EQ(p.maps.differ, 1);
  EXPECT_EQ(p.maps.maps_common, 0);
  EXPECT_EQ(p.same_artifacts, 1);
  ASSERT_EQ(p.outputs.size(), 1u);
  EXPECT_EQ(p.outputs[0].why, "");
  EXPECT_EQ(p.outputs[0].bitwise_different, 1);
  EXPECT_NEAR(p.outputs[0].max_abs, 0.8, 1e-6);
  ASSERT_TRUE(p.outputs[0].top1);
  EXPECT_EQ(p.outputs[0].top1->count, 1);
  EXPECT_EQ(p.outputs[0].top1->unit, "input");
  bool version = false;
  for (const std::string& n : r.notes) version = version || says(n, "machine and version together");
  EXPECT_TRUE(version);
  b.data = "other";
  EXPECT_EQ(only(compare({a, b})).outputs.at(0).why, "not comparable: other inputs");
  EXPECT_EQ(only(compare({{}, other(0.5)})).same_artifacts, 0);
}

// What one comparison alone would show, fifteen do not.
TEST_F(Machines, ClaimsAreCorrectedForHowManyThereAre) {
  std::vector<MadeMachine> six(6);
  for (size_t i = 0; i < six.size(); ++i) six[i].machine_id = fmt::format("m{}", i);
  six[5].p50_ms = {1.02, 1.03, 1.045};  // p about 0.03 against each of the others
  int64_t refused = 0;
  const MachinesReport r = compare(six);
  ASSERT_EQ(r.rows.at(0).pairs.size(), 15u);
  for (const MachinePair& p : r.rows[0].pairs)
    if (says(p.reason, "after Holm")) {
      ++refused;
      EXPECT_EQ(p.verdict, Verdict::inconclusive);
    }
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(only(compare({six[0], six[5]})).verdict, Verdict::different);
  // One word among pairs that show nothing is corrected for these too: of three machines, two pairs
  // of p about 0.03 beside one that is INCONCLUSIVE.
  const MachinesReport three = compare({six[0], six[1], six[5]});
  for (const MachinePair& p : three.rows.at(0).pairs) {
    EXPECT_EQ(p.verdict, Verdict::inconclusive);
    EXPECT_EQ(says(p.reason, "beside 2 other comparisons"), p.b == 2) << p.reason;
    EXPECT_GE(p.adjusted_p, p.b == 2 ? 3 * p.p * 0.999 : 1);
  }
}

TEST_F(Machines, PrintersAgreeAndSurviveHostileNames) {
  std::vector<Machine> machines;
  for (size_t i = 0; i < 2; ++i) {
    FixtureOptions o;
    o.hostile = true;
    o.salt = std::to_string(i);
    const fs::path folder = dir_.path() / fmt::format("hostile{}", i);
    ASSERT_TRUE(make_run(folder, o));
    machines.push_back(load_machine(folder, i).value());
  }
  const MachinesReport r = compare_machines(std::move(machines), {});
  EXPECT_EQ(r.rows.size(), 3u);
  const Document d = machines_document(r);
  const std::string page = to_html(d);
  EXPECT_EQ(page_fault(page), "");
  EXPECT_FALSE(says(page, "<script>alert"));
  EXPECT_FALSE(says(to_text(d, false), "\x1b[31m"));
  const auto j = parse_json(machines_json(r), "machines");
  ASSERT_TRUE(j);
  EXPECT_EQ(get_array(*j, "rows").size(), 3u);
  EXPECT_FALSE(to_markdown(d).empty());
}

TEST_F(Machines, JsonAndCsvCarryTheFigures) {
  const MachinesReport r = compare({{}, other(0.6)});
  const Json j = parse_json(machines_json(r), "machines").value();
  const Json& pair = j["rows"][0]["pairs"][0];
  EXPECT_NEAR(pair["ratio_b_over_a"].get<double>(), 0.6, 1e-9);
  EXPECT_EQ(pair["verdict"], "DIFFERENT");
  EXPECT_EQ(pair["bigger"], "B");
  EXPECT_TRUE(j["rows"][0]["cells"][0]["energy_mj"]["value"].is_null());
  EXPECT_TRUE(j["rows"][0]["cells"][0]["p99_ns"].is_null());
  EXPECT_EQ(j["rows"][0]["cells"][0]["why_no_p99"], "not available (n >= 473)");
  const std::string csv = machines_csv(r);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_TRUE(says(csv, ",busy,busy_kind,"));
  EXPECT_TRUE(says(csv, ",CPU busy of launch,"));
  EXPECT_TRUE(j["machines"][0]["gpus"].is_null());
}

TEST_F(Machines, TheGpuIsNamedWhereOneWasUsed) {
  MadeMachine a, b = other(0.6);
  a.gpus =
      R"x({"gpu 0": {"name": "Made GPU", "driver": "550 (CUDA 12.4)", "power limit": "700 W"}})x";
  EXPECT_FALSE(says(to_text(machines_document(compare({a, b})), false), "Made GPU"));
  a.device = b.device = "cuda:0";
  a.platform = R"({"gpu_busy_p50": {"mean": 50, "min": 40, "max": 60}})";
  b.gpus = R"([5])";
  const MachinesReport r = compare({a, b});
  EXPECT_EQ(r.machines[0].gpus, "Made GPU, driver 550 (CUDA 12.4), power limit 700 W");
  EXPECT_EQ(r.machines[1].gpus, "unknown");
  const std::string text = to_text(machines_document(r), false);
  EXPECT_TRUE(says(text, "driver 550 (CUDA 12.4)")) << text;
  EXPECT_TRUE(says(text, "GPU busy: 0.5 (0.4 to 0.6)")) << text;
  EXPECT_EQ(r.rows.at(0).cells[1].busy_kind, "");
}

TEST_F(Machines, PlatformFiguresAreReadAndNeverMadeUp) {
  MadeMachine a, b = other(0.6), lies = other(0.6);
  a.platform =
      R"({"clock_mhz": {"mean": 2300, "min": 2100, "max": 2400}, "cpu_busy": {"mean": 0.97, "min": 0.9, "max": 1},
    "energy": [{"source": "gpu0 counter", "gross_mj": {"mean": 99, "lower": 98, "upper": 100}},
               {"source": "rapl.dram", "gross_mj": {"mean": 1, "lower": 0.9, "upper": 1.1}},
               {"source": "rapl.package-0", "gross_mj": {"mean": 12.5, "lower": 12, "upper": 13}}]})";
  a.roofline = R"({"builds": [{"share_of_flops": 0.25}, {"share_of_flops": 0.35}]})";
  b.device = a.device;
  b.platform =
      R"({"clock_mhz": "unknown", "energy": [{"source": "rapl.package-0", "gross_mj": {"unknown": "too short"}, "unknown": "too short"}]})";
  lies.platform = R"({"clock_mhz": 5, "cpu_busy": [1], "energy": {"a": 1}})";
  lies.roofline = R"([1])";
  const MachinesReport r = compare({a, b, lies});
  const MachineCell &x = r.rows.at(0).cells[0], &y = r.rows[0].cells[1], &z = r.rows[0].cells[2];
  EXPECT_EQ(x.energy_mj.value, 12.5);  // of the package, not the GPU, not the memory, not their sum
  EXPECT_EQ(x.energy_mj.low, 12);
  EXPECT_EQ(x.clock_mhz.value, 2300);
  EXPECT_EQ(x.busy.value, 0.97);
  EXPECT_EQ(x.busy_kind, "CPU busy of loop");
  EXPECT_EQ(y.busy_kind, "CPU busy of launch");
  EXPECT_NEAR(*x.roofline.value, 0.30, 1e-9);
  EXPECT_FALSE(y.energy_mj.value);
  EXPECT_EQ(y.energy_mj.why, "too short");
  EXPECT_FALSE(y.roofline.value);
  EXPECT_TRUE(y.busy.value);  // from the launch's own account
  EXPECT_FALSE(z.energy_mj.value);
  EXPECT_FALSE(z.roofline.value);
  const std::string text = to_text(machines_document(r), false);
  EXPECT_TRUE(says(text, "12.5 mJ [12, 13]")) << text;
  EXPECT_TRUE(says(text, "energy unknown: too short")) << text;
}

TEST_F(Machines, ForeignAndDamagedRunsAreErrorsOrNamed) {
  EXPECT_FALSE(load_machine(dir_.path() / "absent", 0));
  fs::create_directories(dir_.path() / "text");
  ASSERT_TRUE(write_file_atomic(dir_.path() / "text/run.db", std::string(5000, 'x')));
  EXPECT_FALSE(load_machine(dir_.path() / "text", 0));
  // Blobs that are gone: the outputs cannot be compared, the rest stands.
  MadeMachine a, b = other(0.6);
  const fs::path fa = dir_.path() / "a", fb = dir_.path() / "b";
  ASSERT_TRUE(make_machine(fa, a));
  ASSERT_TRUE(make_machine(fb, b));
  fs::remove_all(fb / "blobs");
  std::vector<Machine> machines;
  machines.push_back(load_machine(fa, 0).value());
  machines.push_back(load_machine(fb, 1).value());
  const MachinesReport r = compare_machines(std::move(machines), {});
  EXPECT_TRUE(says(only(r).outputs.at(0).why, "not comparable")) << only(r).outputs.at(0).why;
  EXPECT_EQ(only(r).verdict, Verdict::different);
  EXPECT_FALSE(r.machines[1].notes.empty());
}

}  // namespace
}  // namespace assay::report
