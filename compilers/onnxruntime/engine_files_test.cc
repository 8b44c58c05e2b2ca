// SPDX-License-Identifier: Apache-2.0
#include "engine_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace assay::ort {
namespace {

namespace fs = std::filesystem;

class EngineFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "assay-engine-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("model.onnx", output_fragment("y"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  void write_manifest(const std::string& path, size_t bytes,
                      const std::string& compiler = "reference") {
    write("manifest.json", R"({"format": 1, "precision": "fp32", "compiler": ")" + compiler +
                               R"(", "files": [{"role": "artifact", "path": ")" + path +
                               R"(", "bytes": )" + std::to_string(bytes) + "}]}");
  }
  // "" when the engine opens, else the error's text.
  std::string open() {
    EngineFiles files;
    Status done = open_engine_files(folder_.string(), &files);
    return done ? "" : done.error().text;
  }

  fs::path folder_;
};

TEST_F(EngineFilesTest, OpensAWholeEngine) {
  write_manifest("model.onnx", output_fragment("y").size());
  EXPECT_EQ(open(), "");
}

TEST_F(EngineFilesTest, RefusesPathsThatLeaveTheFolder) {
  for (const char* path :
       {"../model.onnx", "/etc/passwd", "a/../../b", "", "./model.onnx", "a//b"}) {
    write_manifest(path, 5);
    EXPECT_NE(open().find("no plain path"), std::string::npos) << path;
  }
}

TEST_F(EngineFilesTest, RefusesLinksAndFolders) {
  fs::create_symlink(folder_ / "model.onnx", folder_ / "link.onnx");
  write_manifest("link.onnx", output_fragment("y").size());
  EXPECT_NE(open(), "");
  fs::create_directory(folder_ / "folder.onnx");
  write_manifest("folder.onnx", 4096);
  EXPECT_NE(open(), "");
}

TEST_F(EngineFilesTest, RefusesAnotherSizeCompilerOrFormat) {
  write_manifest("model.onnx", 1);
  EXPECT_NE(open().find("manifest says"), std::string::npos);
  write_manifest("model.onnx", output_fragment("y").size(), "openvino");
  EXPECT_NE(open().find("openvino"), std::string::npos);
  write("manifest.json", R"({"format": 2})");
  EXPECT_NE(open().find("format"), std::string::npos);
  for (const char* text : {"", "[]", "{", R"({"format": 1, "compiler": "reference"})"}) {
    write("manifest.json", text);
    EXPECT_NE(open(), "") << text;
  }
}

TEST_F(EngineFilesTest, RefusesExternalData) {
  std::string model("\x3a\x06\x2a\x04\x6a\x00\x70\x01", 8);  // graph { initializer { external } }
  write("model.onnx", model);
  write_manifest("model.onnx", model.size());
  EXPECT_NE(open().find("another file"), std::string::npos) << open();
}

}  // namespace
}  // namespace assay::ort
