// SPDX-License-Identifier: Apache-2.0
// An engine as far as it can be told: its layers, the kernel each runs, the candidates that lost,
// times. Made from an engine folder, or read from files of other tools (read/). Untrusted texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::diff {

struct TensorRef {
  std::string name, dtype, format;  // format: "NC/32HW32", "nchwc16", ...; "" when not told
  std::vector<int64_t> shape;       // may be empty
};

// A layer of the engine, in execution order.
struct Layer {
  std::string name, type, kernel;
  std::string source_sha256, source_text;  // normalised; "" when the compiler tells names only
  std::string precision;                   // as executed
  std::vector<std::string> origin;         // ONNX nodes, sorted; empty when not told
  std::vector<TensorRef> inputs, outputs;
  std::vector<double> time_ns;  // one a run or report; empty when not measured
  std::optional<double> share;  // of the whole, where the source tells only that (0..1)
  int64_t weight_bytes = -1;    // -1: not told
};

struct Candidate {
  std::string text;             // configuration or tactic
  int64_t number = -1;          // finds it again in its file: of a tuning log the line, from 0
  std::vector<double> time_ns;  // as measured by the tuner; empty when it failed
  bool ok = true, chosen = false;
  std::string error;
};
// What a tuner had to decide: a task, which one or several layers use.
struct Decision {
  std::string layer;   // the task as the compiler names it
  std::string choice;  // what was taken, "" when not told
  std::vector<Candidate> candidates;
};

struct EngineMap {
  std::string label;              // for columns
  std::string compiler, version;  // "" when not told
  std::string source;             // "engine folder", "TensorRT inspector JSON", ...
  std::string precision;          // as requested
  int64_t artifact_bytes = -1;
  bool tells_sources = false;  // equal kernel names with unequal code can be told apart
  std::vector<Layer> layers;
  std::vector<Decision> decisions;
  std::vector<std::string> notes;  // what the source does not tell, what was left out
};

}  // namespace assay::diff
