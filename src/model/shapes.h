// SPDX-License-Identifier: Apache-2.0
// Static shapes of a model's inputs and outputs.
#pragma once

#include <onnx/onnx_pb.h>

#include "model/onnx_model.h"

namespace assay::model {

// Fills inputs, outputs, output_shape_known, dynamic_batch. May change `model` (weights are
// dropped, shapes set).
Status resolve_shapes(onnx::ModelProto& model, const Shapes& shapes, std::string_view where,
                      ModelInfo& info);

}  // namespace assay::model
