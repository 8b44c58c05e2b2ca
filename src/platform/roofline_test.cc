// SPDX-License-Identifier: Apache-2.0
#include "platform/roofline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::platform {
namespace {

using testing::HasSubstr;

// One inference at 1x3x224x224 in fp16, as the cost of the model counts it (model.Cost tests).
Work work_of(double operations, double irreducible, double weights) {
  Work w;
  w.operations = operations;
  w.irreducible_operations = irreducible;
  w.weight_bytes = weights * 2;
  w.activation_bytes = (3 * 224 * 224 + 1000) * 2;
  w.precision = "fp16";
  return w;
}
Work vgg16() { return work_of(30.98e9, 7.92e9, 138357544); }
Work resnet18() { return work_of(3.64e9, 1.13e9, 11689512); }
Work resnet50() { return work_of(8.22e9, 5.66e9, 25557032); }

// Xavier AGX by table 2 of the audit of TensorRT, AutoTVM and AutoScheduler: 64 tensor cores of 64
// fused fp16 multiply-adds at 1.137 GHz, 137 GB/s, 512 KB of L2.
Peaks agx() {
  Peaks p;
  p.device = "cuda:0";
  p.isa = "sm_72";
  p.flops_fp32 = 512 * 2 * 1.137e9;
  p.flops_fp16 = 64 * 64 * 2 * 1.137e9;
  p.read_bytes_per_s = 137e9;
  p.last_cache_bytes = 512 * 1024;
  return p;
}

// Its table 8: VGG-16 by AutoScheduler takes 0.228 ms in fp16.
TEST(Roofline, Table8Vgg16IsImpossible) {
  const Work w = vgg16();
  const Bound b = least_time(w, agx());
  ASSERT_TRUE(b.known);
  EXPECT_EQ(b.limit, "memory");
  EXPECT_NEAR(b.floor_ns, 2.02e6, 0.005e6);
  const Place p = place(w, agx(), b, 0.228e6);
  EXPECT_TRUE(p.impossible);
  EXPECT_EQ(p.text, "weights 276.7 MB at 137 GB/s = 2.02 ms; measured 0.228 ms is 8.9 x below");
  EXPECT_NEAR(p.share_of_bandwidth, 8.86, 0.01);
  // AutoTVM's 0.49 ms neither; TensorRT's 8.82 ms may be.
  EXPECT_TRUE(place(w, agx(), b, 0.49e6).impossible);
  const Place tensorrt = place(w, agx(), b, 8.82e6);
  EXPECT_FALSE(tensorrt.impossible);
  EXPECT_THAT(tensorrt.text, HasSubstr("measured 8.82 ms is 4.4 x the floor"));
}

// Its table 9: VGG-16 on a V100 (900 GB/s, 6 MB of L2, 125 TFLOP/s in fp16) at 0.12 to 0.16 ms.
TEST(Roofline, Table9Vgg16IsImpossible) {
  Peaks v100;
  v100.device = "cuda:0";
  v100.flops_fp32 = 15.7e12;
  v100.flops_fp16 = 125e12;
  v100.read_bytes_per_s = 900e9;
  v100.last_cache_bytes = 6 << 20;
  const Work w = vgg16();
  const Bound b = least_time(w, v100);
  EXPECT_NEAR(b.floor_ns, 0.30e6, 0.005e6);  // 0.307 ms, less the 6 MB that may stay in the cache
  EXPECT_THAT(b.arithmetic, HasSubstr("less 6.291 MB that the caches hold"));
  for (const double ms : {0.16, 0.15, 0.14, 0.13, 0.12})
    EXPECT_TRUE(place(w, v100, b, ms * 1e6).impossible) << ms;
}

// Table 8 against the fp16 peak of table 2: by direct convolution these cells need more than the
// tensor cores give. A fast convolution could save that, so they are suspect and not impossible.
TEST(Roofline, AboveThePeakOfDirectConvolutionIsNotImpossible) {
  struct Cell {
    Work work;
    double ms;
  };
  for (const Cell& c : {Cell{resnet18(), 0.36},     // AutoScheduler
                        Cell{resnet50(), 0.66},     // AutoTVM
                        Cell{resnet50(), 0.60}}) {  // AutoScheduler
    const Work w = c.work;
    const Place p = place(w, agx(), least_time(w, agx()), c.ms * 1e6);
    EXPECT_GT(p.share_of_flops, 1) << c.ms;
    EXPECT_FALSE(p.impossible) << p.text;
  }
  // VGG-16 breaks both.
  const Work w = vgg16();
  EXPECT_GT(place(w, agx(), least_time(w, agx()), 0.49e6).share_of_flops, 1);
}

Work small() {
  Work w;
  w.operations = 4e6;
  w.irreducible_operations = 2e6;
  w.weight_bytes = 1e6;
  w.activation_bytes = 1000;
  return w;
}
Peaks desk() {
  Peaks p;
  p.flops_fp32 = 100e9;
  p.read_bytes_per_s = 10e9;
  p.last_cache_bytes = 8 << 20;
  return p;
}

TEST(Roofline, WeightsThatFitTheCacheNeedNoMemory) {
  Bound b = least_time(small(), desk());
  EXPECT_EQ(b.limit, "arithmetic");
  EXPECT_DOUBLE_EQ(b.compute_ns, 20000);
  EXPECT_EQ(b.memory_ns, 0);  // the rate of the cache is unknown: no bound from it
  EXPECT_EQ(b.arithmetic, "2 M operations that no algorithm saves, at 100 GOP/s in fp32 = 20 us");
  Peaks cached = desk();
  cached.cache_bytes_per_s = 20e9;
  b = least_time(small(), cached);
  EXPECT_EQ(b.limit, "memory");
  EXPECT_DOUBLE_EQ(b.memory_ns, 1001000 / 20.0);
  Peaks unknown_cache = desk();
  unknown_cache.last_cache_bytes = 0;
  EXPECT_EQ(least_time(small(), unknown_cache).memory_ns, 0);
}

TEST(Roofline, MarginLowersWhatIsRejected) {
  const Bound b = least_time(small(), desk(), 0.1);
  EXPECT_FALSE(place(small(), desk(), b, 18001).impossible);
  EXPECT_TRUE(place(small(), desk(), b, 17999).impossible);
  EXPECT_DOUBLE_EQ(place(small(), desk(), b, 40000).times_the_floor, 2);
  EXPECT_DOUBLE_EQ(place(small(), desk(), b, 40000).share_of_flops, 1);
}

TEST(Roofline, UnknownPeaksBindNothing) {
  Peaks p = desk();
  p.flops_fp32 = 0;
  EXPECT_FALSE(least_time(small(), p).known);
  EXPECT_FALSE(place(small(), p, least_time(small(), p), 1).impossible);
  EXPECT_THAT(place(small(), p, least_time(small(), p), 1).text, HasSubstr("unknown"));
  // Lower precisions are not bound by the rate of a higher one.
  Work w = small();
  for (const char* precision : {"fp16", "bf16", "int8"}) {
    w.precision = precision;
    EXPECT_FALSE(least_time(w, desk()).known) << precision;
  }
  p = desk();
  p.flops_int8 = 50e9;  // slower than fp32: the engine may have used that
  w.precision = "int8";
  EXPECT_DOUBLE_EQ(least_time(w, p).compute_ns, 20000);
  // On a GPU fp32 may be TF32.
  p.device = "cuda:0";
  w.precision = "fp32";
  EXPECT_FALSE(least_time(w, p).known);
  p.flops_fp16 = 400e9;
  EXPECT_DOUBLE_EQ(least_time(w, p).compute_ns, 10000);
  EXPECT_FALSE(place(small(), desk(), least_time(small(), desk()), 0).known);
}

}  // namespace
}  // namespace assay::platform
