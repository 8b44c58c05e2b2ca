// SPDX-License-Identifier: Apache-2.0
// What `assay response` is asked to measure: tasks, cameras, and the factors whose grid is walked
// in randomised blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "frames/request.h"
#include "stream/result.h"

namespace assay::response {

struct TaskPlan {
  std::string name;                // "detect"
  std::string model;               // name of the catalog, or .onnx; engines are then built
  std::vector<fs::path> engines;   // or engine folders: one a recipe, or one for all
  fs::path model_file;             // found by complete_plan()
  Json pre_said = Json::object();  // members of `pre` that were given; the rest is defaulted
  vision::PreSpec pre;
  std::optional<vision::DetectorSpec> detector;
  int64_t deadline_ns = 0;  // 0: one frame period where there is one
  std::string next;         // cascade: task that gets the crops
  int64_t max_crops = 4;
  bool streams = true;  // false: only reached by a cascade
};

struct Plan {
  std::string name;
  std::vector<TaskPlan> tasks;
  std::vector<std::string> compilers, precisions = {"fp32"};
  int64_t builds = 1;
  Json options = Json::object();  // compiler -> options
  frames::SourceSpec source;
  std::string data_name;  // what the source is called in reports
  stream::Scenario scenario = stream::Scenario::constant_stream;
  std::vector<stream::Policy> policies = {stream::Policy::queue};
  double fps = 0;         // constant_stream, server
  bool staggered = true;  // offsets i*T/N; else all cameras at once
  int64_t jitter_ns = 0, idle_every = 0, idle_gap_ns = 0;
  fs::path time_stamps;            // file of release times
  std::vector<int> cameras = {1};  // the N of the sweep
  std::vector<std::string> modes = {"processes"};
  std::vector<std::string> co_runners = {"none"}, caches = {"warm"};
  std::vector<std::string> priorities = {"other"};
  std::vector<std::vector<int>> cpu_sets;  // empty: all this process may use
  int threads = 1;
  // frames 0: by duration_s, else as many as time_stamps has, else 500.
  int64_t frames = 0, repetitions = 5, warmup_frames = 8;
  // duration_s: so many seconds of frames at fps; of a closed loop the same as max_seconds.
  double duration_s = 0, max_seconds = 0;
  uint64_t seed = 1;
  int64_t memory_limit_bytes = 0;
  double equality_margin = .05;
  std::vector<double> replay_fps;
};
// usecases/*.toml, docs/response.md; strict, relative paths are relative to the file. Complete.
// `change`: what flags say over the file, before the plan is completed.
Result<Plan> plan_from_toml(const fs::path& file,
                            const std::function<Status(Plan&)>& change = nullptr);
// Finds models, detectors and pictures, fills in defaults and checks everything that can be checked
// without running anything. Usage error, or missing for a model that has not been made yet.
Result<Plan> complete_plan(Plan plan);
Json to_json(const Plan& plan);  // canonical: its hash names the plan

int64_t period_ns(const Plan& plan);  // between frames of a camera; 0: closed loop
// Tasks with a stream of their own, and the tensor that one takes.
std::vector<size_t> streaming_tasks(const Plan& plan);
// The inputs of the engine of a task: of its model, or of its first engine folder.
Result<std::vector<TensorSpec>> task_inputs(const TaskPlan& task);
// Release times of a recorded camera, ns after the first (stream/time_stamps.h tells the forms).
Result<std::vector<int64_t>> read_time_stamps(const fs::path& file);
// The folder of pictures of a name of `assay models`, or a folder as it stands.
Result<fs::path> find_images(const std::string& name, const fs::path& relative_to);
// "20ms", "1.5 s" -> ns; whole and positive or 0.
Result<int64_t> parse_time(std::string_view text, std::string_view where);

// Every combination of the factors, in a fixed order. `recipes`: label, compiler and build of each.
struct RecipeName {
  std::string label, compiler;
  int build = 0;
};
std::vector<stream::Cell> grid(const Plan& plan, const std::vector<RecipeName>& recipes,
                               const std::vector<int>& cpus);

}  // namespace assay::response
