// SPDX-License-Identifier: Apache-2.0
#include "ort_probe.h"

#include <gtest/gtest.h>

namespace assay::ort {
namespace {

OnnxFacts facts_with(const std::string& layer, const std::string& op, const std::string& text) {
  OnnxFacts facts;
  facts.operators[{layer, op}] = text;
  return facts;
}

TEST(ParseProfile, ListsNodeEventsInOrder) {
  std::string_view trace = R"([
    {"cat": "Session", "name": "model_run", "args": {}},
    {"cat": "Node", "name": "c1_kernel_time", "args": {"op_name": "Conv",
     "provider": "CPUExecutionProvider", "output_type_shape": [{"float": [1, 2]}]}},
    {"cat": "Node", "name": "c1_fence_before", "args": {"op_name": "Conv"}},
    {"cat": "Node", "name": "n_kernel_time", "args": {"op_name": "NonZero",
     "provider": "CPUExecutionProvider", "output_type_shape": [],
     "input_type_shape": [{"int64": [3]}]}}])";
  auto kernels = parse_profile(trace, facts_with("c1", "Conv", "x.Conv+Relu"));
  ASSERT_TRUE(kernels) << kernels.error().text;
  ASSERT_EQ(kernels->size(), 2u);
  EXPECT_EQ((*kernels)[0].layer, "c1");
  EXPECT_EQ((*kernels)[0].kernel, "CPU:x.Conv+Relu");
  EXPECT_EQ((*kernels)[0].precision, "fp32");
  EXPECT_EQ((*kernels)[1].kernel, "CPU:NonZero");
  EXPECT_EQ((*kernels)[1].precision, "int64");
}

TEST(ParseProfile, RefusesWhatIsNoTrace) {
  EXPECT_FALSE(parse_profile("", {}));
  EXPECT_FALSE(parse_profile("{}", {}));
  EXPECT_FALSE(parse_profile("[", {}));
  EXPECT_FALSE(parse_profile("[1, null, {\"cat\": \"Node\", \"name\": 3}]", {}));
}

TEST(DtypeBytes, KnowsTheTypesOfTheAbiOnly) {
  EXPECT_EQ(dtype_bytes(ASSAY_F16), 2u);
  EXPECT_EQ(dtype_bytes(ASSAY_I64), 8u);
  EXPECT_EQ(dtype_bytes(ASSAY_BOOL), 1u);
  EXPECT_EQ(dtype_bytes(8), 0u);   // string
  EXPECT_EQ(dtype_bytes(22), 0u);  // int4
}

}  // namespace
}  // namespace assay::ort
