// SPDX-License-Identifier: Apache-2.0
// The end of the pass: from a row of levels to the tensor's numbers, and the bars around a frame.
#pragma once

#include <vector>

#include "vision/frame_pre.h"
#include "vision/layout.h"
#include "vision/pre_plan.h"

namespace assay::vision {

class PreOutput {
 public:
  // Usage error when the spec does not fit the tensor (channels, quantisation, range of the type).
  static Result<PreOutput> create(const PreSpec& spec, const TensorSpec& input);
  PreOutput(PreOutput&&) noexcept = default;
  PreOutput& operator=(PreOutput&&) noexcept = default;

  const ImageLayout& layout() const { return layout_; }
  // Bars around [x0, x1) x [y0, y1).
  void bars(const Placement& p, std::byte* tensor) const;
  // Row y of the tensor from a row of levels, columns [x0, x1).
  void put(const PreKernels& kernels, const Placement& p, int64_t y, const uint8_t* levels,
           std::byte* tensor);
  void put_real(const PreKernels& kernels, const Placement& p, int64_t y, float* levels,
                std::byte* tensor);

 private:
  PreOutput() = default;
  std::byte* at(std::byte* tensor, int64_t c, int64_t y, int64_t x) const;
  uint32_t number(int64_t c, float level) const;

  ImageLayout layout_;
  int64_t size_ = 4;              // bytes of a number
  std::vector<uint32_t> tables_;  // [channels][256]
  Conversion planes_[3], interleaved_;
  std::vector<std::byte> bar_;  // channels_last: a row; else a row of each channel
  std::vector<uint8_t> split_;
  int64_t split_stride_ = 0;
};

}  // namespace assay::vision
