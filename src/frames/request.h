// SPDX-License-Identifier: Apache-2.0
// What one assay-frames process is told: tasks (engines with their pre- and post-processing),
// streams (a camera seen by a task) and when frames come. JSON on stdin (docs/response.md).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/result.h"
#include "stream/scenario.h"
#include "vision/boxes.h"
#include "vision/frame_pre.h"

namespace assay::frames {

// Where pixels come from.
struct SourceSpec {
  enum class Kind {
    folder,    // JPEG and PNG files, sorted by path, taken in a seeded order round and round
    video,     // a file through FFmpeg's libraries; ends or starts again
    raw,       // a file of frames as a camera gives them: NV12, I420 or RGB, dense, back to back
    synthetic  // seeded pictures made before the run, in memory, as NV12 or RGB frames
  } kind = Kind::folder;
  fs::path path;  // of folder, video, raw
  // folder and raw: where a frame is read from. memory: all of it is read before the run.
  enum class Cache { warm, cold, memory } cache = Cache::warm;
  int64_t width = 0, height = 0;                           // raw and synthetic
  vision::PixelFormat format = vision::PixelFormat::nv12;  // raw and synthetic
  vision::YuvRule yuv;
  bool loop = true;            // at the end: again from the start, else the camera stops
  int64_t limit = 0;           // first so many pictures only; 0 = all
  uint64_t seed = 1;           // order (folder), pictures (synthetic)
  bool scaled_decode = false;  // JPEG: see vision/frame_decoder.h
  int64_t max_width = 4096, max_height = 4096;  // of a picture; larger ones are too_large
  int64_t max_file_bytes = 32 << 20;
};
std::string_view word(SourceSpec::Kind k);   // "folder" "video" "raw" "synthetic"
std::string_view word(SourceSpec::Cache c);  // "warm" "cold" "memory"
std::optional<SourceSpec::Cache> cache_from(std::string_view s);
Json to_json(const SourceSpec& spec);
Result<SourceSpec> source_from_json(const Json& j, std::string_view where);

struct TaskSpec {
  std::string name;
  fs::path runner, engine_dir;
  std::string library, device = "cpu", precision = "fp32";
  int threads = 1;
  std::vector<std::pair<std::string, std::string>> options;
  vision::PreSpec pre;
  std::optional<vision::DetectorSpec> detector;  // else labels: top 5 of the first output
  bool softmax = true;
  // A cascade: each of the best `max_crops` boxes of this detector is cropped from the frame
  // and goes through task `next` before the frame is done. -1 = none. Not through another cascade.
  int next = -1;
  int64_t max_crops = 4;
};

struct StreamSpec {
  std::string name;  // "camera 0 / detect"
  int camera = 0;    // streams of one camera have equal releases and pictures
  int task = 0;      // index into tasks
  SourceSpec source;
  stream::ReleaseSpec release;
};

struct FrameRequest {
  std::vector<TaskSpec> tasks;      // 1..16
  std::vector<StreamSpec> streams;  // 1..64
  int workers = 1;                  // threads; stream s is served by worker s % workers
  stream::Policy policy = stream::Policy::queue;
  stream::Scenario scenario = stream::Scenario::single_stream;  // equal to that of every release
  int64_t frames = 0;              // a stream, warm-up not counted; >= 1
  int64_t warmup_frames = 8;       // a stream, closed loop, before `ready`; not recorded
  double max_seconds = 0;          // of the run after t0; then frames not reached are pending
  std::vector<int> cpus;           // worker w is pinned to cpus[w % size]; empty: not pinned
  std::string priority = "other";  // "other", "nice:-5", "fifo:50"
  bool lock_memory = true;
  bool outputs = false;  // the first `frames` results (labels, boxes) to results.jsonl
  fs::path results_dir;
};
Json to_json(const FrameRequest& request);
// Usage error naming the first member that is wrong.
Result<FrameRequest> parse_frame_request(std::string_view text);

}  // namespace assay::frames
