// SPDX-License-Identifier: Apache-2.0
// A lock: what made an engine, and what that engine was. A folder with lock.json and SHA-256-named
// blobs (docs/locks.md). Untrusted input when read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/engine.h"
#include "base/files.h"
#include "base/json.h"

namespace assay::audit {

// recompiled: the compiler runs again from the recorded decisions. replayed: the same artifact is
// loaded again, which says nothing about rebuilding.
enum class Proof { recompiled, replayed };
std::string_view word(Proof p);
Result<Proof> proof_from(std::string_view text);

// A file that the rebuild or the launch really used. `path` begins with "{venv}", "{python}",
// "{assay}" or "{share}" where it lies there (used_files.h), else it is absolute.
struct UsedFile {
  std::string path, how, by, sha256;  // how: mapped | imported | program; by: build | launch
  auto operator<=>(const UsedFile&) const = default;
};
struct LockBlob {
  std::string path, role, sha256;
  int64_t bytes = 0;
};
struct LockOutput {
  TensorSpec spec;  // of one input
  std::string sha256;
  int64_t n = 0;
};

struct Lock {
  std::string created_utc, assay_version;
  Proof proof = Proof::recompiled;
  // Recipe.
  std::string model_name, compiler, version, precision, device = "cpu";
  int64_t threads = 1;
  uint64_t seed = 0;
  Json options = Json::object(), shapes = Json::object();
  // What must be the same: "cpu.model", "package.numpy", "env.TOPHUB_LOCATION", ... -> value.
  std::map<std::string, std::string> contract;
  std::vector<UsedFile> files;
  std::vector<LockBlob> model;      // the ONNX file first, then its external data
  std::vector<LockBlob> decisions;  // as the builder's rebuild.decisions named them
  std::vector<LockBlob> engine;     // manifest.json and every file of the recorded engine
  std::vector<LockBlob> inputs;     // files of the data set folder
  std::vector<LockBlob> evidence;   // of the recording: the tuner's whole log; proves nothing
  std::vector<Kernel> kernels;      // of the recorded engine
  std::string kernel_map_sha256, artifact_sha256;
  std::vector<LockOutput> outputs;  // of the recorded engine on `inputs`
  double atol = 0, rtol = 0;        // what outputs may differ by; both 0: bitwise equal
  // Latency: margin, launches and samples a verification uses, fixed when recording.
  double margin = 0.05;
  int64_t launches = 5, samples = 300;
  std::vector<int64_t> p50_ns;   // of the recording's launches, for people
  Json choices = Json::array();  // [{layer, choice}]: what was decided, for people
  Json selection;                // stable selection: what was re-measured, why it chose; null: none
  std::vector<std::string> not_covered;
};

Json to_json(const Lock& lock);
// The error names the first member that is missing or of another kind.
Result<Lock> lock_from_json(const Json& j);

}  // namespace assay::audit
