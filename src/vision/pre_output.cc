// SPDX-License-Identifier: Apache-2.0
#include "vision/pre_output.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/text.h"

namespace assay::vision {
namespace {

Result<Conversion> basic(const PreSpec& spec, const TensorSpec& input, int64_t channels) {
  const auto wrong = [&](std::string_view why, std::string_view fix) {
    return bad_input(fmt::format("input '{}' of {} {}: {}", one_line(input.name, 80),
                                 dtype_name(input.dtype), shape_text(input.shape), why),
                     std::string(fix));
  };
  Conversion out;
  if (spec.mean.size() != 1 && static_cast<int64_t>(spec.mean.size()) != channels)
    return wrong(fmt::format("{} means for {} channel(s)", spec.mean.size(), channels),
                 "give one mean and deviation, or one of each a channel");
  if (input.dtype == DType::f32) {
    out.type = Conversion::Type::f32;
  } else if (input.dtype == DType::f16) {
    out.type = Conversion::Type::f16;
  } else if (input.dtype == DType::u8 || input.dtype == DType::i8) {
    const bool is_signed = input.dtype == DType::i8;
    out.type = is_signed ? Conversion::Type::i8 : Conversion::Type::u8;
    out.raw = spec.quant_scale == 0;
    const int32_t low = is_signed ? -128 : 0, high = is_signed ? 127 : 255;
    if (out.raw && is_signed)
      return wrong("int8 needs a quantisation scale", "give quant_scale and zero_point");
    if (!out.raw && (spec.zero_point < low || spec.zero_point > high))
      return wrong(fmt::format("zero_point {} is not of the type", spec.zero_point),
                   fmt::format("give a number from {} to {}", low, high));
    out.zero_point = out.raw ? 0 : static_cast<int32_t>(spec.zero_point);
    out.least = static_cast<float>(low - out.zero_point);
    out.most = static_cast<float>(high - out.zero_point);
  } else {
    return wrong("the type does not take images", "frames become float32, float16, uint8 or int8");
  }
  return out;
}

}  // namespace

Result<PreOutput> PreOutput::create(const PreSpec& spec, const TensorSpec& input) {
  PreOutput out;
  ASSAY_TRY(out.layout_, image_layout(input));
  const int64_t channels = out.layout_.channels;
  ASSAY_TRY(const Conversion how, basic(spec, input, channels));
  out.size_ = dtype_size(input.dtype);
  const double limit = how.type == Conversion::Type::f16 ? 65504 : 1e38;
  const bool quantised = how.type == Conversion::Type::u8 || how.type == Conversion::Type::i8;
  out.interleaved_ = how;
  for (int64_t c = 0; c < channels; ++c) {
    const size_t k = spec.mean.size() == 1 ? 0 : static_cast<size_t>(c);
    const double unit = how.raw ? 1 : spec.std[k] * (quantised ? spec.quant_scale : 1);
    const double factor = how.raw ? 1 : spec.scale / unit,
                 shift = how.raw ? 0 : -spec.mean[k] / unit;
    if (std::abs(shift) > limit || std::abs(255 * factor + shift) > limit) {
      return bad_input(
          fmt::format("input '{}': numbers from {} to {} do not fit {}", one_line(input.name, 80),
                      shift, 255 * factor + shift, dtype_name(input.dtype)),
          "check scale, mean, std and quant_scale");
    }
    out.planes_[c] = how;
    for (int64_t j = 0; j < 24; ++j) {
      out.planes_[c].factor[j] = static_cast<float>(factor);
      out.planes_[c].shift[j] = static_cast<float>(shift);
      if (j % channels == c) {
        out.interleaved_.factor[j] = static_cast<float>(factor);
        out.interleaved_.shift[j] = static_cast<float>(shift);
      }
    }
  }
  out.tables_.resize(static_cast<size_t>(channels * 256));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t level = 0; level < 256; ++level)
      out.tables_[static_cast<size_t>(c * 256 + level)] = out.number(c, static_cast<float>(level));
  }
  for (int64_t j = 0; j < 3; ++j) {
    for (int64_t c = 0; c < channels; ++c) out.planes_[c].table[j] = out.tables_.data() + 256 * c;
    out.interleaved_.table[j] = out.tables_.data() + 256 * (j % channels);
  }
  // What a resized frame does not reach is black after a crop, as torchvision pads, and `pad`
  // around a letterbox.
  const auto bar = static_cast<float>(spec.fit == Fit::letterbox ? spec.pad : 0);
  const int64_t width = out.layout_.width;
  out.bar_.resize(static_cast<size_t>(width * channels * out.size_));
  for (int64_t c = 0; c < channels; ++c) {
    const uint32_t bits = out.number(c, bar);
    for (int64_t x = 0; x < width; ++x) {
      const int64_t i = out.layout_.channels_last ? x * channels + c : c * width + x;
      std::memcpy(out.bar_.data() + i * out.size_, &bits, static_cast<size_t>(out.size_));
    }
  }
  out.split_stride_ = (width + kRowPad - 1) / kRowPad * kRowPad;
  out.split_.resize(static_cast<size_t>(3 * out.split_stride_));
  return out;
}

uint32_t PreOutput::number(int64_t c, float level) const {
  const Conversion& how = planes_[c];
  const float v = std::fmaf(level, how.factor[0], how.shift[0]);
  uint32_t bits = 0;
  if (how.type == Conversion::Type::f32) {
    std::memcpy(&bits, &v, 4);
  } else if (how.type == Conversion::Type::f16) {
    bits = to_half(v);
  } else {
    const auto q = static_cast<int32_t>(std::nearbyint(std::clamp(v, how.least, how.most)));
    bits = static_cast<uint8_t>(q + how.zero_point);
  }
  return bits;
}

std::byte* PreOutput::at(std::byte* tensor, int64_t c, int64_t y, int64_t x) const {
  const int64_t i = layout_.channels_last ? (y * layout_.width + x) * layout_.channels + c
                                          : (c * layout_.height + y) * layout_.width + x;
  return tensor + i * size_;
}

void PreOutput::bars(const Placement& p, std::byte* tensor) const {
  const int64_t rows = layout_.channels_last ? 1 : layout_.channels;
  const int64_t pixel = layout_.channels_last ? layout_.channels * size_ : size_;
  for (int64_t c = 0; c < rows; ++c) {
    const std::byte* bar = bar_.data() + c * layout_.width * size_;
    const auto fill = [&](int64_t y, int64_t from, int64_t to) {
      if (from < to) {
        std::memcpy(at(tensor, c, y, from), bar + from * pixel,
                    static_cast<size_t>((to - from) * pixel));
      }
    };
    for (int64_t y = 0; y < layout_.height; ++y) {
      if (y < p.y0 || y >= p.y1) {
        fill(y, 0, layout_.width);
      } else {
        fill(y, 0, p.x0);
        fill(y, p.x1, layout_.width);
      }
    }
  }
}

void PreOutput::put(const PreKernels& kernels, const Placement& p, int64_t y, const uint8_t* levels,
                    std::byte* tensor) {
  const int64_t n = p.x1 - p.x0;
  uint8_t* a = split_.data();
  if (layout_.channels == 1) {
    for (int64_t x = 0; x < n; ++x, levels += 3)
      a[x] = static_cast<uint8_t>(luma_level(levels[0], levels[1], levels[2]));
    kernels.convert(planes_[0], a, n, at(tensor, 0, y, p.x0));
  } else if (layout_.channels_last) {
    kernels.convert(interleaved_, levels, 3 * n, at(tensor, 0, y, p.x0));
  } else {
    kernels.split(levels, n, a, a + split_stride_, a + 2 * split_stride_);
    for (int64_t c = 0; c < 3; ++c)
      kernels.convert(planes_[c], a + c * split_stride_, n, at(tensor, c, y, p.x0));
  }
}

void PreOutput::put_real(const PreKernels& kernels, const Placement& p, int64_t y, float* levels,
                         std::byte* tensor) {
  const int64_t n = p.x1 - p.x0;
  if (layout_.channels == 1) {  // in place: pixel x is read before it is written over
    for (int64_t x = 0; x < n; ++x) {
      levels[x] = levels[3 * x] * (19595 / 65536.0F) + levels[3 * x + 1] * (38470 / 65536.0F) +
                  levels[3 * x + 2] * (7471 / 65536.0F);
    }
    kernels.convert_real(planes_[0], levels, n, 1, at(tensor, 0, y, p.x0));
  } else if (layout_.channels_last) {
    kernels.convert_real(interleaved_, levels, 3 * n, 1, at(tensor, 0, y, p.x0));
  } else {
    for (int64_t c = 0; c < 3; ++c)
      kernels.convert_real(planes_[c], levels + c, n, 3, at(tensor, c, y, p.x0));
  }
}

}  // namespace assay::vision
