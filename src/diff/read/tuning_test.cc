// SPDX-License-Identifier: Apache-2.0
#include "diff/read/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/read/made_files.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

EngineMap read(std::string_view text) {
  auto r = parse_engine(text, "tuning.log");
  EXPECT_TRUE(r) << r.error().message;
  return r ? *r : EngineMap{};
}

TEST(AutoTvm, CandidatesByTaskLowestMeanFirstOfEquals) {
  const EngineMap e = read(made::kAutoTvm);
  EXPECT_EQ(e.compiler, "TVM");
  EXPECT_EQ(e.version, "0.14.0");
  EXPECT_EQ(e.source, "AutoTVM log");
  EXPECT_THAT(e.layers, IsEmpty());
  ASSERT_EQ(e.decisions.size(), 2u);
  const Decision& conv = e.decisions[0];
  EXPECT_EQ(conv.layer, "conv2d_NCHWc.x86 1x1x8x8 16x1x3x3");
  ASSERT_EQ(conv.candidates.size(), 3u);
  EXPECT_THAT(conv.candidates[0].time_ns, ElementsAre(DoubleEq(6000), DoubleEq(2000)));
  EXPECT_FALSE(conv.candidates[0].chosen);
  EXPECT_TRUE(conv.candidates[1].chosen);   // 1.5 us, first
  EXPECT_FALSE(conv.candidates[2].chosen);  // 1.5 us too
  EXPECT_EQ(conv.choice, conv.candidates[1].text);
  EXPECT_EQ(conv.candidates[2].number, 3);  // the comment is a line
}

// As TVM prints a ConfigEntity.
TEST(AutoTvm, TextIsThatOfTheConfiguration) {
  EXPECT_EQ(read(made::kAutoTvm).decisions[0].candidates[1].text,
            "[('tile_ic', [-1, 2]), ('unroll_kw', True)],None,5");
  EXPECT_EQ(python_text(Json::parse(R"([null, 1.5, "a'b", "c\"d'"])")),
            R"([None, 1.5, "a'b", 'c"d\''])");
}

TEST(AutoTvm, FailuresAreKept) {
  const EngineMap e = read(made::kAutoTvm);
  const Decision& dense = e.decisions[1];
  ASSERT_EQ(dense.candidates.size(), 1u);
  EXPECT_FALSE(dense.candidates[0].ok);
  EXPECT_FALSE(dense.candidates[0].chosen);
  EXPECT_EQ(dense.candidates[0].error, "error 4: RUNTIME_DEVICE");
  EXPECT_THAT(dense.candidates[0].time_ns, IsEmpty());
  EXPECT_EQ(dense.choice, "");
  EXPECT_THAT(e.notes, Contains("1 of 4 candidates failed"));
  EXPECT_THAT(e.notes,
              Contains("tasks of which no candidate was measured: dense_pack.x86 1x512 10x512"));
}

TEST(AutoTvm, EqualNamesGetAHash) {
  const auto line = [](const char* stride) {
    return fmt::format(
        R"({{"input": ["llvm", "conv", [["TENSOR", [1], "float32"], {}], {{}}], "config": {{"index": 1,)"
        R"( "entity": []}}, "result": [[1e-6], 0, 1, 1], "version": 0.2}})"
        "\n",
        stride);
  };
  const EngineMap e = read(line("[1, 1]") + line("[2, 2]") + line("[1, 1]"));
  ASSERT_EQ(e.decisions.size(), 2u);
  EXPECT_EQ(e.decisions[0].candidates.size(), 2u);
  EXPECT_THAT(e.decisions[0].layer, testing::MatchesRegex("conv 1 [0-9a-f]+"));
  EXPECT_NE(e.decisions[0].layer, e.decisions[1].layer);
}

TEST(AutoTvm, TooManyTasksAreRefused) {
  std::string log;
  for (size_t i = 0; i <= kMostTasks; ++i)
    log += fmt::format(R"({{"input": ["llvm", "t{}", [], {{}}], "config": {{"entity": []}}, )"
                       R"("result": [[1], 0, 1, 1], "version": 0.2}})"
                       "\n",
                       i);
  const auto r = parse_tvm_log(log, "f");
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().message, HasSubstr("line 16385: another task, expected at most 16384"));
}

TEST(AutoScheduler, StepsAndErrors) {
  const EngineMap e = read(made::kAutoScheduler);
  EXPECT_EQ(e.source, "AutoScheduler log");
  ASSERT_EQ(e.decisions.size(), 1u);
  const Decision& d = e.decisions[0];
  EXPECT_THAT(d.layer, testing::MatchesRegex("1x16 16x16 [0-9a-f]+"));
  ASSERT_EQ(d.candidates.size(), 2u);
  EXPECT_TRUE(d.candidates[0].chosen);
  EXPECT_THAT(d.candidates[0].text, testing::MatchesRegex("steps [0-9a-f]+"));
  EXPECT_NE(d.candidates[0].text, d.candidates[1].text);
  EXPECT_EQ(d.candidates[1].error, "error 7: RUN_TIMEOUT");
}

TEST(MetaSchedule, RecordsOfWorkloads) {
  auto r = parse_metaschedule(made::kRecords, made::kWorkloads, "db");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->source, "MetaSchedule database");
  ASSERT_EQ(r->decisions.size(), 2u);
  EXPECT_EQ(r->decisions[0].layer, "matmul 16x16 16x4");
  ASSERT_EQ(r->decisions[0].candidates.size(), 2u);
  EXPECT_TRUE(r->decisions[0].candidates[1].chosen);
  EXPECT_THAT(r->decisions[0].candidates[1].time_ns, ElementsAre(DoubleEq(500)));
  EXPECT_THAT(r->decisions[0].choice, HasSubstr("[4,4]"));
  EXPECT_EQ(r->decisions[1].layer, "softmax 1x10");  // "root" names nothing
  EXPECT_FALSE(r->decisions[1].candidates[0].ok);    // null
  EXPECT_FALSE(r->decisions[1].candidates[1].ok);    // 1e10 s
  EXPECT_THAT(r->notes, Not(Contains(HasSubstr("no database_workload.json"))));
  r = parse_metaschedule(made::kRecords, std::nullopt, "db");
  ASSERT_TRUE(r);
  EXPECT_THAT(r->notes, Contains(HasSubstr("no database_workload.json")));
}

}  // namespace
}  // namespace assay::diff
