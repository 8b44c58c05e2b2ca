// SPDX-License-Identifier: Apache-2.0
// Walks a parsed model: operators, parameters and external data of the graph, its sub-graphs and
// functions.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>

#include "model/onnx_model.h"

namespace assay::model {

// Fills nodes, parameters, operators, opset, external_files of `info`.
Status walk_model(const onnx::ModelProto& model, const fs::path& folder, std::string_view where,
                  ModelInfo& info);

// Newest opset of the default domain that the installed ONNX library knows.
int64_t known_opset();

}  // namespace assay::model
