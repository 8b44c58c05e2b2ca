// SPDX-License-Identifier: Apache-2.0
// A detector whose boxes go through a second task before their frame is done.
#include "frames/test_run.h"

namespace assay::frames {
namespace {

using stream::Fate;
using stream::Scenario;

class CascadeTest : public FramesTest {
 protected:
  // The null engine's boxes are whatever its projection gives: labels are far off, so every class
  // number is let through, and a threshold below all scores lets all boxes through.
  TaskSpec detector() {
    TaskSpec t = task();
    write_engine(
        t.engine_dir, {{"input", DType::f32, {1, 3, 32, 32}}},
        {{"boxes", DType::f32, {8, 4}}, {"scores", DType::f32, {8}}, {"labels", DType::f32, {8}}});
    t.detector.emplace();
    t.detector->kind = vision::HeadKind::boxes;
    t.detector->classes = 1000;
    t.detector->boxes_output = "boxes";
    t.detector->scores_output = "scores";
    t.detector->labels_output = "labels";
    t.detector->score_threshold = 0;
    t.detector->max_boxes = 5;
    return t;
  }
  FrameRequest cascade(Scenario scenario, int64_t period_ns = 0) {
    FrameRequest r = request(scenario, 2, 20, period_ns);
    r.tasks = {detector(), task()};
    r.tasks[0].next = 1;
    r.tasks[0].max_crops = 2;
    r.workers = 2;
    r.outputs = true;
    r.results_dir = dir();
    return r;
  }
};

TEST_F(CascadeTest, FrameIsDoneWhenItsCropsAre) {
  for (const auto& r :
       {cascade(Scenario::single_stream), cascade(Scenario::constant_stream, 2'000'000)}) {
    const Ran ran = run(r);
    expect_all_accounted(ran, 20);
    int64_t crops = 0;
    for (const auto& records : ran.records)
      for (const auto& record : records) {
        crops += record.crops;
        ASSERT_EQ(record.fate, static_cast<int64_t>(Fate::done));
        EXPECT_LE(record.crops, 2);
        EXPECT_LE(record.objects, 5);
        EXPECT_LE(record.second_pre + record.second_infer + record.second_post,
                  record.done_ns - record.post_ns);
        EXPECT_EQ(record.crops > 0, record.second_infer > 0);
        EXPECT_EQ(record.own_allocations, 0);
      }
    EXPECT_GT(crops, 0);
    std::ifstream lines(dir() / "results.jsonl");
    for (std::string line; std::getline(lines, line);) {
      const auto j = parse_json(line, "results");
      ASSERT_TRUE(j);
      const auto stream = static_cast<size_t>(get_int(*j, "stream"));
      const auto frame = static_cast<size_t>(get_int(*j, "frame"));
      EXPECT_EQ(static_cast<int64_t>(get_array(*j, "boxes").size()),
                ran.records[stream][frame].objects);
      EXPECT_EQ(static_cast<int64_t>(get_array(*j, "crops").size()),
                ran.records[stream][frame].crops);
    }
  }
}

TEST_F(CascadeTest, CrashInTheSecondTaskFailsTheFrame) {
  FrameRequest r = cascade(Scenario::single_stream);
  r.tasks[1] = task("faulty", "mode fail_run\nat_run 25\n");
  r.workers = 1;
  const Ran ran = run(r);
  expect_all_accounted(ran, 20);
  const int64_t failed = ran.count(0, Fate::failed) + ran.count(1, Fate::failed);
  int64_t crops = 0;
  for (const auto& records : ran.records)
    for (const auto& record : records) crops += record.crops;
  EXPECT_EQ(failed, crops >= 20 ? 1 : 0) << crops << " crops in all";
}

}  // namespace
}  // namespace assay::frames
