// SPDX-License-Identifier: Apache-2.0
// What the runner must know of an ONNX file, read from its protobuf bytes without an ONNX library
// (which would clash with the one inside ONNX Runtime). Field numbers: onnx.proto3 of the ONNX
// project; wire format: the Protocol Buffers encoding specification.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "failure.h"

namespace assay::ort {

struct OnnxFacts {
  // (layer name, operator type) -> "domain.Op+Activation", sub-graphs included. The layer name of a
  // nameless node is "<Op>_<index>", as ONNX Runtime's profiler spells it. A key with two meanings
  // keeps the plain operator type.
  std::map<std::pair<std::string, std::string>, std::string> operators;
  std::set<std::string> tensors;                     // what the nodes of the main graph write
  std::set<std::string> outputs;                     // outputs of the main graph
  std::map<std::string, std::string> layer_outputs;  // layer -> the first tensor it writes
  std::set<std::string> blocked;  // tensors in ONNX Runtime's blocked layout (nchwc)
  bool external_data = false;     // some tensor's values lie in another file
  std::string external_tensor;    // name of the first such tensor
};

// Reads a serialised ModelProto. ASSAY_INVALID when it is cut off, malformed or nested deeper than
// 64 levels.
Result<OnnxFacts> scan_model(std::string_view bytes);

// Serialised ModelProto that holds nothing but one graph output called `name`. Appended to a
// serialised model it merges into it: the tensor becomes one more output, its type inferred.
std::string output_fragment(std::string_view name);

// The same for the plain layout of the blocked tensor `name` with `channels` channels: with a node
// ReorderOutput of ONNX Runtime, which writes the new output `plain`.
std::string reorder_fragment(std::string_view name, std::string_view plain, int64_t channels);

}  // namespace assay::ort
