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

// Two runs of the kernels a and b as ONNX Runtime writes them: the run's own event comes last.
std::string two_runs(const char* second_kernel, const char* dur = "7") {
  const auto kernel = [](const std::string& name, const std::string& us) {
    return R"({"cat": "Node", "name": ")" + name + R"(_kernel_time", "dur": )" + us +
           R"(, "args": {"op_name": "Add", "provider": "CPUExecutionProvider"}},)";
  };
  const std::string run = R"({"cat": "Session", "name": "model_run", "dur": 20, "args": {}})";
  return R"([{"cat": "Session", "name": "session_initialization", "dur": 900, "args": {}},)" +
         kernel("a", "3") + kernel("b", "5") + run + "," + kernel("a", "4") +
         kernel(second_kernel, dur) + run + "]";
}

TEST(ParseRunTimes, SplitsTheTraceIntoRuns) {
  const std::vector<Kernel> kernels = {{"a", "CPU:Add", ""}, {"b", "CPU:Add", ""}};
  auto runs = parse_run_times(two_runs("b"), kernels, {});
  ASSERT_TRUE(runs) << runs.error().text;
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[0].kernel_us, (std::vector<int64_t>{3, 5}));
  EXPECT_EQ((*runs)[1].kernel_us, (std::vector<int64_t>{4, 7}));
  EXPECT_EQ((*runs)[1].whole_us, 20);
}

TEST(ParseRunTimes, RefusesRunsOfOtherKernels) {
  const std::vector<Kernel> kernels = {{"a", "CPU:Add", ""}, {"b", "CPU:Add", ""}};
  EXPECT_EQ(parse_run_times(two_runs("c"), kernels, {}).error().status, ASSAY_UNSUPPORTED);
  EXPECT_FALSE(parse_run_times(two_runs("b", "-1"), kernels, {}));
  EXPECT_FALSE(parse_run_times(two_runs("b", "\"7\""), kernels, {}));
  EXPECT_FALSE(parse_run_times(two_runs("b"), {kernels[0]}, {}));
  EXPECT_FALSE(parse_run_times("{", kernels, {}));
  std::vector<Kernel> more = kernels;
  more.push_back({"d", "CPU:Add", ""});
  EXPECT_FALSE(parse_run_times(two_runs("b"), more, {}));
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
