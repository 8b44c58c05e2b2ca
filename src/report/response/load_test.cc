// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/response/made_run.h"
#include "report/response/report.h"
#include "stream/made_logs.h"
#include "stream/result_json.h"

namespace assay::report {
namespace {

using testing::HasSubstr;

constexpr const char* kPlan =
    R"({"name": "crossing", "seed": 7, "equality_margin": 0.1, "replay_fps": [30]})";

struct Made {
  TempDir dir;
  store::RunFolder run;
};
Made make(const std::vector<stream::CellLog>& logs, const std::string& plan = kPlan) {
  TempDir d = TempDir::create(fs::temp_directory_path(), "assay-response-").value();
  auto run = make_response_run(d.path() / "run", logs, plan);
  EXPECT_TRUE(run) << (run ? "" : run.error().message);
  return {std::move(d), std::move(*run)};
}
std::vector<stream::CellLog> small() {
  stream::MadeCell m;
  m.cell.recipe = "alpha fp32";
  m.cell.compiler = "alpha";
  m.cell.streams = 2;
  m.frames = 40;
  m.repetitions = 2;
  return {stream::made_log(m)};
}
// The error of loading after one statement of damage; "" when it loads.
std::string after(const std::string& sql) {
  Made m = make(small());
  const auto done = m.run.db().run(sql);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  const auto logs = load_cell_logs(m.run);
  if (logs) return "";
  EXPECT_EQ(logs.error().code, ExitCode::usage);
  return logs.error().message;
}

TEST(LoadResponse, GivesBackWhatWasWritten) {
  const auto logs = small();
  Made m = make(logs);
  EXPECT_TRUE(is_response_run(m.run));
  const auto back = load_cell_logs(m.run);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(dump_json(stream::to_json((*back)[0].cell)), dump_json(stream::to_json(logs[0].cell)));
  ASSERT_EQ((*back)[0].repetitions.size(), 2u);
  for (size_t r = 0; r < 2; ++r)
    for (size_t s = 0; s < 2; ++s) {
      const auto &a = logs[0].repetitions[r].streams[s], &b = (*back)[0].repetitions[r].streams[s];
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.task, b.task);
      EXPECT_EQ(a.camera, b.camera);
      EXPECT_EQ(a.planned, b.planned);
      EXPECT_EQ(stream::encode_records(a.records), stream::encode_records(b.records));
      EXPECT_EQ(dump_json(machine_json(a.machine)), dump_json(machine_json(b.machine)));
    }
}

TEST(LoadResponse, ResultsAreThoseOfTheLogsAndThePlan) {
  const auto logs = small();
  Made m = make(logs);
  const auto got = load_response(m.run);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->name, "crossing");
  stream::AnalyseOptions o;
  o.equality_margin = .1;
  o.replay_fps = {30};
  o.seed = 7;
  EXPECT_EQ(dump_json(stream::to_json(*got)),
            dump_json(stream::to_json(stream::analyse("crossing", logs, o))));
}

TEST(LoadResponse, TheNewestRowThatWasNotInterruptedCounts) {
  auto logs = small();
  Made m = make(logs);
  stream::Repetition again = logs[0].repetitions[1];
  again.wall_ns = 123;
  ASSERT_TRUE(add_block(m.run, logs[0].cell.id, again));
  again.wall_ns = 456;
  ASSERT_TRUE(add_block(m.run, logs[0].cell.id, again, "interrupted"));
  const auto back = load_cell_logs(m.run);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ((*back)[0].repetitions.size(), 2u);
  EXPECT_EQ((*back)[0].repetitions[1].wall_ns, 123);
  EXPECT_EQ((*back)[0].repetitions[0].wall_ns, logs[0].repetitions[0].wall_ns);
}

TEST(LoadResponse, AChildThatNeverToldLeavesTheMachineUnknown) {
  Made m = make(small());
  ASSERT_TRUE(m.run.db().run("UPDATE frame_log SET machine_json = '{}'"));
  const auto back = load_cell_logs(m.run);
  ASSERT_TRUE(back) << back.error().message;
  const auto& machine = (*back)[0].repetitions[0].streams[0].machine;
  EXPECT_FALSE(machine.throttle_events || machine.pinned || machine.memory_locked);
}

TEST(LoadResponse, HostileRowsAreErrorsThatNameThem) {
  const char* one = "WHERE rowid = 1";
  for (const auto& [sql, expected] : std::vector<std::pair<std::string, std::string>>{
           {"UPDATE frame_log SET n = 39 ", "says 39 records, its blob holds 40"},
           {"UPDATE frame_log SET planned = -1 ", "planned is -1"},
           {"UPDATE frame_log SET planned = 1000000000000 ", "planned is 1000000000000"},
           {"UPDATE frame_log SET deadline_ns = -5 ", "deadline_ns is -5"},
           {"UPDATE frame_log SET camera = 5000000000 ", "camera is 5000000000"},
           {"UPDATE frame_log SET machine_json = '[1]' ", "machine_json is no object"},
           {"UPDATE frame_log SET machine_json = '{' ", "machine_json"},
           {"UPDATE frame_log SET machine_json = '{\"migrations\": -1}' ",
            "migrations is no count"},
           {"UPDATE frame_log SET machine_json = '{\"pinned\": 1}' ", "pinned is neither"},
           {"UPDATE frame_log SET records_blob = 'ab' ", "records cannot be read"},
           {"UPDATE response_block SET repetition = -1 ", "repetition is -1"},
           {"UPDATE response_block SET wall_ns = -1 ", "wall_ns is -1"},
           {"UPDATE response_block SET outcome = 'fine' ", "outcome \"fine\" is no word"},
           {"UPDATE response_cell SET cell_json = '{}' ", "response_cell"},
       }) {
    const std::string got = after(sql + one);
    EXPECT_THAT(got, HasSubstr(expected)) << sql;
    EXPECT_THAT(got, testing::AnyOf(HasSubstr("frame_log "), HasSubstr("response_block "),
                                    HasSubstr("response_cell ")))
        << sql;
  }
  EXPECT_THAT(after("UPDATE frame_log SET process = 0"), HasSubstr("is there twice"));
}

TEST(LoadResponse, BlobsThatAreNoRecordsAreErrors) {
  auto logs = small();
  Made m = make(logs);
  const std::string torn = m.run.put_blob(std::string(191, 'x')).value();
  ASSERT_TRUE(m.run.db().run("UPDATE frame_log SET records_blob = ? WHERE rowid = 2", {torn}));
  EXPECT_THAT(load_cell_logs(m.run).error().message, HasSubstr("191 bytes"));
  auto records = logs[0].repetitions[0].streams[0].records;
  records[5].infer_ns = records[5].pre_ns - 1;
  const std::string back = m.run.put_blob(stream::encode_records(records)).value();
  ASSERT_TRUE(m.run.db().run("UPDATE frame_log SET records_blob = ? WHERE rowid = 2", {back}));
  EXPECT_THAT(load_cell_logs(m.run).error().message, HasSubstr("record 5: infer_ns"));
}

TEST(LoadResponse, PlansThatCannotBeAreErrors) {
  for (const char* plan :
       {"", "[]", R"({"equality_margin": 0})", R"({"replay_fps": [0]})", R"({"seed": -1})"}) {
    Made m = make(small(), plan);
    EXPECT_FALSE(load_response(m.run)) << plan;
  }
}

TEST(LoadResponse, AnotherKindOfRunIsNone) {
  Made m = make(small());
  ASSERT_TRUE(m.run.set_meta("kind", "audit"));
  EXPECT_FALSE(is_response_run(m.run));
  EXPECT_FALSE(load_cell_logs(m.run));
}

}  // namespace
}  // namespace assay::report
