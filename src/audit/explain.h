// SPDX-License-Identifier: Apache-2.0
// Why two engines differ: launches of both, side by side, whose tensors, layer times and latencies
// src/diff explains. Records nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/worker_launch.h"
#include "base/files.h"
#include "diff/divergence.h"
#include "diff/layer_delta.h"
#include "diff/pairing.h"
#include "diff/swap_share.h"

namespace assay::audit {

struct ExplainSide {
  std::string label;
  WorkerLaunch launch;          // how to launch it: runner, engine, data set, threads, CPUs
  std::vector<Kernel> kernels;  // of the manifest, which tells origins; may be empty
};

// Says what is being done, for a progress line; may be empty.
using Say = std::function<void(std::string_view)>;

struct OutputsOptions {
  int64_t inputs = 4;    // the first so many of the data set
  int64_t launches = 2;  // of each engine, in turns: from 2 on an engine that differs from itself
                         // is seen
};
struct OutputsExplained {
  std::vector<diff::TensorPair> pairs;  // in order of execution, the model's outputs last
  diff::Divergence divergence;
  std::vector<std::string> notes;
  std::vector<MappedFile> files;  // what the pairs look at
};
// `scratch`: existing folder, used while this runs. Errors: a launch that did not end well (usage,
// with what it said), interrupted.
Result<OutputsExplained> explain_outputs(const ExplainSide& a, const ExplainSide& b,
                                         const OutputsOptions& options, const fs::path& scratch,
                                         const Say& say = {});

struct LatencyOptions {
  int64_t launches = 8;   // of each engine, in pairs whose order is drawn from the seed
  int64_t runs = 50;      // instrumented, each launch
  int64_t samples = 300;  // un-instrumented, each launch, before them
  uint64_t seed = 1;
  diff::DeltaOptions delta;
};
struct PairNames {
  std::string layer_a, layer_b, kernel_a, kernel_b;  // several layers: joined by " + "
};
struct LatencyExplained {
  std::vector<diff::LayerPair> pairs;
  std::vector<PairNames> names;  // one a pair
  diff::LayerDeltas deltas;      // its rows name the pairs
  std::string clock;             // "monotonic" | "scripted"
  std::vector<std::string> notes;
};
// Missing: a runner that takes no times of layers.
Result<LatencyExplained> explain_latency(const ExplainSide& a, const ExplainSide& b,
                                         const LatencyOptions& options, const fs::path& scratch,
                                         const Say& say = {});

// Latency of A, B and of A built again with one decision of B, in launches side by side.
Result<diff::SwapShare> explain_swap(const ExplainSide& a, const ExplainSide& b,
                                     const ExplainSide& swapped, const LatencyOptions& options,
                                     const fs::path& scratch, const Say& say = {});

// Used by both drivers. One launch in a new folder below `scratch`, which must end well.
Result<WorkerResult> launch_side(const ExplainSide& side, const WorkerLaunch& launch,
                                 const fs::path& scratch, const std::string& folder);
// The kernel map of a launch, with the origins of the manifest where it tells the same layer.
std::vector<Kernel> with_origins(std::vector<Kernel> launched, const std::vector<Kernel>& manifest);
std::vector<diff::LayerPair> pair_kernels(const std::vector<Kernel>& a,
                                          const std::vector<Kernel>& b);

}  // namespace assay::audit
