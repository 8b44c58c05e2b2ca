// SPDX-License-Identifier: Apache-2.0
// Engine folders come from compilers that may lie: each lie is refused, with its name.
#include "audit/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace assay::audit {
namespace {

using testing::HasSubstr;

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    fs::create_directories(folder());
    write("engine.bin", "artifact");
    write(
        "kernels.json",
        R"({"format":1,"kernels":[{"ordinal":1,"layer":"b","kernel":"k2"},{"ordinal":0,"layer":"a","kernel":"k1","source_sha256":"s"}]})");
    manifest_ = {
        {"format", 1},
        {"compiler", "made"},
        {"version", "2"},
        {"inputs", Json::array({{{"name", "x"}, {"dtype", "float32"}, {"shape", {1, 4}}}})},
        {"outputs", Json::array({{{"name", "y"}, {"dtype", "float32"}, {"shape", {1, 5}}}})},
        {"files",
         Json::array({entry("engine.bin", "artifact"), entry("kernels.json", "kernel_map")})}};
  }
  fs::path folder() const { return dir_.path() / "engine"; }
  void write(const std::string& name, std::string_view text) {
    fs::create_directories((folder() / name).parent_path());
    std::ofstream(folder() / name, std::ios::binary | std::ios::trunc) << text;
  }
  Json entry(const std::string& name, const char* role) {
    return {{"path", name},
            {"role", role},
            {"bytes", static_cast<int64_t>(fs::file_size(folder() / name))},
            {"sha256", sha256_file(folder() / name).value()}};
  }
  Result<Engine> open() {
    write("manifest.json", dump_json(manifest_));
    return open_engine(folder(), inputs_);
  }
  std::string error() {
    auto e = open();
    EXPECT_FALSE(e);
    if (e) return "";
    EXPECT_EQ(e.error().message.find('\n'), std::string::npos);
    return e.error().message;
  }

  TempDir dir_ =
      std::move(TempDir::create(fs::temp_directory_path(), "assay-engine-test-").value());
  Json manifest_;
  std::vector<TensorSpec> inputs_ = {{"x", DType::f32, {1, 4}}};
};

TEST_F(EngineTest, GoodFolderOpens) {
  auto e = open();
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->bytes, 8);
  EXPECT_EQ(e->version, "2");
  ASSERT_EQ(e->kernels.size(), 2u);
  EXPECT_EQ(e->kernels[0].kernel, "k1");  // by ordinal
  EXPECT_EQ(e->artifact_sha256.size(), 64u);
  EXPECT_NE(e->artifact_sha256, e->engine_sha256);
  // A file beside the artifact changes the engine, not the artifact.
  write("tuning.log", "log");
  manifest_["files"].push_back(entry("tuning.log", "tuning_log"));
  auto more = open().value();
  EXPECT_EQ(more.artifact_sha256, e->artifact_sha256);
  EXPECT_NE(more.engine_sha256, e->engine_sha256);
}

TEST_F(EngineTest, UnlistedFile) {
  write("extra.bin", "x");
  EXPECT_THAT(error(), HasSubstr("extra.bin, which its manifest does not list"));
}

TEST_F(EngineTest, UnlistedFileDeepDown) {
  write("a/b/c/d/hidden", "x");
  EXPECT_THAT(error(), HasSubstr("hidden"));
  write("a/b/c/d/e/hidden", "x");
  EXPECT_FALSE(open());
}

TEST_F(EngineTest, LinksAndOtherThings) {
  fs::create_symlink("/etc/hostname", folder() / "link");
  EXPECT_THAT(error(), HasSubstr("link"));
  manifest_["files"].push_back(
      {{"path", "link"}, {"role", "artifact"}, {"bytes", 1}, {"sha256", std::string(64, '0')}});
  EXPECT_FALSE(open());
  fs::remove(folder() / "link");
  fs::create_symlink("engine.bin", folder() / "link");  // inside, with the right hash
  manifest_["files"].back() = entry("link", "artifact");
  EXPECT_FALSE(open());
  fs::remove(folder() / "link");
  manifest_["files"].erase(manifest_["files"].size() - 1);
  fs::create_directory_symlink("/etc", folder() / "dir");
  EXPECT_THAT(error(), HasSubstr("dir"));
  fs::remove(folder() / "dir");
  ASSERT_EQ(mkfifo((folder() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error(), HasSubstr("pipe"));
}

TEST_F(EngineTest, ManifestThatIsALinkOrAPipe) {
  ASSERT_TRUE(open());
  fs::rename(folder() / "manifest.json", dir_.path() / "elsewhere.json");
  fs::create_symlink(dir_.path() / "elsewhere.json", folder() / "manifest.json");
  EXPECT_FALSE(open_engine(folder(), inputs_));
  fs::remove(folder() / "manifest.json");
  ASSERT_EQ(mkfifo((folder() / "manifest.json").c_str(), 0600), 0);
  EXPECT_FALSE(open_engine(folder(), inputs_));
  fs::remove(folder() / "manifest.json");
  EXPECT_THAT(open_engine(folder(), inputs_).error().message, HasSubstr("no manifest.json"));
}

TEST_F(EngineTest, WrongHashAndWrongSize) {
  manifest_["files"][0]["sha256"] = std::string(64, '0');
  EXPECT_THAT(error(), HasSubstr("does not have the hash"));
  manifest_["files"][0]["bytes"] = 9;
  EXPECT_THAT(error(), HasSubstr("8 bytes, the manifest says 9"));
}

TEST_F(EngineTest, PathsThatLeaveTheFolder) {
  std::ofstream(dir_.path() / "outside") << "artifact";
  for (const std::string& path : std::vector<std::string>{
           "../outside", "a/../../outside", "", ".", std::string("engine.bin\0x", 12),
           (dir_.path() / "outside").string(), std::string("/etc/hostname")}) {
    manifest_["files"][0]["path"] = path;
    EXPECT_FALSE(open()) << path;
  }
}

TEST_F(EngineTest, ListedTwiceOrUnderTwoNames) {
  manifest_["files"].push_back(manifest_["files"][0]);
  EXPECT_THAT(error(), HasSubstr("twice"));
  manifest_["files"].back()["path"] = "./engine.bin";
  EXPECT_THAT(error(), HasSubstr("twice"));
}

TEST_F(EngineTest, NoArtifactOrNoKernelMap) {
  manifest_["files"][0]["role"] = "log";
  EXPECT_THAT(error(), HasSubstr("no artifact"));
  manifest_["files"][0]["role"] = "artifact";
  manifest_["files"].erase(1);
  fs::remove(folder() / "kernels.json");
  EXPECT_THAT(error(), HasSubstr("kernels.json"));
}

TEST_F(EngineTest, InputsMustBeTheModels) {
  manifest_["inputs"][0]["shape"] = {1, 5};
  EXPECT_THAT(error(), HasSubstr("engine input \"x\" is float32 1x5, the model's is float32 1x4"));
  manifest_["inputs"][0]["name"] = "z";
  EXPECT_THAT(error(), HasSubstr("no input \"x\""));
  manifest_["inputs"] = Json::array();
  EXPECT_THAT(error(), HasSubstr("lists no inputs"));
}

TEST_F(EngineTest, HugeAndNegativeNumbers) {
  for (const Json& extent : {Json(int64_t{1} << 62), Json(-1), Json(1e300), Json("4"),
                             Json(uint64_t{1} << 63), Json(nullptr)}) {
    manifest_["outputs"][0]["shape"] = Json::array({1, extent});
    EXPECT_FALSE(open()) << dump_json(extent);
  }
  manifest_["outputs"][0]["shape"] = Json::array({1 << 20, 1 << 20, 1 << 20});
  EXPECT_FALSE(open());
  manifest_["outputs"][0]["shape"] = Json(std::vector<int>(9, 1));
  EXPECT_THAT(error(), HasSubstr("rank 9"));
  manifest_["outputs"][0]["shape"] = {1, 5};
  for (const Json& bytes :
       {Json(INT64_MAX), Json(-8), Json(8.0), Json("8"), Json(uint64_t{8} << 60)}) {
    manifest_["files"][0]["bytes"] = bytes;
    EXPECT_FALSE(open()) << dump_json(bytes);
  }
}

TEST_F(EngineTest, TextsThatAreNoManifest) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"),
                                  std::string("null"), std::string("{\"format\": 2}"),
                                  std::string(200'000, '['), "{\"a\":" + std::string(100, '[')}) {
    write("manifest.json", text);
    auto e = open_engine(folder(), inputs_);
    ASSERT_FALSE(e) << text.substr(0, 40);
    EXPECT_FALSE(e.error().message.empty());
  }
}

TEST_F(EngineTest, KernelMapThatNests) {
  write("kernels.json", std::string(100'000, '['));
  manifest_["files"][1] = entry("kernels.json", "kernel_map");
  EXPECT_FALSE(open());
}

TEST(Kernels, MapsCompareByLayerKernelAndToldSource) {
  const std::vector<Kernel> a = {{0, "l", "k", "s1", "fp32", ""}};
  std::vector<Kernel> b = a;
  EXPECT_TRUE(same_kernels(a, b));
  b[0].source_sha256 = "";  // not told here: no contradiction
  EXPECT_TRUE(same_kernels(a, b));
  EXPECT_NE(kernel_map_sha256(a), kernel_map_sha256(b));
  b[0].source_sha256 = "s2";
  EXPECT_FALSE(same_kernels(a, b));
  b = a;
  b[0].kernel = "k2";
  EXPECT_FALSE(same_kernels(a, b));
  EXPECT_FALSE(same_kernels(a, {}));
  b = a;
  b.push_back(b[0]);
  EXPECT_FALSE(same_kernels(a, b));
}

}  // namespace
}  // namespace assay::audit
