// SPDX-License-Identifier: Apache-2.0
// Engine folders (docs/formats.md): checked when a builder hands one over, kept as blobs, laid out
// again for a launch.
#pragma once

#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/json.h"
#include "store/run_folder.h"

namespace assay::audit {

struct EngineFile {
  std::string path, role, sha256;
  int64_t bytes = 0;
};
struct Kernel {
  int64_t ordinal = 0;
  std::string layer, kernel, source_sha256, precision, origin;
};
struct Engine {
  Json manifest;
  std::string manifest_text;
  std::string version;
  std::vector<TensorSpec> inputs, outputs;
  std::vector<EngineFile> files;  // without manifest.json
  std::vector<Kernel> kernels;
  int64_t bytes = 0;            // of the artifacts
  std::string engine_sha256;    // over sorted "path sha256" lines of all files
  std::string artifact_sha256;  // over those of role artifact
};

// Reads and proves an engine folder: every file listed, regular, inside, of the stated size and
// hash; an artifact; a kernel map; inputs equal to the model's. The error says what was wrong (the
// builder's lie, not assay's defect).
Result<Engine> open_engine(const fs::path& folder, const std::vector<TensorSpec>& model_inputs);

Kernel kernel_from_json(const Json& j);
// Over ordinal, layer, kernel and source, in order of ordinal.
std::string kernel_map_sha256(const std::vector<Kernel>& kernels);
// True when both maps name the same layers and kernels in the same order, and the same source where
// both tell one.
bool same_kernels(const std::vector<Kernel>& a, const std::vector<Kernel>& b);

// The kernel map stored for a build, in order of ordinal.
Result<std::vector<Kernel>> stored_kernels(store::RunFolder& run, const std::string& build_id);

// Lays the stored files of a build out below `folder` (copies: a child must not be able to write
// into evidence).
Status materialise(store::RunFolder& run, const std::string& build_id, const fs::path& folder);

}  // namespace assay::audit
