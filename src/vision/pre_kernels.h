// SPDX-License-Identifier: Apache-2.0
// The inner loops of FramePre, compiled once per instruction set and picked at run time. All give
// the same bits: 8-bit rules are integer arithmetic, float rules use one order of operations and
// fuse only where every level does.
//
// A row of `n` elements is R,G,B interleaved (in the order of the tensor's channels), n = 3 x
// pixels. Buffers have room up to the next multiple of kRowPad elements, which may be overwritten
// with anything; sources are never read outside what the taps name.
#pragma once

#include <cstdint>

namespace assay::vision {

constexpr int64_t kRowPad = 192;

// One axis of a resize: target i is made of the source pixels [first[i], first[i] + count[i]).
// pil: count weights of 2^-22 at weights[at[i]]. opencv: two of 2^-11, torch_plain: two floats at
// real[at[i]]; the second belongs to the last of the span.
struct AxisTaps {
  const int32_t *first, *count, *at;
  const int32_t* weights;
  const float* real;
};

// The same for kernels that take 16 bytes at once. A group is 16 elements, made by two vectors of
// two lanes of four elements: elements 0-3 and 8-11, 4-7 and 12-15. Each step of a lane loads the
// 16 bytes at its offset and picks up to two taps an element.
struct StepRecord {
  uint8_t pick[32];  // byte shuffle of both lanes: two 16-bit values an element
  union {
    int16_t pair[2][16];  // pil: upper and lower 11 bits of two weights; opencv: [0] only
    float real[2][8];     // torch_plain: weights of the first and of the second value
  };
};
struct AcrossSteps {
  int64_t groups = 0, steps = 0;        // steps of every lane
  const int32_t* offsets = nullptr;     // [groups][steps][vector 0 lanes 0,1; vector 1 lanes 0,1]
  const StepRecord* records = nullptr;  // [groups][steps][vector]
};

struct AcrossPlan {
  int64_t pixels = 0;
  int order[3] = {0, 1, 2};  // source channel of each target channel
  AxisTaps taps{};
  AcrossSteps steps;  // groups 0 where there are none
};

// How levels become numbers of the tensor: number = level * factor + shift in one fused float
// operation, then the type. Patterns of 24 so that vectors of 8 fit 1 and 3 channels.
struct Conversion {
  enum class Type : int32_t { f32, f16, u8, i8 } type = Type::f32;
  bool raw = false;  // u8: the level itself
  float factor[24], shift[24];
  float least = 0, most = 0;      // of the rounded quotient, before zero_point is added
  int32_t zero_point = 0;         // u8 and i8
  const uint32_t* table[3] = {};  // bits of the number of each level, by element % 3
};

// Rows of planes of a YUV frame; chroma of pixel x at [x / 2 * chroma_step].
struct YuvRow {
  const uint8_t *y, *u, *v;
  int32_t chroma_step;
  // R = (luma * (Y - black) + red * V') >> 13, G with green_u, green_v, B with blue, all rounded.
  int32_t black, luma, red, green_u, green_v, blue;
};

struct PreKernels {
  const char* name;
  bool uses_steps;
  void (*across_pil)(const AcrossPlan& plan, const uint8_t* row, uint8_t* out);
  void (*across_opencv)(const AcrossPlan& plan, const uint8_t* row, int16_t* out);
  void (*across_real)(const AcrossPlan& plan, const uint8_t* row, float* out);
  // `pairs`: upper and lower 11 bits of weights 2k and 2k+1 as two 16-bit halves, at [2k], [2k+1].
  void (*down_pil)(const uint8_t* const* rows, const int32_t* weights, const int32_t* pairs,
                   int64_t taps, int64_t n, uint8_t* out);
  void (*down_opencv)(const int16_t* a, const int16_t* b, int32_t weight_a, int32_t weight_b,
                      int64_t n, uint8_t* out);
  void (*down_real)(const float* a, const float* b, float weight_a, float weight_b, int64_t n,
                    float* out);
  void (*split)(const uint8_t* row, int64_t pixels, uint8_t* a, uint8_t* b, uint8_t* c);
  void (*convert)(const Conversion& how, const uint8_t* levels, int64_t n, void* out);
  // Every `stride`-th of `levels`.
  void (*convert_real)(const Conversion& how, const float* levels, int64_t n, int64_t stride,
                       void* out);
  // Pixels [begin, end) to out + 3 * begin; begin is even.
  void (*yuv)(const YuvRow& row, int64_t begin, int64_t end, uint8_t* out);
};

extern const PreKernels kScalarPreKernels, kVectorPreKernels;
#ifdef ASSAY_X86_PRE
extern const PreKernels kAvx2PreKernels;
#endif

// The fastest this processor runs that ASSAY_SIMD allows.
const PreKernels& pre_kernels();

uint16_t to_half(float v);  // writer.h

}  // namespace assay::vision
