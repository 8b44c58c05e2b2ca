// SPDX-License-Identifier: Apache-2.0
#include "layer_names.h"

#include <gtest/gtest.h>

namespace assay::openvino {
namespace {

TEST(LayerNames, GeneratedPartsGetTheRankOfTheirFirstAppearance) {
  Renamer renamer({});
  EXPECT_EQ(renamer.layer("Convert_6055"), "Convert#1");
  EXPECT_EQ(renamer.layer("Convert_6055_abcd_acdb_conv0/WithoutBiases"),
            "Convert#1_abcd_acdb_conv0/WithoutBiases");
  EXPECT_EQ(renamer.layer("Reshape_15_flatten_reshape"), "Reshape#1_flatten_reshape");
  EXPECT_EQ(renamer.layer("Convert_7"), "Convert#2");
  EXPECT_EQ(renamer.layer("a/Convert_7.0"), "a/Convert#2.0");
}

TEST(LayerNames, TheModelsOwnNamesStay) {
  Renamer renamer({"Add_3", "Conv_12"});
  EXPECT_EQ(renamer.layer("Add_3"), "Add_3");
  EXPECT_EQ(renamer.layer("onnx::Conv_12/fused"), "onnx::Conv_12/fused");
  EXPECT_EQ(renamer.layer("Add_31"), "Add#1");
}

TEST(LayerNames, OnlyWholePartsCount) {
  Renamer renamer({});
  for (const char* name : {"conv0", "xConvert_7", "Convert_7a", "Convert_", "convert_7", "", "Y"}) {
    EXPECT_EQ(renamer.layer(name), name);
  }
}

TEST(LayerNames, OriginDropsGeneratedNames) {
  Renamer renamer({"Add_3"});
  EXPECT_EQ(renamer.origin("conv0,Convert_9,Add_3,,relu"), "conv0,Add_3,relu");
  EXPECT_EQ(renamer.origin("Reshape_15"), "");
  EXPECT_EQ(renamer.origin(""), "");
}

}  // namespace
}  // namespace assay::openvino
