// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/cupti.h"

#include <gtest/gtest.h>

#include "platform/gpu/cupti_abi.h"
#include "platform/gpu/testing/fake_library.h"

namespace assay::platform {
namespace {

using fake::FakeLibrary;

constexpr const char* kThree =
    "kernel0 second 2000 2500 4 5 6 7 8 9 13\nkernel1 first 1000 1800 1 1 1 256 1 1 7\n"
    "kernel2 third 2400 3000 1 1 1 32 1 1 14\n";

Result<KernelTrace> trace_of(const std::string& answers) {
  const FakeLibrary library(FAKE_CUPTI, answers);
  Roots roots;
  roots.cupti = library.path();
  ASSAY_TRY(KernelTracer tracer, KernelTracer::open(roots));
  ASSAY_CHECK(tracer.start());
  return tracer.stop();
}

TEST(Cupti, KernelsByTheirStart) {
  const auto t = trace_of(kThree);
  ASSERT_TRUE(t) << t.error().message;
  ASSERT_EQ(t->kernels.size(), 3u);
  EXPECT_EQ(t->kernels[0].name, "first");
  const KernelActivity& k = t->kernels[1];
  EXPECT_EQ(k.name, "second");
  EXPECT_EQ(k.start_ns, 2000);
  EXPECT_EQ(k.end_ns, 2500);
  EXPECT_EQ(k.grid, (std::array<int, 3>{4, 5, 6}));
  EXPECT_EQ(k.block, (std::array<int, 3>{7, 8, 9}));
  EXPECT_EQ(k.stream, 13u);
  EXPECT_EQ(t->version, 130000u);
  EXPECT_TRUE(t->complete());
  EXPECT_EQ(t->kernel_ns(), 800 + 500 + 600);
  EXPECT_EQ(t->busy_ns(), 800 + 1000);  // 2400 to 2500 counts once
}

TEST(Cupti, RecordsOfEveryKnownLengthAndManyBuffers) {
  for (const char* bytes : {"144", "160", "168", "176", "200", "208", "216", "224", "232", "248"}) {
    const auto t = trace_of(std::string(kThree) + "buffer_records 1\nrecord_bytes " + bytes + "\n");
    ASSERT_TRUE(t) << bytes;
    EXPECT_EQ(t->kernels.size(), 3u) << bytes;
    EXPECT_EQ(t->kernel_ns(), 1900) << bytes;
  }
}

TEST(Cupti, WhatIsLostOrLiesIsCountedAndTheTraceIsNotComplete) {
  const auto lost = trace_of(std::string(kThree) + "dropped 5\n");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->dropped, 5);
  EXPECT_FALSE(lost->complete());
  const auto lies = trace_of(
      "kernel0 a 2000 1000 1 1 1 1 1 1 0\nkernel1 b 0 10 1 1 1 1 1 1 0\n"
      "kernel2 - 5 9 1 1 1 1 1 1 0\nkernel3 c 5 18446744073709551615 1 1 1 1 1 1 0\n");
  ASSERT_TRUE(lies);
  EXPECT_EQ(lies->refused, 3);
  EXPECT_FALSE(lies->complete());
  ASSERT_EQ(lies->kernels.size(), 1u);
  EXPECT_EQ(lies->kernels[0].name, "unknown");
}

TEST(Cupti, ARecordThatIsCutOffIsRefused) {
  const auto t = trace_of(std::string(kThree) + "record_bytes 16\nbuffer_records 1\n");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->refused, 3);
  EXPECT_TRUE(t->kernels.empty());
}

TEST(Cupti, OnlyVersionsWhoseRecordsAreKnown) {
  for (const char* known : {"10", "18", "28", "130000", "130001", "130500"})
    EXPECT_TRUE(trace_of(std::string("version ") + known)) << known;
  for (const char* other : {"0", "9", "29", "129999", "130600", "140000"}) {
    const auto t = trace_of(std::string("version ") + other);
    ASSERT_FALSE(t) << other;
    EXPECT_EQ(t.error().code, ExitCode::missing);
    EXPECT_NE(t.error().message.find(std::string("version ") + other), std::string::npos);
    EXPECT_NE(t.error().fix.find("nvidia-cuda-cupti"), std::string::npos);
  }
}

TEST(Cupti, RefusalsNameTheFunction) {
  const auto t = trace_of("enable 39\n");
  ASSERT_FALSE(t);
  EXPECT_EQ(t.error().message,
            "CUPTI: cuptiActivityEnable: CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED (status "
            "39)");
  const auto flush = trace_of("flush 999\n");
  ASSERT_FALSE(flush);
  EXPECT_NE(flush.error().message.find("cuptiActivityFlushAll"), std::string::npos);
  Roots roots;
  roots.cupti = "libc.so.6";
  const auto other = KernelTracer::open(roots);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "CUPTI: libc.so.6 has no cuptiGetVersion");
  roots.cupti = "libassay-nowhere.so";
  EXPECT_EQ(KernelTracer::open(roots).error().code, ExitCode::missing);
}

TEST(Cupti, OneTraceAtATimeAndNothingLeftOver) {
  const FakeLibrary library(FAKE_CUPTI, kThree);
  Roots roots;
  roots.cupti = library.path();
  {
    auto first = KernelTracer::open(roots);
    auto second = KernelTracer::open(roots);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(first->stop());  // not started
    ASSERT_TRUE(first->start());
    EXPECT_EQ(second->start().error().code, ExitCode::usage);
    EXPECT_FALSE(KernelTracer::open(roots));
    KernelTracer moved = std::move(*first);
    // The end of `moved` stops it.
  }
  auto again = KernelTracer::open(roots);
  ASSERT_TRUE(again);
  ASSERT_TRUE(again->start());
  const auto t = again->stop();
  ASSERT_TRUE(t);
  EXPECT_EQ(t->kernels.size(), 3u);
}

}  // namespace
}  // namespace assay::platform
