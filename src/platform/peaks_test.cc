// SPDX-License-Identifier: Apache-2.0
#include "platform/peaks.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "base/text.h"
#include "platform/peaks_kernels.h"

namespace assay::platform {
namespace {

int some_cpu() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) return i;
  return 0;
}

TEST(Peaks, MeasuresThisProcessor) {
  const Peaks p = measure_cpu_peaks({some_cpu()}, 0.1);
  EXPECT_EQ(p.device, "cpu");
  EXPECT_EQ(p.threads, 1);
  EXPECT_FALSE(p.isa.empty());
  // No timing is asserted: that figures are there and that no machine of today is beyond.
  EXPECT_GT(p.flops_fp32, 1e7);
  EXPECT_LT(p.flops_fp32, 1e13);
  EXPECT_GT(p.cache_bytes_per_s, 1e7);
  EXPECT_LT(p.cache_bytes_per_s, 1e13);
  EXPECT_GE(p.repetitions, 3);
  ASSERT_TRUE(peaks_from_json(to_json(p)));
  EXPECT_EQ(dump_json(to_json(*peaks_from_json(to_json(p)))), dump_json(to_json(p)));
  std::printf("%s\n", dump_json(to_json(p)).c_str());
}

TEST(Peaks, NoProcessorNoFigure) {
  const Peaks p = measure_cpu_peaks({}, 0.1);
  EXPECT_EQ(p.flops_fp32, 0);
  EXPECT_TRUE(to_json(p)["flops_fp32"].is_null());
}

TEST(Peaks, KernelsRunAndSayTheirWork) {
  for (const PeakKernel& k : peak_kernels()) {
    if (k.prepare && !k.prepare()) {
      std::printf("%s: the kernel refuses its state\n", k.name);
      continue;
    }
    k.run(10);
    EXPECT_GT(k.operations, 0) << k.name;
  }
  alignas(64) static const char zeros[4096] = {};
  read_all(zeros, sizeof zeros);
}

Json good() {
  return {{"device", "cpu"},          {"threads", 2},
          {"isa", "avx2+fma"},        {"flops_fp32", 1e11},
          {"flops_fp16", nullptr},    {"flops_int8", nullptr},
          {"read_bytes_per_s", 1e10}, {"cache_bytes_per_s", nullptr},
          {"last_cache_bytes", 1024}, {"repetitions", 9}};
}

TEST(Peaks, UnknownStaysUnknown) {
  const auto p = peaks_from_json(good());
  ASSERT_TRUE(p);
  EXPECT_EQ(p->flops_fp16, 0);
  EXPECT_EQ(dump_json(to_json(*p)), dump_json(good()));
}

TEST(Peaks, HostileJson) {
  for (const auto& [key, value] : {std::pair<const char*, Json>{"device", "gpu"},
                                   {"device", 3},
                                   {"threads", 0},
                                   {"threads", 1 << 20},
                                   {"threads", "many"},
                                   {"flops_fp32", -1},
                                   {"flops_fp32", 0},
                                   {"flops_fp32", "fast"},
                                   {"flops_fp32", 1e30},
                                   {"read_bytes_per_s", 1e17},
                                   {"cache_bytes_per_s", Json::array()},
                                   {"last_cache_bytes", -1},
                                   {"last_cache_bytes", 1.5},
                                   {"last_cache_bytes", int64_t{1} << 50}}) {
    Json bad = good();
    bad[key] = value;
    const auto p = peaks_from_json(bad);
    ASSERT_FALSE(p) << key << " " << value;
    EXPECT_NE(p.error().message.find(key), std::string::npos) << p.error().message;
  }
  EXPECT_FALSE(peaks_from_json(Json()));
  EXPECT_FALSE(peaks_from_json(Json::array()));
  Json escape = good();
  escape["isa"] = "a\x1b[31m";
  EXPECT_EQ(peaks_from_json(escape)->isa.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace assay::platform
