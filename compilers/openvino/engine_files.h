// SPDX-License-Identifier: Apache-2.0
// What the runner reads in an engine folder besides the blob, checked.  Throws Failure.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "assay/runner.h"

namespace assay::openvino {

struct Manifest {
  std::string precision;                     // "fp32", "fp16" or "bf16"
  std::string execution_mode;                // "performance" or "accuracy"
  std::vector<std::string> inputs, outputs;  // names as the ONNX file has them, in its order
};

// Reads manifest.json and refuses an engine of another compiler, or one that was built for another
// precision, number of threads or option than `options` asks for.
Manifest read_manifest(const assay_engine_options& options);

// Parts of layer names that come from the model itself (names.json, layer_names.h).
std::set<std::string, std::less<>> read_own_names(const std::filesystem::path& engine_dir);

// Refuses to go on with another OpenVINO than the one that `library` names.
void check_library(const char* library);

}  // namespace assay::openvino
