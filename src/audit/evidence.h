// SPDX-License-Identifier: Apache-2.0
// The evidence of a run as derivation needs it: what counts (superseded and interrupted launches
// left out), per recipe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/engine.h"
#include "model/cost.h"
#include "platform/peaks.h"
#include "platform/record.h"
#include "stats/intervals.h"
#include "store/run_folder.h"
#include "vision/boxes.h"

namespace assay::audit {

struct OutputBlob {
  std::string name, blob;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  int64_t n = 0;
  int64_t item() const;  // elements of one input; -1 for a shape that no tensor has
};
struct Check {
  std::string name, result, detail;
  int64_t mismatches = 0;
};
// What the machine did during a build or a launch, as stored or about to be.
struct PlatformEvidence {
  std::string platform_id, record_blob;
  platform::Record record;
  int64_t begin_ns = 0, end_ns = 0;            // the timed loop, or the whole build
  int64_t idle_begin_ns = 0, idle_end_ns = 0;  // 0, 0: no such stretch
  std::string problem;                         // why the record could not be read
};
struct LaunchEvidence {
  std::string launch_id, outcome, reason, kernels_agree, series_id, clock;
  int64_t launch_index = 0, censored = 0, wall_ns = 0;
  std::vector<OutputBlob> outputs;  // role main
  std::vector<Check> checks;
  std::vector<int64_t> samples;  // run order
  Json environment, sampler, isolation;
  std::optional<PlatformEvidence> platform;
  double layer_sum_ns = 0;  // of the layers' median times; 0: not taken
  Json clocks;  // of plans with clock states: what was found and set for it (event `clocks`)
};
// What of a build or launch (launch_id "" for the build) did not fit the recipe's lock.
struct LockDeviation {
  std::string launch_id, name, state, expected, found;
};
struct BuildEvidence {
  std::string build_id, outcome, reason, artifact_sha256, kernel_map;
  std::string made_by;  // of a locked recipe: recorded | rebuilt | replayed
  std::vector<LockDeviation> deviations;
  int64_t build_index = 0, wall_ns = 0;
  std::vector<Kernel> kernels;
  std::vector<LaunchEvidence> launches;
  Json isolation;
  std::optional<PlatformEvidence> platform;
  const LaunchEvidence* output_launch() const;  // the ok launch 0, else nullptr
};
struct RecipeEvidence {
  std::string recipe_id, label, compiler, model_id, decides_at, kernels_told, precision;
  std::string dvfs = "default";
  bool is_reference = false;
  std::string lock_sha256, lock_proof;  // "" when no lock fixes its builds
  std::vector<BuildEvidence> builds;    // ascending index
  std::string device = "cpu";
  int64_t threads = 1;
  model::Cost cost;                      // of its model
  std::optional<platform::Peaks> peaks;  // of its device and threads, the highest measured
};
// How the outputs of a model become boxes, and the true boxes of each input where they are known.
struct DetectorEvidence {
  vision::DetectorSpec spec;
  int64_t width = 0, height = 0;  // of the input tensor
  std::vector<std::vector<vision::Box>> truth;
};
struct DataEvidence {
  stats::Design design = stats::Design::fixed;
  std::vector<int64_t> clusters, labels;
  int64_t n = 0;
  std::optional<DetectorEvidence> detector;
};
struct RunEvidence {
  std::vector<RecipeEvidence> recipes;
  std::map<std::string, DataEvidence> data;  // by model_id
};

Result<RunEvidence> load_evidence(store::RunFolder& run);

}  // namespace assay::audit
