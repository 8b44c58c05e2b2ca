// SPDX-License-Identifier: Apache-2.0
// The heads behind BoxDecoder, one class a kind. Internal to vision.
#pragma once

#include <memory>
#include <span>

#include "vision/candidates.h"
#include "vision/elements.h"

namespace assay::vision {

class Head {
 public:
  virtual ~Head() = default;
  // Adds every box with a score of at least the threshold. Reads no further than the outputs that
  // it was made for.
  virtual void collect(std::span<void* const> outputs, Candidates& into) const noexcept = 0;
};

struct HeadSize {
  int64_t width = 0, height = 0;  // of the tensor
};

Result<std::unique_ptr<Head>> make_yolo_anchors(const DetectorSpec& spec,
                                                const std::vector<TensorSpec>& outputs);
Result<std::unique_ptr<Head>> make_yolo_flat(const DetectorSpec& spec,
                                             const std::vector<TensorSpec>& outputs);
// SSD and RetinaNet: deltas to boxes known beforehand.
Result<std::unique_ptr<Head>> make_anchored(const DetectorSpec& spec,
                                            const std::vector<TensorSpec>& outputs, HeadSize size);
Result<std::unique_ptr<Head>> make_boxes(const DetectorSpec& spec,
                                         const std::vector<TensorSpec>& outputs);

// An output by name ("" where the head has a single one): index and spec. Usage error naming what
// is there. `shape` of it without leading extents of 1 beyond `rank`.
struct HeadOutput {
  size_t index = 0;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
};
Result<HeadOutput> find_output(const std::vector<TensorSpec>& outputs, const std::string& name,
                               size_t rank);
tl::unexpected<Error> wrong_shape(const HeadOutput& output, const std::string& name,
                                  const std::string& expected);

}  // namespace assay::vision
