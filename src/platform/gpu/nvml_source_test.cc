// SPDX-License-Identifier: Apache-2.0
// The channels of NVML, against libraries that answer from a file.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "platform/gpu/testing/fake_library.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

using fake::FakeLibrary;
using Row = std::map<std::string, int64_t>;

struct Opened {
  explicit Opened(const std::string& library, bool gpu = true) {
    ProbeSpec spec;
    spec.roots.nvml = library;
    spec.gpu = gpu;
    sources = nvml_sources(spec, missing);
  }
  Row read(int64_t now_ms) {
    Row row;
    for (const auto& s : sources) {
      const auto channels = s->channels();
      std::vector<int64_t> values(channels.size(), -99);
      s->read(now_ms * 1'000'000, values.data());
      for (size_t i = 0; i < channels.size(); ++i) row[channels[i].name] = values[i];
    }
    return row;
  }
  std::string why(const std::string& what) const {
    for (const Missing& m : missing)
      if (m.what == what) return m.why;
    return "not missing";
  }
  Sources sources;
  std::vector<Missing> missing;
};

TEST(NvmlSource, EveryChannelOfAGpu) {
  const FakeLibrary library(FAKE_NVML, "gpu*.mj 5000\n");
  Opened o(library.path());
  EXPECT_TRUE(o.missing.empty());
  const Row expected = {{"gpu0.sm_mhz", 1980},     {"gpu0.mem_mhz", 2619},
                        {"gpu0.celsius", 40},      {"gpu0.mw", 300000},
                        {"gpu0.mj", 5000},         {"gpu0.throttle", 0},
                        {"gpu0.busy_percent", 90}, {"gpu0.mem_busy_percent", 40},
                        {"gpu0.processes", 1}};
  EXPECT_EQ(o.read(1000), expected);
}

TEST(NvmlSource, KindsAndIntervals) {
  const FakeLibrary library(FAKE_NVML, "");
  Opened o(library.path());
  for (const auto& s : o.sources) {
    for (const Channel& c : s->channels()) {
      EXPECT_EQ(c.kind, c.name == "gpu0.mj"         ? Kind::counter
                        : c.name == "gpu0.throttle" ? Kind::mask
                                                    : Kind::gauge)
          << c.name;
      EXPECT_EQ(c.least_interval_ms, c.name == "gpu0.mj" ? 100 : 0) << c.name;
      EXPECT_EQ(c.refresh_ms, c.name == "gpu0.mj" ? 100 : 0) << c.name;
      EXPECT_EQ(c.wrap, 0);
    }
  }
}

TEST(NvmlSource, TheEnergyCounterIsReadNoMoreOftenThanItSteps) {
  const FakeLibrary library(FAKE_NVML, "gpu*.mj 1*1 10*1 20*1 30\n");  // the first: opening
  Opened o(library.path());
  EXPECT_EQ(o.read(1000)["gpu0.mj"], 10);
  EXPECT_EQ(o.read(1020)["gpu0.mj"], kUnknown);
  EXPECT_EQ(o.read(1090)["gpu0.mj"], kUnknown);
  EXPECT_EQ(o.read(1099)["gpu0.mj"], 20);  // early by less than a twentieth
  EXPECT_EQ(o.read(1120)["gpu0.mj"], kUnknown);
  EXPECT_EQ(o.read(1199)["gpu0.mj"], 30);
  EXPECT_EQ(o.read(1200)["gpu0.sm_mhz"], 1980);
}

TEST(NvmlSource, ACounterThatFallsIsGivenAsItIs) {
  const FakeLibrary library(FAKE_NVML, "gpu*.mj 5000*2 100\n");
  Opened o(library.path());
  EXPECT_EQ(o.read(1000)["gpu0.mj"], 5000);
  EXPECT_EQ(o.read(2000)["gpu0.mj"], 100);
}

TEST(NvmlSource, PlantedClockDropAndThrottleBit) {
  const FakeLibrary library(FAKE_NVML, "gpu*.sm_mhz 1980*3 345\ngpu*.throttle 0*2 0x8*1 0\n");
  Opened o(library.path());
  Row first = o.read(1), second = o.read(2), third = o.read(3);
  EXPECT_EQ(first["gpu0.sm_mhz"], 1980);
  EXPECT_EQ(second["gpu0.sm_mhz"], 1980);
  EXPECT_EQ(third["gpu0.sm_mhz"], 345);
  EXPECT_EQ(first["gpu0.throttle"], 0);
  EXPECT_EQ(second["gpu0.throttle"], 8);
  EXPECT_EQ(third["gpu0.throttle"], 0);
}

TEST(NvmlSource, NotSupportedIsAbsentWithTheReason) {
  const FakeLibrary library(FAKE_NVML, "gpu*.mw !3\ngpu*.mj !3\ngpu*.busy_percent !3\n");
  Opened o(library.path());
  const Row row = o.read(1);
  EXPECT_FALSE(row.contains("gpu0.mw"));
  EXPECT_FALSE(row.contains("gpu0.mj"));
  EXPECT_FALSE(row.contains("gpu0.busy_percent"));
  EXPECT_TRUE(row.contains("gpu0.sm_mhz"));
  EXPECT_EQ(o.why("gpu0.mw"), "nvmlDeviceGetPowerUsage: Not Supported (status 3)");
  EXPECT_EQ(o.why("gpu0.mj"), "nvmlDeviceGetTotalEnergyConsumption: Not Supported (status 3)");
  EXPECT_EQ(o.why("gpu0.mem_busy_percent"),
            "nvmlDeviceGetUtilizationRates: Not Supported (status 3)");
}

TEST(NvmlSource, ABoardWhoseNvmlTellsNothing) {
  const FakeLibrary library(FAKE_NVML,
                            "gpu*.sm_mhz !3\ngpu*.mem_mhz !3\ngpu*.celsius !3\ngpu*.mw !3\n"
                            "gpu*.mj !3\ngpu*.throttle !3\ngpu*.busy_percent !3\n"
                            "gpu*.processes !3\ngpu*.mig !3\n");
  Opened o(library.path());
  EXPECT_TRUE(o.sources.empty());
  EXPECT_EQ(o.missing.size(), 9u);
  for (const Missing& m : o.missing)
    EXPECT_NE(m.why.find("Not Supported (status 3)"), std::string::npos) << m.what << m.why;
}

TEST(NvmlSource, MigIsNamedWhereAReadingIsAbsent) {
  const FakeLibrary library(FAKE_NVML, "gpu*.mig 1\ngpu*.busy_percent !3\n");
  Opened o(library.path());
  EXPECT_EQ(o.why("gpu0.busy_percent"),
            "nvmlDeviceGetUtilizationRates: Not Supported (status 3); MIG is on, and this is of "
            "the whole GPU");
}

TEST(NvmlSource, WhatBeginsToFailIsUnknownAndMayComeBack) {
  const FakeLibrary library(FAKE_NVML, "gpu*.celsius 40*2 !15*1 41\n");
  Opened o(library.path());
  EXPECT_EQ(o.read(1)["gpu0.celsius"], 40);
  // The newer function fails, the older one is asked: two calls.
  EXPECT_EQ(o.read(2)["gpu0.celsius"], 41);
  const FakeLibrary other(FAKE_NVML, "gpu*.sm_mhz 1980*1 !15*1 1500\n");
  Opened second(other.path());
  EXPECT_EQ(second.read(1)["gpu0.sm_mhz"], kUnknown);
  EXPECT_EQ(second.read(2)["gpu0.sm_mhz"], 1500);
}

TEST(NvmlSource, SeveralGpusOneOfThemRefused) {
  const FakeLibrary library(FAKE_NVML, "gpus 3\ngpu1.handle !4\ngpu2.sm_mhz 1200\n");
  Opened o(library.path());
  const Row row = o.read(1);
  EXPECT_EQ(row.at("gpu0.sm_mhz"), 1980);
  EXPECT_EQ(row.at("gpu2.sm_mhz"), 1200);
  EXPECT_FALSE(row.contains("gpu1.sm_mhz"));
  EXPECT_EQ(o.why("gpu1"), "nvmlDeviceGetHandleByIndex_v2: Insufficient Permissions (status 4)");
  // Dear readings come after all cheap ones of the round.
  EXPECT_EQ(o.sources.back()->channels().front().name, "gpu2.mj");
  EXPECT_EQ(o.sources.front()->channels().front().name, "gpu0.sm_mhz");
}

TEST(NvmlSource, OlderDriversTellLess) {
  const FakeLibrary library(FAKE_NVML_OLD, "");
  Opened o(library.path());
  const Row row = o.read(1);
  EXPECT_EQ(row.at("gpu0.throttle"), 0);
  EXPECT_EQ(row.at("gpu0.processes"), 1);
  EXPECT_EQ(row.at("gpu0.celsius"), 40);
  EXPECT_FALSE(row.contains("gpu0.mj"));
  EXPECT_TRUE(o.why("gpu0.mj").starts_with("nvmlDeviceGetTotalEnergyConsumption: not in this " +
                                           library.path()))
      << o.why("gpu0.mj");
}

TEST(NvmlSource, AMaskBeyondInt64IsUnknown) {
  const FakeLibrary library(FAKE_NVML, "gpu*.throttle -1\ngpu*.mj -1\n");
  Opened o(library.path());
  Row row = o.read(1);
  EXPECT_EQ(row["gpu0.throttle"], kUnknown);
  EXPECT_EQ(row["gpu0.mj"], kUnknown);
}

TEST(NvmlSource, WithoutALibraryOrAGpuThereIsOneReason) {
  Opened none("libassay-nowhere.so");
  EXPECT_TRUE(none.sources.empty());
  ASSERT_EQ(none.missing.size(), 1u);
  EXPECT_EQ(none.missing[0].what, "nvml");
  EXPECT_NE(none.missing[0].why.find("libassay-nowhere.so"), std::string::npos);
  EXPECT_NE(none.missing[0].why.find("nvidia-smi"), std::string::npos);
  const FakeLibrary empty(FAKE_NVML, "gpus 0");
  Opened zero(empty.path());
  EXPECT_TRUE(zero.sources.empty());
  EXPECT_EQ(zero.missing.size(), 1u);
  Opened unasked("libassay-nowhere.so", false);
  EXPECT_TRUE(unasked.sources.empty());
  EXPECT_TRUE(unasked.missing.empty());
}

TEST(NvmlSource, ReadingLoadsNothingOfCuda) {
  const FakeLibrary nvml(FAKE_NVML, ""), cuda(FAKE_CUDA, "");
  ProbeSpec spec;
  spec.roots.nvml = nvml.path();
  spec.roots.cuda = cuda.path();
  std::vector<Missing> missing;
  const Sources sources = nvml_sources(spec, missing);
  EXPECT_FALSE(sources.empty());
  EXPECT_NE(dlopen(nvml.path().c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
  EXPECT_EQ(dlopen(cuda.path().c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
}

TEST(NvmlSource, AnswersMayComeFromTheEnvironment) {
  const FakeLibrary library(FAKE_NVML, "gpu*.celsius 50\n");
  ASSERT_TRUE(write_file_atomic(library.folder() / "other", "gpu*.celsius 60\n"));
  setenv("ASSAY_FAKE_NVML", (library.folder() / "other").c_str(), 1);
  EXPECT_EQ(Opened(library.path()).read(1)["gpu0.celsius"], 60);
  unsetenv("ASSAY_FAKE_NVML");
  EXPECT_EQ(Opened(library.path()).read(1)["gpu0.celsius"], 50);
}

TEST(NvmlSource, AMisspeltPlanFailsTheTest) {
  for (const char* answers : {"gpu*.clock 5", "gpsu 1", "gpu0.sm_mhz fast", "gpu*.mj ramp 1 2"}) {
    const FakeLibrary library(FAKE_NVML, answers);
    EXPECT_TRUE(Opened(library.path()).sources.empty()) << answers;
  }
}

}  // namespace
}  // namespace assay::platform
