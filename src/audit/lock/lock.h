// SPDX-License-Identifier: Apache-2.0
// A lock: what made an engine, and what the engine was. A folder with lock.json and SHA-256-named
// blobs (docs/locks.md). Untrusted input when read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "audit/engine.h"
#include "base/files.h"
#include "base/json.h"

namespace assay::audit {

enum class Proof { recompiled, replayed };
std::string_view word(Proof p);  // "recompiled" "replayed"

// A file that the rebuild or the launch really used. `path` is as portable as can be:
// "{venv}/lib/...", "{assay}/...", "{share}/...", else absolute.
struct UsedFile {
  std::string path, how, sha256;  // how: mapped | imported | program
  std::string by;                 // build | launch | both
};
struct LockBlob {
  std::string path, role, sha256;
  int64_t bytes = 0;
};

struct Lock {
  std::string created_utc, assay_version;
  Proof proof = Proof::recompiled;
  // Recipe.
  std::string compiler, version, precision;
  int64_t threads = 1;
  uint64_t seed = 0;
  Json options = Json::object(), shapes = Json::object();
  std::map<std::string, std::string> packages, environment;
  // Contract: name -> value of what must be the same ("cpu.model", "cpu.flags", "kernel", ...).
  std::map<std::string, std::string> contract;
  std::vector<UsedFile> files;
  std::vector<LockBlob> model;      // the ONNX file first, then its external data
  std::vector<LockBlob> decisions;  // as the builder's rebuild.decisions named them
  std::vector<LockBlob> engine;     // manifest.json and every file of the recorded engine
  std::vector<Kernel> kernels;      // of the recorded engine; hashed into kernel_map_sha256
  std::string kernel_map_sha256, artifact_sha256;
  std::vector<LockBlob> inputs;  // data set folder: dataset.json and its files
  struct Output {
    std::string name, dtype, sha256;
    std::vector<int64_t> shape;
    int64_t n = 0;
  };
  std::vector<Output> outputs;
  double atol = 0, rtol = 0;  // both 0: bitwise
  // Latency: margin, launches and samples of a verification, fixed when recording.
  double margin = 0.05;
  int64_t launches = 5, samples = 300;
  std::vector<int64_t> p50_ns;  // of the recording's launches, for people
  Json selection;               // stable selection: what was re-measured and chosen; null: not done
  std::vector<std::string> not_covered;
};

Json to_json(const Lock& lock);
Result<Lock> lock_from_json(const Json& j, std::string_view where);

}  // namespace assay::audit
