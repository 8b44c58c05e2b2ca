// SPDX-License-Identifier: Apache-2.0
// What an audit will do: the plan a person writes (TOML or flags), completed, checked, and fixed by
// its hash.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/catalog.h"
#include "base/json.h"
#include "model/onnx_model.h"

namespace assay::audit {

// builds / launches a build / samples a launch / inputs, and what may be claimed (design.md, rule
// 12).
struct Profile {
  std::string name;
  int64_t builds, launches, samples, inputs;
  std::string claims, refuses;
  // What its design carries: TOST over builds, and a tail law fitted to each build.
  bool equivalence = false, pwcet = false;
};
Result<Profile> find_profile(std::string_view name);

struct RecipePlan {
  std::string compiler, precision = "fp32";
  Json options = Json::object();  // complete
  // Lock mode (docs/locks.md): off | record (as off; a lock of the recipe is kept beside) |
  // verified (every build is made from the lock).
  std::string lock_mode = "off", lock_proof;
  fs::path lock;  // of a recipe that is built from one; where it lies is no part of the plan's hash
  std::string device = "cpu";    // or "cuda:0": where engines are tuned and run
  std::string dvfs = "default";  // or "fixed": the machine's clocks while it builds and launches
  std::string label() const {
    return compiler + " " + precision + (device == "cpu" ? "" : " " + device) +
           (dvfs == "default" ? "" : " " + dvfs + " clocks") +
           (lock_mode != "verified"    ? ""
            : lock_proof == "replayed" ? " replayed"
                                       : " locked");
  }
};

struct ModelPlan {
  std::string name;      // shown; unique in the plan
  fs::path path;         // ONNX file
  std::string data;      // "synthetic", a prepared folder, an image folder, or "npy:input=FILE,..."
  int64_t inputs = 0;    // at most so many of the data set
  std::string detector;  // its MODEL.detector.json; "": the one beside the model, if any
  std::string sampling;  // for image folders: independent | fixed
  Json preprocess =
      Json::object();  // of image folders: what was said of resize, mean, std, bgr, labels
  model::Shapes shapes;
  std::vector<RecipePlan> recipes;  // the reference first, when there is one
};

struct Plan {
  Profile profile;
  int64_t builds = 0, launches = 0, samples = 0, threads = 1;
  int64_t warmup_runs = 20, warmup_ms = 200, slots = 16;
  int64_t idle_ms = 1000;  // of rest before each launch where a source of energy is; 0: none
  double build_timeout_s = 3600, launch_timeout_s = 900;
  int64_t memory_limit_bytes = 0;
  uint64_t seed = 0;
  double label_margin = 0.01, latency_margin = 0.01, tail_margin = 0.05, accuracy_margin = 0.01;
  int64_t limit_ns = 0;  // requirement P(X > limit_ns) < limit_below; 0: none
  double limit_below = 0;
  int64_t gpu_mhz = 0;  // of recipes with fixed clocks on a GPU; 0: GPU clocks stay as they are
  std::set<std::string> allowed;  // items of a lock's contract that may differ
  bool recorded_engines = true;   // the lock's own engine is launched beside the rebuilt ones
  std::vector<ModelPlan> models;
};

// What flags or a plan file ask for; empty or 0 means "not said".
struct Request {
  std::string profile = "quick";
  int64_t builds = 0, launches = 0, samples = 0, inputs = 0, threads = 1, warmup_ms = -1,
          warmup_runs = -1, idle_ms = -1;
  std::optional<uint64_t> seed;
  double build_timeout_s = 0, launch_timeout_s = 0;
  int64_t memory_limit_bytes = 0;
  int64_t limit_ns = 0;  // requirement, as in Plan
  double limit_below = 0;
  double label_margin = 0, latency_margin = 0, tail_margin = 0, accuracy_margin = 0;
  int64_t gpu_mhz = 0;            // as in Plan
  std::set<std::string> allowed;  // items that need not fit a lock
  bool reference = true;          // add the reference compiler when it is not named
  struct Model {
    std::string model, name, data, shapes, sampling, detector;
    Json preprocess = Json::object();  // what was said of resize, mean, std, bgr, labels
    std::vector<std::string> compilers, precisions, locks;
    std::vector<std::string> dvfs;     // clock states: "default", "fixed"; empty: default alone
    std::vector<std::string> devices;  // "cpu", "cuda:0"; empty: each compiler's default
    std::string lock_proof;            // "": the first that the compiler offers
    int64_t inputs = 0;
  };
  std::vector<Model> models;
  std::map<std::string, Json> options;  // compiler -> given options
};

// Reads [audit], [[model]] and [compiler.NAME] of a plan file; relative paths are relative to the
// file. Unknown keys are errors.
Result<Request> request_from_toml(const fs::path& file);

// Resolves names, fills defaults, checks everything that can be checked without running anything.
Result<Plan> make_plan(const Request& request);
Json to_json(const Plan& plan);  // canonical: its hash names the plan

}  // namespace assay::audit
