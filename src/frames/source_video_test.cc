// SPDX-License-Identifier: Apache-2.0
// A video file as the camera of a run.
#include "frames/test_run.h"
#include "frames/video_test_encode.h"

namespace assay::frames {
namespace {

using stream::Fate;

class SourceVideoTest : public FramesTest {
 protected:
  FrameRequest of_video(int64_t frames, bool loop) {
    FrameRequest r = request(stream::Scenario::single_stream, 2, frames);
    VideoKind kind;
    kind.frames = 12;
    write_test_video((dir() / "camera.mp4").string(), kind);
    for (StreamSpec& s : r.streams) {
      s.source = {};
      s.source.kind = SourceSpec::Kind::video;
      s.source.path = dir() / "camera.mp4";
      s.source.loop = loop;
    }
    return r;
  }
};

TEST_F(SourceVideoTest, GoesRoundAndRound) {
  const Ran ran = run(of_video(30, true));
  expect_all_accounted(ran, 30);
  for (size_t s = 0; s < 2; ++s) {
    EXPECT_EQ(ran.count(s, Fate::done), 30);
    for (size_t i = 0; i < 30; ++i) EXPECT_EQ(ran.records[s][i].image, ran.records[0][i].image);
  }
}

TEST_F(SourceVideoTest, EndIsACameraThatStopped) {
  const Ran ran = run(of_video(30, false));
  expect_all_accounted(ran, 30);
  EXPECT_EQ(ran.count(0, Fate::done), 9);  // 12, of which 3 went into the warm-up
  EXPECT_EQ(ran.count(0, Fate::pending), 21);
  EXPECT_EQ(ran.records[0][29].fault, static_cast<int64_t>(vision::FrameFault::stopped));
}

TEST_F(SourceVideoTest, AbsentFileIsAnError) {
  FrameRequest r = of_video(5, true);
  fs::remove(dir() / "camera.mp4");
  const Ran ran = run(r);
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.event("error"), nullptr);
}

}  // namespace
}  // namespace assay::frames
