// SPDX-License-Identifier: Apache-2.0
// Peaks of a GPU against a driver with planted times.
#include <gtest/gtest.h>

#include <cmath>

#include "platform/gpu/driver.h"
#include "platform/gpu/ptx.h"
#include "platform/gpu/testing/fake_library.h"
#include "platform/peaks.h"

namespace assay::platform {
namespace {

using fake::FakeLibrary;

Result<Peaks> peaks_of(const std::string& answers, int device = 0) {
  const FakeLibrary library(FAKE_CUDA, answers);
  Roots roots;
  roots.cuda = library.path();
  auto peaks = measure_gpu_peaks(roots, device, 0.001);
  // Whatever happened, all is given back.
  if (auto opened = Library::open({library.path()}, Library::Unload::never, "")) {
    auto held = reinterpret_cast<int64_t (*)()>(opened->find("assay_fake_cuda_held"));
    EXPECT_EQ(held(), 0) << answers;
  }
  return peaks;
}

// FLOP/s of a kernel of which one iteration takes `ns`, on 4 multiprocessors.
double expected(const PtxKernel& k, double ns) {
  return k.per_iteration * 4 * k.blocks_per_sm * k.block_threads / k.unit_threads / (ns * 1e-9);
}

constexpr double kSame = 1e-5;  // events tell float milliseconds

TEST(GpuPeaks, EachFigureIsCountedWorkOverPlantedTime) {
  const auto p = peaks_of(
      "ns.assay_fma_f32 2000\nns.assay_fma_f16x2 3000\nns.assay_wgmma_tf32 5000\n"
      "ns.assay_wgmma_f16 7000\nns.assay_wgmma_s8 11000\nns.assay_read 1000000\n"
      "ns.copy 500000\n");
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->device, "cuda:0");
  EXPECT_EQ(p->isa, "sm_90");
  EXPECT_EQ(p->threads, 4);
  EXPECT_EQ(p->last_cache_bytes, 4194304);
  EXPECT_GE(p->repetitions, 5);
  const double fma = expected(ptx_fma_f32(), 2000);
  EXPECT_NEAR(p->flops_fp32_fma / fma, 1, kSame);
  const double tf32 = expected(ptx_wgmma(TensorType::tf32), 5000);
  ASSERT_GT(tf32, fma);
  EXPECT_NEAR(p->flops_fp32 / tf32, 1, kSame);
  EXPECT_NEAR(p->flops_fp16 / expected(ptx_wgmma(TensorType::f16), 7000), 1, kSame);
  EXPECT_NEAR(p->flops_int8 / expected(ptx_wgmma(TensorType::s8), 11000), 1, kSame);
  // A quarter of the memory: 256 MiB. The kernel reads all of it in 1 ms; a copy reads and writes a
  // half each in 0.5 ms, which is more.
  EXPECT_NEAR(p->read_bytes_per_s / (268435456 / 0.5e-3), 1, kSame);
  EXPECT_NEAR(p->cache_bytes_per_s / (1048576 / 1e-3), 1, kSame);
}

TEST(GpuPeaks, TheFasterOfReadingAndCopyingCounts) {
  const auto p = peaks_of("ns.assay_read 100000\nns.copy 500000\n");
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->read_bytes_per_s / (268435456 / 0.1e-3), 1, kSame);
}

TEST(GpuPeaks, Ampere) {
  const auto p = peaks_of("major 8\nminor 7\nns.assay_mma_f16 100\nns.assay_mma_tf32 100\n");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->isa, "sm_87");
  EXPECT_NEAR(p->flops_fp16 / expected(ptx_mma(TensorType::f16), 100), 1, kSame);
  EXPECT_NEAR(p->flops_fp32 / expected(ptx_mma(TensorType::tf32), 100), 1, kSame);
  EXPECT_GT(p->flops_int8, 0);
}

TEST(GpuPeaks, MaxwellHasPackedHalvesAndNoTensorCores) {
  const auto p = peaks_of("major 5\nminor 3\nns.assay_fma_f32 1000\nns.assay_fma_f16x2 1000\n");
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->flops_fp16 / p->flops_fp32, 2, kSame);
  EXPECT_EQ(p->flops_fp32, p->flops_fp32_fma);
  EXPECT_EQ(p->flops_int8, 0);
}

TEST(GpuPeaks, SlowHalvesAreComputedInFp32) {
  const auto p = peaks_of("major 6\nminor 1\nns.assay_fma_f16x2 64000\n");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->flops_fp16, p->flops_fp32);
}

TEST(GpuPeaks, TensorCoresThatAreNotMeasuredLeaveTheBoundUnknown) {
  const auto volta = peaks_of("major 7\nminor 0\n");
  ASSERT_TRUE(volta);
  EXPECT_GT(volta->flops_fp32, 0);  // they take halves alone
  EXPECT_EQ(volta->flops_fp16, 0);
  const auto newer = peaks_of("major 10\nminor 0\n");
  ASSERT_TRUE(newer);
  EXPECT_GT(newer->flops_fp32_fma, 0);
  EXPECT_EQ(newer->flops_fp32, 0);  // tf32 may be faster
  EXPECT_EQ(newer->flops_fp16, 0);
  const auto refused = peaks_of("load.assay_wgmma_f16 218\nload.assay_wgmma_tf32 218\n");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->flops_fp16, 0);
  EXPECT_EQ(refused->flops_fp32, 0);
  EXPECT_GT(refused->flops_int8, 0);
  const auto failed = peaks_of("launch.assay_wgmma_tf32 719\n");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->flops_fp32, 0);
  EXPECT_GT(failed->flops_fp16, 0);
}

TEST(GpuPeaks, LittleMemoryIsTriedInSmallerPieces) {
  // A quarter is 24 MiB, and 4 caches are 16 MiB.
  const auto p = peaks_of("memory_bytes 100663296\nns.copy 1000\n");
  ASSERT_TRUE(p);
  EXPECT_NEAR(p->read_bytes_per_s, 25165824 / 1e-6, 25165824 / 1e-6 * 1e-3);
  const auto none = peaks_of("memory_bytes 10485760\n");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->read_bytes_per_s, 0);
  EXPECT_GT(none->flops_fp32_fma, 0);
}

TEST(GpuPeaks, FailuresAreMissingWithTheReason) {
  struct Case {
    const char *answers, *message;
    ExitCode code;
    int device;
  };
  for (const Case& c : {Case{"init 100", "no CUDA-capable device", ExitCode::missing, 0},
                        Case{"devices 0", "CUDA device 0: the driver sees 0", ExitCode::usage, 0},
                        Case{"devices 2", "CUDA device 2: the driver sees 2", ExitCode::usage, 2},
                        Case{"", "CUDA device -1", ExitCode::usage, -1},
                        Case{"multiprocessors 0", "0 multiprocessors", ExitCode::missing, 0},
                        Case{"memory_bytes 1000", "out of memory", ExitCode::missing, 0},
                        Case{"elapsed nan", "nan ms", ExitCode::missing, 0},
                        Case{"elapsed 719", "unspecified launch failure", ExitCode::missing, 0},
                        Case{"ns.default 0\nns.copy 0", "no time passed", ExitCode::missing, 0}}) {
    const auto p = peaks_of(c.answers, c.device);
    ASSERT_FALSE(p) << c.answers;
    EXPECT_EQ(p.error().code, c.code) << c.answers;
    EXPECT_NE(p.error().message.find(c.message), std::string::npos) << p.error().message;
    EXPECT_FALSE(p.error().fix.empty());
  }
}

TEST(GpuPeaks, WithoutADriver) {
  Roots roots;
  roots.cuda = "libassay-nowhere.so";
  const auto p = measure_gpu_peaks(roots, 0, 0.001);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().code, ExitCode::missing);
  roots.cuda = "libc.so.6";
  const auto other = measure_gpu_peaks(roots, 0, 0.001);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("has no cuInit"), std::string::npos);
}

TEST(GpuDriver, ARefusedModuleTellsTheCompilersWords) {
  const FakeLibrary library(FAKE_CUDA, "");
  auto driver = CudaDriver::open(library.path());
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_EQ((*driver)->version(), 13000);
  auto context = CudaContext::open(*driver, 0);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->facts().name, "Fake GPU");
  const auto bad = context->load(".version 7.0\n.target sm_80\n.address_size 64\n.entry x(){{\n");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("braces do not match"), std::string::npos)
      << bad.error().message;
  auto module = context->load(ptx_read().text);
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_TRUE(context->function(*module, "assay_read"));
  EXPECT_FALSE(context->function(*module, "assay_other"));
}

}  // namespace
}  // namespace assay::platform
