// SPDX-License-Identifier: Apache-2.0
// Loops that any compiler understands. Included by files with instruction-set flags of their own:
// no inline function of a library may be used here, as the linker could keep this file's copy.
#include <cstddef>

#include "vision/pre_kernels.h"
#include "vision/taps.h"

namespace assay::vision {
namespace {

inline int32_t clamp_int(int32_t v, int32_t low, int32_t high) {
  return v < low ? low : v > high ? high : v;
}
inline float clamp_real(float v, float low, float high) {
  return v < low ? low : v > high ? high : v;
}

[[maybe_unused]] void across_pil(const AcrossPlan& plan, const uint8_t* row, uint8_t* out) {
  for (int64_t i = 0; i < plan.pixels; ++i, out += 3) {
    const uint8_t* p = row + 3 * static_cast<int64_t>(plan.taps.first[i]);
    const int32_t* w = plan.taps.weights + plan.taps.at[i];
    int32_t sums[3] = {0, 0, 0};
    for (int32_t k = 0; k < plan.taps.count[i]; ++k, p += 3)
      for (int c = 0; c < 3; ++c) sums[c] += w[k] * p[c];
    for (int c = 0; c < 3; ++c) out[c] = tap_level(sums[plan.order[c]]);
  }
}

[[maybe_unused]] void across_opencv(const AcrossPlan& plan, const uint8_t* row, int16_t* out) {
  for (int64_t i = 0; i < plan.pixels; ++i, out += 3) {
    const uint8_t* p = row + 3 * static_cast<int64_t>(plan.taps.first[i]);
    const uint8_t* q = p + 3 * (plan.taps.count[i] - 1);
    const int32_t* w = plan.taps.weights + plan.taps.at[i];
    for (int c = 0; c < 3; ++c)
      out[c] = static_cast<int16_t>((p[plan.order[c]] * w[0] + q[plan.order[c]] * w[1]) >> 4);
  }
}

[[maybe_unused]] void across_real(const AcrossPlan& plan, const uint8_t* row, float* out) {
  for (int64_t i = 0; i < plan.pixels; ++i, out += 3) {
    const uint8_t* p = row + 3 * static_cast<int64_t>(plan.taps.first[i]);
    const uint8_t* q = p + 3 * (plan.taps.count[i] - 1);
    const float* w = plan.taps.real + plan.taps.at[i];
    for (int c = 0; c < 3; ++c) {
      out[c] =
          static_cast<float>(p[plan.order[c]]) * w[0] + static_cast<float>(q[plan.order[c]]) * w[1];
    }
  }
}

[[maybe_unused]] void down_pil(const uint8_t* const* rows, const int32_t* weights, const int32_t*,
                               int64_t taps, int64_t n, uint8_t* out) {
  constexpr int64_t kBlock = 64;  // sums stay in the first-level cache
  for (int64_t i = 0; i < n; i += kBlock) {
    int32_t sums[kBlock] = {};
    for (int64_t k = 0; k < taps; ++k) {
      const uint8_t* row = rows[k] + i;
      for (int64_t j = 0; j < kBlock; ++j) sums[j] += weights[k] * row[j];
    }
    for (int64_t j = 0; j < kBlock; ++j) out[i + j] = tap_level(sums[j]);
  }
}

[[maybe_unused]] void down_opencv(const int16_t* a, const int16_t* b, int32_t weight_a,
                                  int32_t weight_b, int64_t n, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) {
    const int32_t sum = ((a[i] * weight_a) >> 16) + ((b[i] * weight_b) >> 16);
    out[i] = static_cast<uint8_t>(clamp_int((sum + 2) >> 2, 0, 255));
  }
}

[[maybe_unused]] void down_real(const float* a, const float* b, float weight_a, float weight_b,
                                int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] * weight_a + b[i] * weight_b;
}

[[maybe_unused]] void split(const uint8_t* row, int64_t pixels, uint8_t* a, uint8_t* b,
                            uint8_t* c) {
  for (int64_t i = 0; i < pixels; ++i) {
    a[i] = row[3 * i];
    b[i] = row[3 * i + 1];
    c[i] = row[3 * i + 2];
  }
}

// From element `i`, which need not be the first.
inline void convert_rest(const Conversion& how, const uint8_t* levels, int64_t i, int64_t n,
                         void* out) {
  switch (how.type) {
    case Conversion::Type::f32:
      for (; i < n; ++i) static_cast<uint32_t*>(out)[i] = how.table[i % 3][levels[i]];
      break;
    case Conversion::Type::f16:
      for (; i < n; ++i)
        static_cast<uint16_t*>(out)[i] = static_cast<uint16_t>(how.table[i % 3][levels[i]]);
      break;
    case Conversion::Type::u8:
    case Conversion::Type::i8:
      for (; i < n; ++i)
        static_cast<uint8_t*>(out)[i] = static_cast<uint8_t>(how.table[i % 3][levels[i]]);
  }
}

[[maybe_unused]] void convert(const Conversion& how, const uint8_t* levels, int64_t n, void* out) {
  if (how.raw)
    __builtin_memcpy(out, levels, static_cast<size_t>(n));
  else
    convert_rest(how, levels, 0, n, out);
}

inline int32_t quantised(const Conversion& how, float v) {
  return static_cast<int32_t>(__builtin_nearbyintf(clamp_real(v, how.least, how.most))) +
         how.zero_point;
}

[[maybe_unused]] void convert_real(const Conversion& how, const float* levels, int64_t n,
                                   int64_t stride, void* out) {
  for (int64_t i = 0, j = 0; i < n; ++i, j = j == 23 ? 0 : j + 1) {
    const float v = __builtin_fmaf(levels[i * stride], how.factor[j], how.shift[j]);
    switch (how.type) {
      case Conversion::Type::f32:
        static_cast<float*>(out)[i] = v;
        break;
      case Conversion::Type::f16:
        static_cast<uint16_t*>(out)[i] = to_half(v);
        break;
      case Conversion::Type::u8:
      case Conversion::Type::i8:
        static_cast<uint8_t*>(out)[i] = static_cast<uint8_t>(quantised(how, v));
    }
  }
}

[[maybe_unused]] void yuv(const YuvRow& row, int64_t begin, int64_t end, uint8_t* out) {
  constexpr int32_t kHalf = 1 << 12;
  out += 3 * begin;
  for (int64_t x = begin; x < end; ++x, out += 3) {
    const int64_t at = (x >> 1) * row.chroma_step;
    const int32_t u = row.u[at] - 128, v = row.v[at] - 128;
    const int32_t y = row.luma * (row.y[x] - row.black) + kHalf;
    out[0] = static_cast<uint8_t>(clamp_int((y + row.red * v) >> 13, 0, 255));
    out[1] = static_cast<uint8_t>(clamp_int((y + row.green_u * u + row.green_v * v) >> 13, 0, 255));
    out[2] = static_cast<uint8_t>(clamp_int((y + row.blue * u) >> 13, 0, 255));
  }
}

}  // namespace
}  // namespace assay::vision
