// SPDX-License-Identifier: Apache-2.0
// Writes a prepared data set folder; dataset.json comes last, so that a cut-off one is none.
#pragma once

#include <fstream>
#include <memory>

#include "vision/dataset.h"

namespace assay::vision {

class DatasetWriter {
 public:
  // Creates `out`; usage error when a data set is there already.
  static Result<DatasetWriter> create(const fs::path& out, const std::vector<TensorSpec>& inputs);
  Status append(size_t input, std::span<const std::byte> item);
  // Hashes, writes labels and dataset.json, and opens the result. Uses name, description, n,
  // sampling, sampling_by, labels, label_names and clusters of `about`.
  Result<Dataset> finish(const Dataset& about, std::string_view source);

 private:
  fs::path folder_;
  std::vector<TensorSpec> specs_;
  std::vector<std::unique_ptr<std::ofstream>> files_;
};

// Floats to the bits of binary16 or bfloat16, rounded to nearest even.
uint16_t to_half(float v);
uint16_t to_bfloat(float v);

}  // namespace assay::vision
