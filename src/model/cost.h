// SPDX-License-Identifier: Apache-2.0
// What one inference of a model costs: operations and bytes, counted on its graph. A count that is
// not complete is still a lower bound, and says what it left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/json.h"

namespace onnx {
class ModelProto;
}

namespace assay::model {

// Of one run of the whole graph at the shapes that it is fed with (the batch included). Only nodes
// that the outputs depend on and that cannot be computed before the first inference are executed;
// what lies within If, Loop and Scan is not counted.
struct Cost {
  bool known = false;     // at least one executed node was counted
  bool complete = false;  // every executed node was
  std::string why;        // why it is not known, else ""
  // Multiply-adds of convolutions and matrix products; operations = 2 multiply_adds + one an
  // element of pooling windows, elementwise maps and reductions (docs/plausibility.md lists all).
  double multiply_adds = 0, operations = 0;
  // What no algorithm saves of 2 multiply_adds. A convolution counts a share: along each axis of
  // its kernel of extent k and stride s, 1/2 for k <= 3 and s = 1 (Winograd F(4,3)), else s/k but
  // at most 1 (FFT: one multiplication a phase). Matrix products count whole.
  double irreducible_operations = 0;
  // Initializers that executed nodes read, each once; of what is only looked up in (Gather) one
  // row. Floating-point elements apart, since another precision rescales them.
  int64_t weight_elements = 0;               // floating-point
  int64_t weight_bytes = 0;                  // all, at the model's types
  int64_t weight_fixed_bytes = 0;            // of those, the ones of other types
  int64_t input_output_bytes = 0;            // of the network; unknown shapes count 0
  int64_t intermediate_bytes = 0;            // of every other tensor that executed nodes write
  bool integer = false;                      // convolutions or matrix products on integers
  int64_t nodes = 0, counted = 0;            // executed; of them counted
  std::map<std::string, int64_t> uncounted;  // operator -> executed nodes that count 0

  // Bytes of the weights when their floating-point elements take `element_bytes` each.
  double weight_bytes_at(double element_bytes) const {
    return static_cast<double>(weight_elements) * element_bytes +
           static_cast<double>(weight_fixed_bytes);
  }
};

// `model` with static input shapes (resolve_shapes); its shapes are inferred anew. Whatever a
// hostile graph provokes gives a cost that is not known.
Cost count_cost(onnx::ModelProto& model);

Json to_json(const Cost& cost);
// What an info_json says; not known when it says nothing, or anything impossible.
Cost cost_from_json(const Json& j);
// One line: "3.64 G operations (1.82 G multiply-adds), 11.7 M weights (46.8 MB), 98 of 98 nodes".
std::string cost_text(const Cost& cost);

}  // namespace assay::model
