// SPDX-License-Identifier: Apache-2.0
// A detector and true boxes as rows and blobs: read, derived, verified, and found when forged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "audit/made_evidence.h"

namespace assay::audit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class DetectionsEvidence : public testing::Test {
 protected:
  static constexpr int64_t kInputs = 3;

  DetectionsEvidence() {
    truth_ = run_.put_blob("[[[15,15,25,25,0]],[],[[15,15,25,25,0],[45,45,55,55,0]]]").value();
    run("INSERT INTO attempt VALUES('at','boot','machine','t','[]','{}','0')");
    run("INSERT INTO model VALUES('m','m','0',1,?)", {dump_json(info())});
    run("INSERT INTO dataset VALUES('d','m','d','0',3,'fixed',3,0,'','[]','[]')");
    run("INSERT INTO recipe VALUES('r','m','d','made fp32','made','fp32',1,'off','build',0,'{}',"
        "'{\"kernels\":\"name\"}')");
    EXPECT_TRUE(run_.set_meta("plan_json", R"({"profile":"quick"})"));
  }
  Json info() const {
    return {{"detector",
             {{"spec", {{"kind", "yolo-flat"}, {"classes", 1}}},
              {"width", 64},
              {"height", 64},
              {"truth", truth_}}}};
  }
  void run(std::string_view sql, const std::vector<store::Value>& values = {}) {
    auto s = run_.db().run(sql, values);
    ASSERT_TRUE(s) << s.error().message;
  }
  // A build whose weaker box of the last input has this score.
  void build(int64_t b, float weaker) {
    const std::string id = fmt::format("b{}", b), launch = fmt::format("l{}", b);
    for (const auto& [job, kind] :
         {std::pair("jb" + id, "build"), std::pair("jl" + id, "launch")}) {
      run("INSERT INTO job VALUES(?,?,'r',?,0,?,?,1)", {job, std::string(kind), b, b, b});
      run("INSERT INTO job_event(job_id,attempt_id,state,time_utc,monotonic_ns,detail_json) "
          "VALUES(?,'at','done','t',0,'{}')",
          {job});
    }
    run("INSERT INTO build VALUES(?,?,'r',?,'at','ok','',1,1,1,'',8,'e','a','k','1',NULL,NULL,"
        "NULL,NULL,'{}','{}')",
        {id, "jb" + id, b});
    run("INSERT INTO launch VALUES(?,?,?,0,'at','ok','',1,1,1,1,1,'','k','yes',NULL,NULL,NULL,"
        "'{}','{}')",
        {launch, "jl" + id, id});
    Rows rows(kInputs, {20, 20, 10, 10, 1, 0.9f, 50, 50, 10, 10, 1, 0.3f});
    rows.back()[11] = weaker;
    run("INSERT INTO output VALUES(?,?,'main','y','float32','[1,2,6]',3,?)",
        {"o" + id, launch, made_output(run_, rows).blob});
  }
  Derived derived() {
    auto d = derive(run_, Json{{"profile", "quick"}});
    EXPECT_TRUE(d) << (d ? "" : d.error().message);
    return d ? *d : Derived();
  }
  std::vector<std::string> problems() {
    auto p = verify(run_);
    EXPECT_TRUE(p) << (p ? "" : p.error().message);
    return p ? *p : std::vector<std::string>{"error"};
  }

  TempDir dir_ = std::move(TempDir::create(fs::temp_directory_path(), "assay-boxes-test-").value());
  store::RunFolder run_ = store::RunFolder::open_for_writing(dir_.path() / "run").value();
  std::string truth_;
};

TEST_F(DetectionsEvidence, DetectorAndTrueBoxesAreLoaded) {
  const RunEvidence e = load_evidence(run_).value();
  const auto& d = e.data.at("m").detector;
  ASSERT_TRUE(d);
  EXPECT_EQ(d->spec.kind, vision::HeadKind::yolo_flat);
  EXPECT_EQ(d->width, 64);
  ASSERT_EQ(d->truth.size(), 3u);
  EXPECT_TRUE(d->truth[1].empty());
  EXPECT_EQ(d->truth[2][1].x1, 55);
  run("UPDATE model SET info_json='{}'");
  EXPECT_FALSE(load_evidence(run_).value().data.at("m").detector);
}

// The control: equal boxes are SAME, and one box of one input under the threshold is DIFFERENT.
TEST_F(DetectionsEvidence, OneVanishedBoxTurnsTheVerdict) {
  build(0, 0.3f);
  build(1, 0.26f);
  Derived d = derived();
  EXPECT_EQ(find_verdict(d.verdicts, "labels"), nullptr);
  EXPECT_EQ(find_verdict(d.verdicts, "accuracy"), nullptr);
  EXPECT_EQ(find_verdict(d.verdicts, "detections")->verdict, "SAME");
  build(2, 0.24f);
  d = derived();
  const VerdictRow* v = find_verdict(d.verdicts, "detections");
  EXPECT_EQ(v->verdict, "DIFFERENT");
  EXPECT_THAT(v->statement, HasSubstr("1 of 3 inputs"));
  // Sorted by score: three right at recall 1/3, 2/3 and then wrong ones before the third.
  ASSERT_EQ(v->statistic["map"].size(), 3u);
  EXPECT_GT(get_double(v->statistic["map"][0], "map"), get_double(v->statistic["map"][2], "map"));
}

TEST_F(DetectionsEvidence, StoredAndVerified) {
  build(0, 0.3f);
  build(1, 0.24f);
  ASSERT_TRUE(store_derived(run_, "at", derived()));
  EXPECT_THAT(problems(), IsEmpty());
  for (const char* forgery :
       {"UPDATE verdict SET verdict='SAME' WHERE subject='detections'",
        "UPDATE verdict SET statistic_json='{}' WHERE subject='detections'",
        "DELETE FROM verdict WHERE subject='detections'", "UPDATE model SET info_json='{}'",
        "UPDATE model SET info_json=replace(info_json,'\"classes\":1','\"classes\":0')",
        "UPDATE model SET info_json=replace(info_json,'\"width\":64','\"width\":0')",
        "UPDATE output SET n=2", "UPDATE output SET shape_json='[1,12]'"}) {
    ASSERT_TRUE(run_.db().script("SAVEPOINT s"));
    run(forgery);
    EXPECT_FALSE(problems().empty()) << forgery;
    ASSERT_TRUE(run_.db().script("ROLLBACK TO s; RELEASE s"));
    EXPECT_THAT(problems(), IsEmpty()) << forgery;
  }
  // Another threshold makes other boxes of the same outputs.
  Json other = info();
  other["detector"]["spec"]["score_threshold"] = 0.2;
  run("UPDATE model SET info_json=?", {dump_json(other)});
  EXPECT_FALSE(problems().empty());
}

TEST_F(DetectionsEvidence, DamagedOrAbsentTrueBoxesAreFound) {
  build(0, 0.3f);
  build(1, 0.3f);
  ASSERT_TRUE(store_derived(run_, "at", derived()));
  const std::string good = run_.read_blob(truth_).value();
  std::ofstream(run_.blob_path(truth_), std::ios::binary) << "[[],[],[]]";
  EXPECT_THAT(problems(), testing::ElementsAre(HasSubstr(truth_)));
  fs::remove(run_.blob_path(truth_));
  EXPECT_THAT(problems(), testing::ElementsAre(HasSubstr("no results")));
  for (const char* wrong : {"{}", "[[[1,2,3,4]]]", "[[[1,2,3,4,\"5\"]]]", "[[1,2,3,4,5]]", "["}) {
    Json j = info();
    j["detector"]["truth"] = run_.put_blob(wrong).value();
    run("UPDATE model SET info_json=?", {dump_json(j)});
    EXPECT_FALSE(load_evidence(run_)) << wrong;
  }
  std::ofstream(run_.blob_path(truth_), std::ios::binary) << good;
  run("UPDATE model SET info_json=?", {dump_json(info())});
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace assay::audit
