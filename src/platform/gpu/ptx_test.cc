// SPDX-License-Identifier: Apache-2.0
// That the text of each kernel holds as many instructions as are counted for it.
#include "platform/gpu/ptx.h"

#include <gtest/gtest.h>

#include <string_view>

namespace assay::platform {
namespace {

int count(std::string_view text, std::string_view what) {
  int n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// The part between the label LOOP and the branch back to it.
std::string_view loop_of(const PtxKernel& k) {
  const std::string_view text = k.text;
  const size_t begin = text.find("LOOP:"), end = text.find("bra LOOP");
  return text.substr(begin, end - begin);
}

TEST(Ptx, CountsAreThoseOfTheText) {
  EXPECT_EQ(count(loop_of(ptx_fma_f32()), "fma.rn.f32 ") * 2, ptx_fma_f32().per_iteration);
  EXPECT_EQ(count(loop_of(ptx_fma_f16x2()), "fma.rn.f16x2 ") * 4, ptx_fma_f16x2().per_iteration);
  EXPECT_EQ(count(loop_of(ptx_mma(TensorType::f16)), "mma.sync.aligned.m16n8k16.") * 4096,
            ptx_mma(TensorType::f16).per_iteration);
  EXPECT_EQ(count(loop_of(ptx_mma(TensorType::tf32)), "mma.sync.aligned.m16n8k8.") * 2048,
            ptx_mma(TensorType::tf32).per_iteration);
  EXPECT_EQ(count(loop_of(ptx_mma(TensorType::s8)), "mma.sync.aligned.m16n8k32.") * 8192,
            ptx_mma(TensorType::s8).per_iteration);
  EXPECT_EQ(count(loop_of(ptx_wgmma(TensorType::f16)), ".m64n256k16.") * 524288,
            ptx_wgmma(TensorType::f16).per_iteration);
  EXPECT_EQ(count(loop_of(ptx_wgmma(TensorType::tf32)), ".m64n256k8.") * 262144,
            ptx_wgmma(TensorType::tf32).per_iteration);
  EXPECT_EQ(count(loop_of(ptx_wgmma(TensorType::s8)), ".m64n256k32.") * 1048576,
            ptx_wgmma(TensorType::s8).per_iteration);
}

TEST(Ptx, EveryKernelStoresItsResultAndNamesItsEntry) {
  for (const PtxKernel& k :
       {ptx_fma_f32(), ptx_fma_f16x2(), ptx_mma(TensorType::f16), ptx_mma(TensorType::tf32),
        ptx_mma(TensorType::s8), ptx_wgmma(TensorType::f16), ptx_wgmma(TensorType::tf32),
        ptx_wgmma(TensorType::s8), ptx_read()}) {
    EXPECT_EQ(count(k.text, ".entry " + k.name + "("), 1);
    EXPECT_EQ(count(k.text, "st.volatile.global.u32 [%out], %result;"), 1) << k.name;
    EXPECT_EQ(count(k.text, "{"), count(k.text, "}")) << k.name;
    EXPECT_EQ(k.block_threads % k.unit_threads, 0);
    // The results of one multiprocessor have room for so many threads.
    EXPECT_LE(k.block_threads * k.blocks_per_sm, 2048) << k.name;
  }
}

}  // namespace
}  // namespace assay::platform
