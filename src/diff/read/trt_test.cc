// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/read/made_files.h"
#include "diff/read/read.h"
#include "diff/read/trt_names.h"
#include "diff/read/types.h"

namespace assay::diff {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

EngineMap read(std::string_view text) {
  auto r = parse_engine(text, "runs/a.json");
  EXPECT_TRUE(r) << r.error().message;
  return r ? *r : EngineMap{};
}

TEST(TrtLayers, DetailedLayersOf8And10) {
  const EngineMap e = read(made::kTrtLayers);
  EXPECT_EQ(e.label, "a");
  EXPECT_EQ(e.compiler, "TensorRT");
  EXPECT_EQ(e.source, "TensorRT inspector JSON");
  ASSERT_EQ(e.layers.size(), 3u);
  const Layer& reformat = e.layers[0];
  EXPECT_EQ(reformat.type, "Reformat");
  EXPECT_EQ(reformat.kernel, "0x00000000000003ea");
  EXPECT_EQ(reformat.precision, "fp32");
  EXPECT_EQ(reformat.outputs[0].dtype, "float16");
  EXPECT_EQ(reformat.outputs[0].format, "Channel major FP16 format where channel % 8 == 0");
  EXPECT_THAT(reformat.origin, IsEmpty());
  EXPECT_EQ(reformat.weight_bytes, -1);
  const Layer& conv = e.layers[1];
  EXPECT_EQ(conv.name, "conv1 + relu1");
  EXPECT_EQ(conv.kernel, "sm80_xmma_fprop_implicit_gemm_f16 0x11bde0e1d9f2f35d");
  EXPECT_EQ(conv.precision, "fp16");  // of the weights
  EXPECT_THAT(conv.origin, ElementsAre("conv[1]", "relu1"));
  EXPECT_EQ(conv.weight_bytes, 432 * 2 + 16 * 4);
  EXPECT_THAT(conv.inputs[0].shape, ElementsAre(1, 3, 8, 8));
  EXPECT_EQ(conv.outputs[0].dtype, "int8");
  EXPECT_EQ(conv.outputs[0].format, "Thirty-two wide channel vectorized row major Int8 format");
  EXPECT_THAT(conv.time_ns, IsEmpty());
}

TEST(TrtLayers, MyelinCountersAreTakenOff) {
  const EngineMap e = read(made::kTrtLayers);
  const Layer& l = e.layers[2];
  EXPECT_EQ(l.name, "__myl_MulAdd");
  EXPECT_EQ(l.kernel, "__myl_MulAdd_0x1a2b");
  EXPECT_EQ(l.outputs[0].name, "__mye91");
  EXPECT_THAT(l.inputs[0].shape, ElementsAre(-1, 16, 8, 8));
  EXPECT_EQ(l.inputs[0].dtype, "");
  EXPECT_EQ(l.precision, "fp32");  // of the output: the input does not tell its type

  EXPECT_EQ(without_myelin_counter("gemm_myl12"), "gemm");
  EXPECT_EQ(without_myelin_counter("gemm_myl12_345"), "gemm");
  EXPECT_EQ(without_myelin_counter("a_myl0_1_b"), "a_myl0_1_b");
  EXPECT_EQ(without_myelin_counter("a_myl"), "a_myl");
  EXPECT_EQ(without_myelin_counter("a_myl0_"), "a_myl0_");
  EXPECT_EQ(without_myelin_counter("_myl0"), "_myl0");  // never empty
  EXPECT_EQ(without_myelin_counter(""), "");
}

TEST(TrtLayers, Version11) {
  const EngineMap e = read(made::kTrtLayers11);
  EXPECT_EQ(e.source, "TensorRT inspector JSON, 11.x");
  ASSERT_EQ(e.layers.size(), 1u);
  EXPECT_EQ(e.layers[0].name, "gemm");
  EXPECT_EQ(e.layers[0].kernel, "sm90_xmma_gemm_f16");
  EXPECT_EQ(e.layers[0].inputs[0].format, "LINEAR");
  EXPECT_EQ(e.layers[0].inputs[0].dtype, "float16");
  EXPECT_EQ(e.layers[0].outputs[0].dtype, "bfloat16");
  EXPECT_EQ(e.layers[0].precision, "fp16");
  EXPECT_THAT(e.layers[0].origin, ElementsAre("fc"));
  EXPECT_THAT(e.notes, IsEmpty());
}

TEST(TrtLayers, NamesOnlyAreSaid) {
  const EngineMap e = read(made::kTrtNames);
  ASSERT_EQ(e.layers.size(), 2u);
  EXPECT_EQ(e.layers[1].name, "fc");
  EXPECT_EQ(e.layers[1].kernel, "");
  EXPECT_THAT(e.notes, ElementsAre(HasSubstr("2 of 2 layers are names only")));
}

TEST(TrtLayers, WhatIsNotInALayersListIsPassedOver) {
  const EngineMap e = read(R"({"Bindings": [{"Name": 1}, [7]], "Other": [[1]], "Layers": ["a"]})");
  ASSERT_EQ(e.layers.size(), 1u);
  EXPECT_EQ(e.layers[0].name, "a");
}

TEST(TrtProfile, MediansAndShares) {
  const EngineMap e = read(made::kTrtProfile);
  EXPECT_EQ(e.source, "TensorRT profile");
  ASSERT_EQ(e.layers.size(), 3u);
  EXPECT_THAT(e.layers[0].time_ns, ElementsAre(DoubleEq(11500)));
  EXPECT_DOUBLE_EQ(*e.layers[0].share, 0.755);
  EXPECT_THAT(e.notes, Contains("times are medians over 100 runs"));
  const EngineMap old = read(R"([{"count": 5}, {"name": "a", "timeMs": 1, "averageMs": 0.25}])");
  EXPECT_THAT(old.layers[0].time_ns, ElementsAre(DoubleEq(250000)));
  EXPECT_FALSE(old.layers[0].share);
  EXPECT_THAT(old.notes, Contains("times are means or medians over 5 runs"));
}

TEST(TrtProfile, JoinsTheLayersByName) {
  EngineMap e = read(made::kTrtLayers);
  add_profile(e, read(made::kTrtProfile));
  EXPECT_THAT(e.layers[0].time_ns, IsEmpty());
  EXPECT_THAT(e.layers[1].time_ns, ElementsAre(DoubleEq(11500)));
  EXPECT_THAT(e.layers[2].time_ns, ElementsAre(DoubleEq(4000)));  // both without their counter
  EXPECT_DOUBLE_EQ(*e.layers[2].share, 0.245);
  EXPECT_THAT(e.notes, Contains("times of layers that the engine does not list: elsewhere"));
  EXPECT_THAT(e.notes, Contains(HasSubstr("layers without a time in a: Reformatting CopyNode")));
  // A second report is a second time.
  add_profile(e, read(made::kTrtProfile));
  EXPECT_EQ(e.layers[1].time_ns.size(), 2u);
}

TEST(TrtProfile, EqualNamesInOrder) {
  EngineMap e = read(R"({"Layers": ["g_myl0_1", "x", "g_myl0_2", "g_myl0_3"]})");
  add_profile(e,
              read(R"([{"name": "g_myl1_7", "averageMs": 1}, {"name": "g_myl1_8", "averageMs": 2},
                          {"name": "x", "averageMs": 3}])"));
  EXPECT_THAT(e.layers[0].time_ns, ElementsAre(1e6));
  EXPECT_THAT(e.layers[1].time_ns, ElementsAre(3e6));
  EXPECT_THAT(e.layers[2].time_ns, ElementsAre(2e6));
  EXPECT_THAT(e.layers[3].time_ns, IsEmpty());
  EXPECT_THAT(e.notes, Contains(HasSubstr("layers without a time in a: g")));
  EXPECT_THAT(e.notes, Not(Contains(HasSubstr("does not list"))));
}

TEST(Types, AllSpellings) {
  EXPECT_EQ(dtype_word("Half"), "float16");
  EXPECT_EQ(dtype_word("tensor(float)"), "float32");
  EXPECT_EQ(dtype_word("i8"), "int8");
  EXPECT_EQ(dtype_word("Custom"), "custom");
  EXPECT_EQ(precision_word("bfloat16"), "bf16");
  EXPECT_EQ(precision_word("custom"), "custom");
  EXPECT_EQ(dtype_bits("int4"), 4);
  EXPECT_EQ(dtype_bits("custom"), 0);
  EXPECT_EQ(dtype_in_format("Two wide channel vectorized row major FP16 format"), "float16");
  EXPECT_EQ(dtype_in_format("Row major linear BOOL"), "bool");
  EXPECT_EQ(dtype_in_format("N/A due to dynamic shapes"), "");
}

}  // namespace
}  // namespace assay::diff
