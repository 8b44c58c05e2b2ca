// SPDX-License-Identifier: Apache-2.0
// Folders and files on disk: our own engines, databases, and what names them.
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
using testing::Not;

class Folder : public testing::Test {
 protected:
  Folder() : dir_(*TempDir::create(fs::temp_directory_path(), "assay-diff-read")) {}
  fs::path path(const std::string& name) const { return dir_.path() / name; }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(make_dirs(path(name).parent_path()));
    ASSERT_TRUE(write_file_atomic(path(name), text));
  }
  void lay_out(const made::EngineFiles& e) {
    for (const auto& [name, text] : e.all()) write("engine-0/" + name, text);
  }
  Result<EngineMap> read(const std::string& name, std::string_view format = "auto") {
    return read_engine(path(name), format);
  }
  std::string error(const std::string& name, std::string_view format = "auto") {
    const auto r = read(name, format);
    if (r) return "read";
    EXPECT_EQ(r.error().code, ExitCode::usage);
    EXPECT_FALSE(r.error().fix.empty()) << r.error().message;
    return r.error().message;
  }
  TempDir dir_;
};

TEST_F(Folder, Engine) {
  lay_out(made::engine_files());
  const auto r = read("engine-0/");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->label, "engine-0");
  EXPECT_EQ(r->compiler, "made");
  EXPECT_EQ(r->version, "1.2");
  EXPECT_EQ(r->precision, "fp32");
  EXPECT_EQ(r->artifact_bytes, 100);
  EXPECT_TRUE(r->tells_sources);
  ASSERT_EQ(r->layers.size(), 2u);
  EXPECT_EQ(r->layers[0].name, "conv1");  // by ordinal
  EXPECT_EQ(r->layers[0].source_text, "define void @k() { ret void }\n");
  EXPECT_THAT(r->layers[0].origin, ElementsAre("conv1", "relu1"));
  EXPECT_EQ(r->layers[1].source_text, "");
  ASSERT_EQ(r->decisions.size(), 2u);
  EXPECT_TRUE(r->decisions[0].candidates[1].chosen);
  EXPECT_THAT(r->notes, Contains("tuning.log: 1 of 4 candidates failed"));
}

TEST_F(Folder, ChoicesOfTheManifestOverruleTheLowestMean) {
  made::EngineFiles e = made::engine_files();
  e.manifest["rebuild"]["choices"] =
      Json::array({{{"layer", "0 conv2d_NCHWc.x86 1x1x8x8 16x1x3x3"},
                    {"choice", "[('tile_ic', [-1, 4]), ('unroll_kw', False)],None,7"}},
                   {{"layer", "1 dense_pack.x86 1x512 10x512"}, {"number", 4}},
                   {{"layer", "9 unknown"}, {"choice", "x"}}});
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->decisions.size(), 3u);
  const Decision& conv = r->decisions[0];
  EXPECT_EQ(conv.layer, "0 conv2d_NCHWc.x86 1x1x8x8 16x1x3x3");
  EXPECT_FALSE(conv.candidates[1].chosen);
  EXPECT_TRUE(conv.candidates[2].chosen);
  EXPECT_EQ(conv.choice, conv.candidates[2].text);
  EXPECT_TRUE(r->decisions[1].candidates[0].chosen);
  EXPECT_EQ(r->decisions[2].layer, "9 unknown");
  EXPECT_THAT(r->notes, Contains("choices that no candidate of a tuning log is: 9 unknown"));
}

TEST_F(Folder, ChoicesOfAutoScheduler) {
  made::EngineFiles e = made::engine_files(made::kAutoScheduler);
  const auto tuned = parse_tvm_log(made::kAutoScheduler, "x");
  ASSERT_TRUE(tuned);
  const Decision& d = tuned->decisions[0];
  const std::string hash = d.layer.substr(d.layer.rfind(' ') + 1);
  e.manifest["rebuild"]["choices"] =
      Json::array({{{"layer", "3 vm_mod_fused_nn_dense " + hash},
                    {"choice", "line 2 of tuning.log, " + d.candidates[1].text}}});
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->decisions.size(), 1u);
  EXPECT_EQ(r->decisions[0].layer, "3 vm_mod_fused_nn_dense " + hash);
  EXPECT_TRUE(r->decisions[0].candidates[1].chosen);
  EXPECT_FALSE(r->decisions[0].candidates[0].chosen);
}

TEST_F(Folder, EngineWithADatabase) {
  made::EngineFiles e = made::engine_files();
  e.add("db/database_tuning_record.json", "tuning_log", made::kRecords);
  e.add("db/database_workload.json", "tuning_log", made::kWorkloads);
  e.manifest["rebuild"]["decisions"] =
      Json::array({"db/database_workload.json", "db/database_tuning_record.json"});
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->decisions.size(), 2u);
  EXPECT_EQ(r->decisions[0].layer, "matmul 16x16 16x4");
}

TEST_F(Folder, WhatWasNotTunedHasNoDecisions) {
  made::EngineFiles e = made::engine_files("");
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(r->decisions, IsEmpty());
  // Files of a builder's own kind: only a log that is not read is worth a word.
  e.add("undecided.json", "decisions", "{\"format\": 1}");
  e.add("other.log", "tuning_log", "Fastest Tactic: 0x1\n");
  e.manifest["rebuild"]["decisions"] = Json::array({"undecided.json", "other.log"});
  lay_out(e);
  const auto other = read("engine-0");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_THAT(other->notes, ElementsAre(HasSubstr("other.log is of a kind that is not read")));
}

// A task whose candidates all failed has the compiler's own schedule.
TEST_F(Folder, ChoicesThatAreNoCandidates) {
  made::EngineFiles e = made::engine_files();
  e.manifest["rebuild"]["choices"] =
      Json::array({{{"layer", "0 conv2d_NCHWc.x86 1x1x8x8 16x1x3x3"}, {"choice", "another"}},
                   {{"layer", "1 dense_pack.x86 1x512 10x512"}, {"choice", "default schedule"}}});
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->decisions.size(), 2u);
  EXPECT_EQ(r->decisions[0].choice, "another");
  for (const Candidate& c : r->decisions[0].candidates) EXPECT_FALSE(c.chosen);
  EXPECT_EQ(r->decisions[1].choice, "default schedule");
  EXPECT_THAT(r->notes, Contains("choices that no candidate of a tuning log is: "
                                 "0 conv2d_NCHWc.x86 1x1x8x8 16x1x3x3"));
}

// Two tasks of one name: the log tells them apart by a hash, the builder by their numbers.
TEST_F(Folder, TasksOfOneName) {
  const auto line = [](int stride, int index, double cost) {
    return fmt::format(
        R"({{"input": ["llvm", "conv", [["TENSOR", [1], "float32"], [{}]], {{}}], "config": {{"index": {},)"
        R"( "entity": []}}, "result": [[{}], 0, 1, 1], "version": 0.2}})"
        "\n",
        stride, index, cost);
  };
  made::EngineFiles e =
      made::engine_files(line(1, 1, 1e-6) + line(1, 2, 2e-6) + line(2, 1, 1e-6) + line(2, 3, 3e-6));
  e.manifest["rebuild"]["choices"] =
      Json::array({{{"layer", "0 conv 1"}, {"choice", "[],None,1"}},
                   {{"layer", "1 conv 1"}, {"choice", "[],None,3"}}});
  lay_out(e);
  const auto r = read("engine-0");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_EQ(r->decisions.size(), 2u);
  EXPECT_EQ(r->decisions[0].layer, "0 conv 1");
  EXPECT_TRUE(r->decisions[0].candidates[0].chosen);
  EXPECT_EQ(r->decisions[1].layer, "1 conv 1");
  EXPECT_TRUE(r->decisions[1].candidates[1].chosen);  // though slower than the other
  EXPECT_FALSE(r->decisions[1].candidates[0].chosen);
}

TEST_F(Folder, WhatTheManifestDoesNotStateIsRefused) {
  lay_out(made::engine_files());
  write("engine-0/sources/000.ll", "define void @k() { ret voix }\n");
  EXPECT_THAT(error("engine-0"), HasSubstr("sources/000.ll: another content"));
  lay_out(made::engine_files());
  write("engine-0/tuning.log", "x");
  EXPECT_THAT(error("engine-0"), HasSubstr("tuning.log: another content"));
  lay_out(made::engine_files());
  write("engine-0/kernels.json", "{\"kernels\": []}");
  EXPECT_THAT(error("engine-0"), HasSubstr("kernels.json: another content"));
  made::EngineFiles e = made::engine_files();
  e.manifest["rebuild"]["decisions"] = Json::array({"other.log"});
  lay_out(e);
  EXPECT_THAT(error("engine-0"), HasSubstr("other.log: not in the manifest"));
}

TEST_F(Folder, NoPathLeavesTheFolder) {
  write("secret", "{}");
  for (const std::string bad : {"../secret", "/etc/passwd", "link"}) {
    made::EngineFiles e = made::engine_files();
    e.add(bad, "tuning_log", "{}");
    e.manifest["rebuild"]["decisions"] = Json::array({bad});
    e.files.erase(bad);
    lay_out(e);
    std::error_code ec;
    fs::create_symlink(path("secret"), path("engine-0/link"), ec);
    EXPECT_THAT(error("engine-0"), HasSubstr("leaves its folder")) << bad;
  }
}

TEST_F(Folder, BrokenManifests) {
  made::EngineFiles e = made::engine_files();
  e.manifest["format"] = 2;
  lay_out(e);
  EXPECT_THAT(error("engine-0"), HasSubstr("manifest.json.format: 2, expected 1"));
  write("engine-0/manifest.json", "{");
  EXPECT_THAT(error("engine-0"), HasSubstr("not JSON"));
  write("engine-0/manifest.json", "[]");
  EXPECT_THAT(error("engine-0"), HasSubstr("an array, expected an object"));
  e = made::engine_files();
  e.manifest["files"].push_back(e.manifest["files"][0]);
  lay_out(e);
  EXPECT_THAT(error("engine-0"), HasSubstr("model.so twice"));
  e = made::engine_files();
  e.manifest["files"][0]["bytes"] = -5;
  lay_out(e);
  EXPECT_THAT(error("engine-0"), HasSubstr("expected path, role, bytes"));
  e = made::engine_files();
  e.manifest["rebuild"]["decisions"] = Json::array({7});
  lay_out(e);
  EXPECT_THAT(error("engine-0"), HasSubstr("7, expected names of files"));
}

TEST_F(Folder, Database) {
  write("db/database_tuning_record.json", made::kRecords);
  write("db/database_workload.json", made::kWorkloads);
  for (const char* name : {"db", "db/database_tuning_record.json"}) {
    const auto r = read(name);
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->decisions.size(), 2u);
    EXPECT_THAT(r->notes, Not(Contains(HasSubstr("no database_workload.json"))));
  }
  EXPECT_THAT(error("db/database_workload.json"), HasSubstr("looks like the workloads"));
  write("db/database_workload.json", "[\"1\",\"x\"]\n");
  EXPECT_THAT(error("db"), HasSubstr("line 3: workload 1, expected one of the 1"));
}

TEST_F(Folder, FilesByContentAndByName) {
  write("a.txt", made::kTrtLayers);
  write("b", made::kOpenVino);
  write("c.log", made::kAutoScheduler);
  write("p.json", made::kTrtProfile);
  write("o.json", made::kOrtProfile);
  for (const char* name : {"a.txt", "b", "c.log", "p.json", "o.json"})
    EXPECT_TRUE(read(name)) << name;
  EXPECT_EQ(read("a.txt")->label, "a");
  EXPECT_EQ(read("c.log", "autoscheduler")->decisions.size(), 1u);
  EXPECT_THAT(error("a.txt", "ort-profile"), HasSubstr("no runs of nodes"));
  EXPECT_THAT(error("a.txt", "engine"), HasSubstr("expected the folder"));
  EXPECT_THAT(error("a.txt", "onnx"), HasSubstr("the format 'onnx' is not known"));
  EXPECT_THAT(error("none"), HasSubstr("no such file"));
  fs::create_directory(path("empty"));
  EXPECT_THAT(error("empty"), HasSubstr("neither manifest.json nor"));
  EXPECT_THAT(error("empty", "trt-layers"), HasSubstr("neither manifest.json nor"));
  EXPECT_THAT(error("empty", "metaschedule"), HasSubstr("database_tuning_record.json"));
  EXPECT_THAT(read_engine("/dev/null").error().message, HasSubstr("neither a regular file"));
}

TEST(FormatNames, RoundTrip) {
  for (int f = 0; f <= static_cast<int>(Format::ort_profile); ++f) {
    const auto format = static_cast<Format>(f);
    EXPECT_EQ(parse_format(format_name(format)), format);
    EXPECT_THAT(format_names(), HasSubstr(std::string(format_name(format))));
  }
  EXPECT_FALSE(parse_format("nothing"));
}

}  // namespace
}  // namespace assay::diff
