// SPDX-License-Identifier: Apache-2.0
// From pixels to the tensor of a network in one fused pass: resize, crop, normalise, layout, type.
// SIMD where the CPU has it (AVX2 chosen at run time; others through what the compiler vectorises),
// the same bits everywhere. Chroma of YUV frames is not interpolated. No allocation after
// construction.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/json.h"
#include "base/result.h"
#include "vision/frame.h"

namespace assay::vision {

// Whose arithmetic the resize follows, so that accuracy can be compared with a training pipeline.
enum class ResizeRule {
  pil,         // bilinear with antialias: Pillow's resize(BILINEAR), torchvision on PIL images
  opencv,      // bilinear without antialias, half-pixel centres, 11-bit weights: cv2.INTER_LINEAR
  torch_plain  // bilinear without antialias in float: torch interpolate(align_corners=False)
};
std::string_view word(ResizeRule r);  // "pil" "opencv" "torch-plain"
std::optional<ResizeRule> resize_rule_from(std::string_view s);

// How a frame's aspect meets the tensor's.
enum class Fit {
  shorter_crop,  // shorter side to resize_shorter, then the middle (ImageNet's way)
  stretch,       // straight to the tensor's sides
  letterbox      // largest fit with the aspect kept, bars of `pad` (detectors)
};
std::string_view word(Fit f);  // "shorter-crop" "stretch" "letterbox"
std::optional<Fit> fit_from(std::string_view s);

struct PreSpec {
  ResizeRule resize = ResizeRule::pil;
  Fit fit = Fit::shorter_crop;
  int64_t resize_shorter = 256;  // shorter_crop only; 0: the tensor's shorter side
  double pad = 114;              // grey level of letterbox bars
  double scale = 1 / 255.0;      // value = (level * scale - mean[c]) / std[c]
  std::vector<double> mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225};
  bool bgr = false;
  // int8 and uint8 tensors: q = round(value / quant_scale) + zero_point; with quant_scale 0 the
  // level itself is stored (uint8 only).
  double quant_scale = 0;
  int64_t zero_point = 0;
};
Json to_json(const PreSpec& spec);
// Members of `j` over the defaults; unknown members and values out of range are usage errors.
Result<PreSpec> pre_spec_from_json(const Json& j, std::string_view where);

// From tensor coordinates (pixel edges) to those of the frame that was given:
// x_frame = (x_tensor - offset_x) * scale_x.
struct TensorToFrame {
  double scale_x = 1, scale_y = 1, offset_x = 0, offset_y = 0;
};

class FramePre {
 public:
  // `input`: 1xCxHxW, 1xHxWxC (or without the 1), C 1 or 3; f32, f16, u8, i8. Frames up to
  // `max_width` x `max_height`. Usage error saying what does not fit.
  static Result<FramePre> create(const PreSpec& spec, const TensorSpec& input, int64_t max_width,
                                 int64_t max_height);
  FramePre(FramePre&&) noexcept;
  FramePre& operator=(FramePre&&) noexcept;
  ~FramePre();

  // Writes input.bytes() to `tensor` (64-byte aligned). `map` may be null. Weights are worked out
  // again only when the size of the frame changes, in memory taken before. too_large when the
  // frame is over the maximum, empty without pixels, unreadable without planes, unsupported for
  // another format; `tensor` is then as it was. Views into a frame (crops) are views with moved
  // planes.
  FrameFault run(const FrameView& frame, void* tensor, TensorToFrame* map) noexcept;
  int64_t height() const;  // of the tensor
  int64_t width() const;
  // The least sides a frame can be scaled down to before it is resized here without being
  // enlarged: what scaled decoding is asked for. {0, 0} when it cannot be known.
  void least_source(int64_t full_width, int64_t full_height, int64_t* width, int64_t* height) const;

 private:
  struct Impl;
  explicit FramePre(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "avx2", "vector" or "scalar": what run() uses on this machine. ASSAY_SIMD=scalar|vector lowers
// it.
std::string_view simd_level();

}  // namespace assay::vision
