// SPDX-License-Identifier: Apache-2.0
// Evidence as rows: what counts, and whether a stored derivation can be told from a forged one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using store::Value;

class DeriveTest : public testing::Test {
 protected:
  DeriveTest() {
    run("INSERT INTO attempt VALUES('at','boot','machine','t','[]','{}','0')");
    run("INSERT INTO model VALUES('m','m','0',1,'{}')");
    run("INSERT INTO dataset VALUES('d','m','d','0',3,'fixed',3,0,'','[]','[]')");
    run("INSERT INTO recipe VALUES('r','m','d','made fp32','made','fp32',1,'off','build',0,'{}',"
        "'{\"kernels\":\"name\"}')");
    EXPECT_TRUE(run_.set_meta("plan_json", R"({"profile":"quick"})"));
    for (int64_t b = 0; b < 2; ++b) build(b);
  }
  void run(std::string_view sql, const std::vector<Value>& values = {}) {
    auto s = run_.db().run(sql, values);
    ASSERT_TRUE(s) << s.error().message;
  }
  void event(const std::string& job, const std::string& state) {
    run("INSERT INTO job_event(job_id,attempt_id,state,time_utc,monotonic_ns,detail_json) "
        "VALUES(?,'at',?,'t',0,'{}')",
        {job, state});
  }
  void build(int64_t b, const std::string& outcome = "ok") {
    const std::string job = "jb" + std::to_string(b), id = random_id();
    run("INSERT OR IGNORE INTO job VALUES(?,'build','r',?,0,0,?,1)", {job, b, b});
    run("INSERT INTO build "
        "VALUES(?,?,'r',?,'at',?,'',1,1,1,'',8,'e','a','k','1',NULL,NULL,NULL,NULL,"
        "'{}','{}')",
        {id, job, b, outcome});
    run("INSERT INTO kernel VALUES(?,0,'l','k','','','')", {id});
    event(job, outcome == "interrupted" ? "interrupted" : "done");
    if (outcome == "ok") builds_.push_back(id);
  }
  // A launch of build b whose three inputs gave `value`; `state` is its job's newest event.
  std::string launch(int64_t b, int64_t index, float value, const std::string& state = "done") {
    const std::string job = fmt::format("jl{}-{}", b, index), id = random_id();
    run("INSERT OR IGNORE INTO job VALUES(?,'launch','r',?,?,?,?,1)",
        {job, b, index, 2 + index, 2 + index * 2 + b});
    run("INSERT INTO launch "
        "VALUES(?,?,?,?,'at','ok','',1,1,1,1,1,'','k','yes',NULL,NULL,NULL,'{}','{}')",
        {id, job, builds_[static_cast<size_t>(b)], index});
    const OutputBlob o = made_output(run_, {{value, 1, 0}, {value, 1, 0}, {value, 1, 0}});
    run("INSERT INTO output VALUES(?,?,'main','y','float32','[1,3]',3,?)",
        {random_id(), id, o.blob});
    std::string samples(8 * 50, '\0');
    for (int64_t k = 0; k < 50; ++k) samples[static_cast<size_t>(k) * 8] = static_cast<char>(k + 1);
    const std::string blob = run_.put_blob(samples).value();
    run("INSERT INTO series VALUES(?,?,'latency','scripted',50,?,?,0,'{}','{}')",
        {random_id(), id, blob, blob});
    event(job, state);
    return id;
  }
  Derived derived() {
    auto d = derive(run_, Json{{"profile", "quick"}});
    EXPECT_TRUE(d) << (d ? "" : d.error().message);
    return d ? *d : Derived();
  }
  std::string outputs_word() {
    for (const VerdictRow& v : derived().verdicts)
      if (v.subject == "outputs" && v.scope == "builds") return v.verdict;
    return "";
  }
  std::vector<std::string> problems() {
    auto p = verify(run_);
    EXPECT_TRUE(p) << (p ? "" : p.error().message);
    return p ? *p : std::vector<std::string>{"error"};
  }

  TempDir dir_ =
      std::move(TempDir::create(fs::temp_directory_path(), "assay-derive-test-").value());
  store::RunFolder run_ = store::RunFolder::open_for_writing(dir_.path() / "run").value();
  std::vector<std::string> builds_;
};

TEST_F(DeriveTest, SupersededAndInterruptedLaunchesDoNotCount) {
  launch(0, 0, 5);
  launch(1, 0, 5);
  EXPECT_EQ(outputs_word(), "SAME");
  for (const char* state : {"superseded", "interrupted", "started"}) {
    event("jl1-0", state);
    EXPECT_EQ(outputs_word(), "INCONCLUSIVE") << state;
  }
  launch(1, 0, 5);  // run again: the newest row of the job counts, and only it
  EXPECT_EQ(outputs_word(), "SAME");
  auto evidence = load_evidence(run_).value();
  EXPECT_EQ(evidence.recipes[0].builds[1].launches.size(), 1u);
  EXPECT_EQ(run_.db().first("SELECT count(*) FROM launch").value()->integer(0), 3);  // all kept
}

TEST_F(DeriveTest, TheOutputsOfASupersededLaunchAreNotThoseOfItsRepetition) {
  launch(0, 0, 5);
  launch(1, 0, 7, "superseded");
  launch(1, 0, 5);
  EXPECT_EQ(outputs_word(), "SAME");
  launch(1, 1, 9);
  for (const VerdictRow& v : derived().verdicts) {
    if (v.scope == "launches" && v.subject == "outputs") {
      EXPECT_EQ(v.verdict, "DIFFERENT");
    }
  }
}

TEST_F(DeriveTest, InterruptedBuildsDoNotHideTheirRepetition) {
  build(2, "interrupted");
  EXPECT_EQ(load_evidence(run_).value().recipes[0].builds.size(), 2u);
  build(2);
  EXPECT_EQ(load_evidence(run_).value().recipes[0].builds.size(), 3u);
}

TEST_F(DeriveTest, StoredAndVerified) {
  EXPECT_EQ(problems().size(), 1u);  // nothing derived yet
  launch(0, 0, 5);
  launch(1, 0, 6);
  ASSERT_TRUE(store_derived(run_, "at", derived()));
  EXPECT_THAT(problems(), testing::IsEmpty());
  EXPECT_EQ(result_sha256(derived()), result_sha256(derived()));
}

TEST_F(DeriveTest, ForgedRowsAreFound) {
  launch(0, 0, 5);
  launch(1, 0, 6);
  ASSERT_TRUE(store_derived(run_, "at", derived()));
  for (const char* forgery :
       {"UPDATE verdict SET verdict='SAME' WHERE subject='outputs'",
        "UPDATE verdict SET statement='all is well' WHERE subject='latency'",
        "UPDATE verdict SET statistic_json='{}' WHERE subject='kernels'",
        "UPDATE comparison SET bitwise_different=0",
        "DELETE FROM verdict WHERE subject='outputs' AND scope='builds'", "DELETE FROM comparison",
        "INSERT INTO finding SELECT 'f', derivation_id, 'note', 'made-up', 'r', NULL, NULL, 't', "
        "'' "
        "FROM derivation",
        "UPDATE output SET n=2", "UPDATE derivation SET result_sha256='0'"}) {
    ASSERT_TRUE(run_.db().script("SAVEPOINT s"));
    run(forgery);
    EXPECT_FALSE(problems().empty()) << forgery;
    ASSERT_TRUE(run_.db().script("ROLLBACK TO s; RELEASE s"));
    EXPECT_THAT(problems(), testing::IsEmpty());
  }
}

TEST_F(DeriveTest, DamagedAndAbsentBlobsAreFound) {
  launch(0, 0, 5);
  launch(1, 0, 6);
  ASSERT_TRUE(store_derived(run_, "at", derived()));
  const std::string blob = run_.db().first("SELECT blob FROM output").value()->text(0);
  const std::string good = run_.read_blob(blob).value();
  std::ofstream(run_.blob_path(blob), std::ios::binary) << "short";
  EXPECT_THAT(problems(), testing::ElementsAre(testing::HasSubstr(blob)));
  fs::remove(run_.blob_path(blob));
  EXPECT_THAT(problems(), testing::ElementsAre(testing::HasSubstr(blob)));
  std::ofstream(run_.blob_path(blob), std::ios::binary) << good;
  EXPECT_THAT(problems(), testing::IsEmpty());
}

// Evidence that lies about sizes is an error, not a read past the end.
TEST_F(DeriveTest, RowsThatDoNotFitTheirBlobsAreErrors) {
  launch(0, 0, 5);
  launch(1, 0, 6);
  for (const char* forgery :
       {"UPDATE output SET n=1000000", "UPDATE output SET shape_json='[1,4000000000,4000000000]'",
        "UPDATE output SET shape_json='[-1,3]'", "UPDATE output SET dtype='float64'",
        "UPDATE output SET dtype='no'", "UPDATE output SET shape_json='['",
        "UPDATE output SET blob='../../../etc/passwd'"}) {
    ASSERT_TRUE(run_.db().script("SAVEPOINT s"));
    run(forgery);
    EXPECT_FALSE(derive(run_, Json::object())) << forgery;
    ASSERT_TRUE(run_.db().script("ROLLBACK TO s; RELEASE s"));
  }
}

}  // namespace
}  // namespace assay::audit
