// SPDX-License-Identifier: Apache-2.0
// OpenVINO's execution graphs and ONNX Runtime's profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/read/made_files.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

EngineMap read(std::string_view text) {
  auto r = parse_engine(text, "x");
  EXPECT_TRUE(r) << r.error().message;
  return r ? *r : EngineMap{};
}

TEST(OpenVinoGraph, ExecutedLayersInOrder) {
  const EngineMap e = read(made::kOpenVino);
  EXPECT_EQ(e.compiler, "OpenVINO");
  ASSERT_EQ(e.layers.size(), 2u);  // no constants, inputs and outputs
  EXPECT_EQ(e.layers[0].name, "input_f32_abcd_bf16_acdb_conv1/WithoutBiases");
  EXPECT_EQ(e.layers[0].kernel, "Reorder:jit_uni_f32");  // facts in <rt_info>
  EXPECT_THAT(e.layers[0].time_ns, ElementsAre(8000));
  const Layer& conv = e.layers[1];
  EXPECT_EQ(conv.type, "Convolution");
  EXPECT_EQ(conv.kernel, "Convolution:brgconv_avx512_amx_bf16");
  EXPECT_EQ(conv.precision, "bf16");
  EXPECT_THAT(conv.origin, ElementsAre("conv1", "conv1/WithoutBiases", "relu1"));
  EXPECT_THAT(conv.time_ns, ElementsAre(195000));
}

TEST(OpenVinoGraph, InputsHaveTheLayoutOfWhatFeedsThem) {
  const EngineMap e = read(made::kOpenVino);
  const Layer& conv = e.layers[1];
  ASSERT_EQ(conv.inputs.size(), 2u);
  EXPECT_EQ(conv.inputs[0].name, "input_f32_abcd_bf16_acdb_conv1/WithoutBiases");
  EXPECT_EQ(conv.inputs[0].format, "acdb");
  EXPECT_EQ(conv.inputs[0].dtype, "bfloat16");
  EXPECT_EQ(conv.inputs[1].name, "conv1.weight");
  EXPECT_EQ(conv.inputs[1].format, "abcd");
  EXPECT_THAT(conv.inputs[1].shape, ElementsAre(16, 1, 3, 3));
  EXPECT_EQ(conv.outputs[0].format, "acdb");
}

TEST(OpenVinoGraph, NotMeasuredIsSaid) {
  const EngineMap e = read(
      R"(<net><layers><layer id="0" name="a" type="Add"><data execOrder="0" execTimeMcs="not_executed"/></layer></layers></net>)");
  EXPECT_THAT(e.layers[0].time_ns, IsEmpty());
  EXPECT_THAT(e.notes, ElementsAre(HasSubstr("no layer has a time")));
}

// Neither bombs nor files: entities of the document's own are left as they are written.
TEST(OpenVinoGraph, NoEntitiesAreExpanded) {
  std::string text =
      "<!DOCTYPE net [<!ENTITY a \"xxxxxxxxxx\"><!ENTITY b \"&a;&a;&a;\">"
      "<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
  text +=
      R"(<net><layers><layer id="0" name="&b;&f;" type="A"><data execOrder="0"/></layer></layers></net>)";
  const EngineMap e = read(text);
  ASSERT_EQ(e.layers.size(), 1u);
  EXPECT_EQ(e.layers[0].name, "&b;&f;");
}

// Elements within elements cost no stack.
TEST(OpenVinoGraph, DeepNestingIsHarmless) {
  std::string text = "<net><layers>";
  for (int i = 0; i < 200'000; ++i) text += "<a>";
  EXPECT_FALSE(parse_openvino_graph(text, "x"));
  for (int i = 0; i < 200'000; ++i) text += "</a>";
  const auto r = parse_openvino_graph(text + "</layers></net>", "x");
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().message, HasSubstr("no <layer>"));
}

TEST(OrtProfile, OneTimeARun) {
  const EngineMap e = read(made::kOrtProfile);
  EXPECT_EQ(e.compiler, "ONNX Runtime");
  ASSERT_EQ(e.layers.size(), 2u);  // fences are no runs
  EXPECT_EQ(e.layers[0].name, "relu1_nchwc");
  EXPECT_EQ(e.layers[0].type, "Conv");
  EXPECT_EQ(e.layers[0].kernel, "CPU:Conv");
  EXPECT_EQ(e.layers[0].precision, "fp32");
  EXPECT_THAT(e.layers[0].inputs[1].shape, ElementsAre(16, 1, 3, 3));
  EXPECT_THAT(e.layers[0].time_ns, ElementsAre(74000, 6000));
  EXPECT_THAT(e.layers[1].time_ns, ElementsAre(5000, 4000));
  EXPECT_EQ(e.layers[1].precision, "fp16");  // it has no outputs with a type
  EXPECT_THAT(e.notes, Contains(HasSubstr("times of 2 runs")));
}

}  // namespace
}  // namespace assay::diff
