// SPDX-License-Identifier: Apache-2.0
// What assay must know of an ONNX file before any compiler sees it; refuses broken or unsafe files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/result.h"
#include "model/cost.h"

namespace assay::model {

// Extents asked for by --shapes, by input name. trtexec's spelling: "input:1x3x224x224,mask:1x10"
// (and "=" for ":").
using Shapes = std::map<std::string, std::vector<int64_t>>;
Result<Shapes> parse_shapes(std::string_view text);

struct ModelInfo {
  std::string name;    // file name without .onnx
  fs::path path;       // canonical
  std::string sha256;  // of the file and its external data files (sorted by location), so that it
                       // names the model
  int64_t bytes = 0;   // with external data
  int64_t opset = 0;   // of the default domain
  int64_t ir_version = 0;
  int64_t nodes = 0, parameters = 0;
  std::map<std::string, int64_t> operators;  // "Conv" -> 52; other domains as "domain::Op"
  std::vector<TensorSpec> inputs,
      outputs;  // static: symbolic extents replaced by `shapes`, else 1 for a leading (batch)
                // extent; outputs without a static shape have extents -1 -> empty shape,
                // known=false
  std::vector<bool> output_shape_known;
  bool dynamic_batch = false;  // the leading extent of every input is symbolic
  std::vector<fs::path> external_files;
  Cost cost;  // of one inference at these shapes
};
Json to_json(const ModelInfo& info);

// Usage errors (one line, what/where/expected/fix): file missing, empty, not ONNX or truncated; no
// graph; an operator of the default domain unknown to the installed ONNX schemas (only when the
// model's opset is not newer than they are; newer operators are left to the compilers); external
// data missing, too short, absolute, or outside the model's folder (also through links); an input
// with an unsupported type; symbolic extents other than the leading one without --shapes; a shape
// that does not fit the declared one (rank or fixed extent), or names no input.
Result<ModelInfo> inspect(const fs::path& path, const Shapes& shapes);

}  // namespace assay::model
