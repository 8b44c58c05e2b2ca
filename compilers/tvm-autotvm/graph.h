// SPDX-License-Identifier: Apache-2.0
// What the runner reads of an engine folder: manifest.json (names, types and shapes of the model's
// inputs and outputs) and graph.json (TVM's graph: which function runs when, on which tensors).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvm_api.h"

namespace assay::tvm {

// One tensor of the graph. `code`, `bits`: as in DataType.
struct TensorInfo {
  std::string name;
  assay_dtype dtype = ASSAY_F32;
  DataType type{};
  std::vector<int64_t> shape;  // at most ASSAY_MAX_RANK static extents
  int64_t bytes = 0;
};

struct Entry {  // one output of one node
  int32_t node = 0;
  int32_t index = 0;
};

struct Node {
  std::string name;
  std::string
      function;  // "" for inputs and parameters, "__nop" for a reshape that only renames memory
  std::vector<Entry> inputs;
  int32_t outputs = 1;
  int32_t first_entry = 0;  // number of its output 0 in `tensors`
  // c of the blocked layout NCHW<c>c in which output 0 lies, as the graph's attributes tell; 0:
  // plain or not known.
  int64_t channel_block = 0;
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<int32_t> arguments;   // nodes that are inputs or parameters, in TVM's input order
  std::vector<Entry> heads;         // outputs of the model
  std::vector<TensorInfo> tensors;  // of every entry; `name` is empty
  std::string text;

  const TensorInfo& tensor(Entry entry) const {
    return tensors[static_cast<size_t>(nodes[entry.node].first_entry + entry.index)];
  }
  // TVM input number of the argument called `name`, or -1.
  int32_t argument_index(const std::string& name) const;
  // True when a "__nop" node reads the entry: its memory has a second name that TVM does not
  // follow.
  bool renamed(Entry entry) const;
};

// How a model output reaches the caller's buffer.
enum class OutputPath {
  kDirect,  // the last function writes into it
  kCopy,    // copied out of the executor after the run: its memory has another name in the graph
  kCopyArgument  // the output is an input or parameter of the model itself
};

struct EngineFiles {
  Graph graph;
  std::vector<TensorInfo> inputs;      // as in manifest.json
  std::vector<int32_t> input_numbers;  // TVM input number of each
  std::vector<bool> input_direct;      // false: copied in before each run
  std::vector<TensorInfo> outputs;
  std::vector<OutputPath> output_paths;
  std::string library;  // paths
  std::string params;   // content of params.bin
  std::string version;
  int32_t threads = 0;  // as built
};

// Extents N, C, H, W of a tensor of `info`'s shape N, C/c, H, W, c.
TensorInfo plain_layout(const TensorInfo& info);
// Copies such a tensor into plain NCHW order.
void copy_plain(const TensorInfo& blocked, const char* from, char* to);

// Reads and checks manifest.json, graph.json and params.bin below `folder`. Anything that does not
// fit (missing member, wrong type, index out of range, manifest and graph disagree) is
// ASSAY_INVALID.
Expected<EngineFiles> read_engine(const std::string& folder);

// Exposed for tests.
Expected<Graph> parse_graph(const std::string& text, const std::string& where);

}  // namespace assay::tvm
