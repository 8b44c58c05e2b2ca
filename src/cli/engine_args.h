// SPDX-License-Identifier: Apache-2.0
// What bench, compare and diff need of an engine folder given on the command line.
#pragma once

#include "audit/catalog.h"
#include "audit/engine.h"
#include "audit/worker_launch.h"
#include "vision/dataset.h"

namespace assay::cli {

struct EngineArg {
  fs::path folder;
  audit::Engine engine;
  audit::Compiler compiler;
  audit::Installation installation;
  std::string device = "cpu";
  std::string label() const { return folder.filename().string(); }
};
// Opens and proves the folder and finds its compiler's runner. `runnable` false: the compiler need
// not be installed.
// `device`: "" for the one it was built for, else one of the same kind ("cuda:1").
Result<EngineArg> open_engine_arg(const fs::path& folder, bool runnable,
                                  const std::string& device = "");

// A data set for engines: a name, a prepared folder, or synthetic (made below `made`).
Result<vision::Dataset> open_engine_data(const std::string& data,
                                         const std::vector<TensorSpec>& inputs, int64_t n,
                                         uint64_t seed, const fs::path& made);

audit::WorkerLaunch base_launch(const EngineArg& engine, const vision::Dataset& data);

}  // namespace assay::cli
