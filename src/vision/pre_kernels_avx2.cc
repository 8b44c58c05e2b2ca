// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "vision/pre_kernels.inl"

namespace assay::vision {
namespace {

inline __m128i load16(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline __m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store16(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
inline void store32(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

// Two values an element, 16 bits each, of both lanes.
inline __m256i picked(const uint8_t* row, const int32_t* offsets, const StepRecord& r) {
  const __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(row + offsets[0])),
                                                load16(row + offsets[1]), 1);
  return _mm256_shuffle_epi8(bytes, load32(r.pick));
}

struct PilSums {
  __m256i upper = _mm256_setzero_si256(), lower = _mm256_set1_epi32(1 << (kTapBits - 1));
  void add(__m256i values, __m256i upper_weights, __m256i lower_weights) {
    upper = _mm256_add_epi32(upper, _mm256_madd_epi16(values, upper_weights));
    lower = _mm256_add_epi32(lower, _mm256_madd_epi16(values, lower_weights));
  }
  __m256i levels() const {
    return _mm256_srai_epi32(_mm256_add_epi32(_mm256_slli_epi32(upper, kTapBits / 2), lower),
                             kTapBits);
  }
};

template <class Do>
inline void each_step(const AcrossPlan& plan, int64_t group, Do&& add) {
  const AcrossSteps& s = plan.steps;
  const int32_t* offsets = s.offsets + group * s.steps * 4;
  const StepRecord* records = s.records + group * s.steps * 2;
  for (int64_t k = 0; k < s.steps; ++k, offsets += 4, records += 2) add(offsets, records);
}

void across_pil_steps(const AcrossPlan& plan, const uint8_t* row, uint8_t* out) {
  if (!plan.steps.groups) return across_pil(plan, row, out);
  for (int64_t g = 0; g < plan.steps.groups; ++g) {
    PilSums a, b;
    each_step(plan, g, [&](const int32_t* offsets, const StepRecord* r) {
      a.add(picked(row, offsets, r[0]), load32(r[0].pair[0]), load32(r[0].pair[1]));
      b.add(picked(row, offsets + 2, r[1]), load32(r[1].pair[0]), load32(r[1].pair[1]));
    });
    const __m256i words = _mm256_packs_epi32(a.levels(), b.levels());
    store16(out + 16 * g,
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
}

void across_opencv_steps(const AcrossPlan& plan, const uint8_t* row, int16_t* out) {
  if (!plan.steps.groups) return across_opencv(plan, row, out);
  for (int64_t g = 0; g < plan.steps.groups; ++g) {
    __m256i a = _mm256_setzero_si256(), b = a;
    each_step(plan, g, [&](const int32_t* offsets, const StepRecord* r) {
      a = _mm256_add_epi32(a, _mm256_madd_epi16(picked(row, offsets, r[0]), load32(r[0].pair[0])));
      b = _mm256_add_epi32(b,
                           _mm256_madd_epi16(picked(row, offsets + 2, r[1]), load32(r[1].pair[0])));
    });
    store32(out + 16 * g, _mm256_packs_epi32(_mm256_srli_epi32(a, 4), _mm256_srli_epi32(b, 4)));
  }
}

void across_real_steps(const AcrossPlan& plan, const uint8_t* row, float* out) {
  if (!plan.steps.groups) return across_real(plan, row, out);
  const auto add = [&](__m256 sum, const int32_t* offsets, const StepRecord& r) {
    const __m256i values = picked(row, offsets, r);
    const __m256 first = _mm256_cvtepi32_ps(_mm256_and_si256(values, _mm256_set1_epi32(0xffff))),
                 second = _mm256_cvtepi32_ps(_mm256_srli_epi32(values, 16));
    return _mm256_add_ps(sum, _mm256_add_ps(_mm256_mul_ps(first, _mm256_loadu_ps(r.real[0])),
                                            _mm256_mul_ps(second, _mm256_loadu_ps(r.real[1]))));
  };
  for (int64_t g = 0; g < plan.steps.groups; ++g) {
    __m256 a = _mm256_setzero_ps(), b = a;
    each_step(plan, g, [&](const int32_t* offsets, const StepRecord* r) {
      a = add(a, offsets, r[0]);
      b = add(b, offsets + 2, r[1]);
    });
    _mm256_storeu_ps(out + 16 * g, _mm256_permute2f128_ps(a, b, 0x20));
    _mm256_storeu_ps(out + 16 * g + 8, _mm256_permute2f128_ps(a, b, 0x31));
  }
}

void down_pil_pairs(const uint8_t* const* rows, const int32_t*, const int32_t* pairs, int64_t taps,
                    int64_t n, uint8_t* out) {
  for (int64_t i = 0; i < n; i += 16) {
    PilSums a, b;
    for (int64_t k = 0; k < taps; k += 2) {
      const __m128i even = load16(rows[k] + i), odd = load16(rows[k + 1 < taps ? k + 1 : k] + i);
      const __m256i upper = _mm256_set1_epi32(pairs[k]), lower = _mm256_set1_epi32(pairs[k + 1]);
      a.add(_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd)), upper, lower);
      b.add(_mm256_cvtepu8_epi16(_mm_unpackhi_epi8(even, odd)), upper, lower);
    }
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(a.levels(), b.levels()), 0xd8);
    store16(out + i,
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
}

void down_opencv_32(const int16_t* a, const int16_t* b, int32_t weight_a, int32_t weight_b,
                    int64_t n, uint8_t* out) {
  const __m256i wa = _mm256_set1_epi16(static_cast<int16_t>(weight_a)),
                wb = _mm256_set1_epi16(static_cast<int16_t>(weight_b));
  const auto levels = [&](int64_t i) {
    const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(load32(a + i), wa),
                                         _mm256_mulhi_epi16(load32(b + i), wb));
    return _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
  };
  for (int64_t i = 0; i < n; i += 32) {
    store32(out + i,
            _mm256_permute4x64_epi64(_mm256_packus_epi16(levels(i), levels(i + 16)), 0xd8));
  }
}

void split_16(const uint8_t* row, int64_t pixels, uint8_t* a, uint8_t* b, uint8_t* c) {
  constexpr int8_t x = -128;
  // Bytes of one channel out of each third of 48 bytes, at their places among 16.
  const __m128i a0 = _mm_setr_epi8(0, 3, 6, 9, 12, 15, x, x, x, x, x, x, x, x, x, x),
                a1 = _mm_setr_epi8(x, x, x, x, x, x, 2, 5, 8, 11, 14, x, x, x, x, x),
                a2 = _mm_setr_epi8(x, x, x, x, x, x, x, x, x, x, x, 1, 4, 7, 10, 13),
                b0 = _mm_setr_epi8(1, 4, 7, 10, 13, x, x, x, x, x, x, x, x, x, x, x),
                b1 = _mm_setr_epi8(x, x, x, x, x, 0, 3, 6, 9, 12, 15, x, x, x, x, x),
                b2 = _mm_setr_epi8(x, x, x, x, x, x, x, x, x, x, x, 2, 5, 8, 11, 14),
                c0 = _mm_setr_epi8(2, 5, 8, 11, 14, x, x, x, x, x, x, x, x, x, x, x),
                c1 = _mm_setr_epi8(x, x, x, x, x, 1, 4, 7, 10, 13, x, x, x, x, x, x),
                c2 = _mm_setr_epi8(x, x, x, x, x, x, x, x, x, x, 0, 3, 6, 9, 12, 15);
  for (int64_t i = 0; i < pixels; i += 16, row += 48) {
    const __m128i u = load16(row), v = load16(row + 16), w = load16(row + 32);
    const auto channel = [&](__m128i m0, __m128i m1, __m128i m2) {
      return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(u, m0), _mm_shuffle_epi8(v, m1)),
                          _mm_shuffle_epi8(w, m2));
    };
    store16(a + i, channel(a0, a1, a2));
    store16(b + i, channel(b0, b1, b2));
    store16(c + i, channel(c0, c1, c2));
  }
}

template <class Put>
inline int64_t each_eight(const Conversion& how, const uint8_t* levels, int64_t n, Put&& put) {
  __m256 factor[3], shift[3];
  for (int j = 0; j < 3; ++j) {
    factor[j] = _mm256_loadu_ps(how.factor + 8 * j);
    shift[j] = _mm256_loadu_ps(how.shift + 8 * j);
  }
  const auto one = [&](int64_t i, int j) {
    const __m256i eight =
        _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(levels + i)));
    put(i, _mm256_fmadd_ps(_mm256_cvtepi32_ps(eight), factor[j], shift[j]));
  };
  int64_t i = 0;
  for (; i + 24 <= n; i += 24) {
    one(i, 0);
    one(i + 8, 1);
    one(i + 16, 2);
  }
  for (int j = 0; i + 8 <= n; i += 8) one(i, j++);
  return i;
}

void convert_24(const Conversion& how, const uint8_t* levels, int64_t n, void* out) {
  if (how.raw) return convert(how, levels, n, out);
  int64_t done = 0;
  if (how.type == Conversion::Type::f32) {
    auto* to = static_cast<float*>(out);
    done = each_eight(how, levels, n, [&](int64_t i, __m256 v) { _mm256_storeu_ps(to + i, v); });
  } else if (how.type == Conversion::Type::f16) {
    auto* to = static_cast<uint16_t*>(out);
    done = each_eight(how, levels, n, [&](int64_t i, __m256 v) {
      store16(to + i, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    });
  } else {
    auto* to = static_cast<uint8_t*>(out);
    const __m256 least = _mm256_set1_ps(how.least), most = _mm256_set1_ps(how.most);
    const __m256i zero_point = _mm256_set1_epi32(how.zero_point);
    // The low byte of each number, which is in the type's range.
    const __m256i low =
        _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12,
                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    done = each_eight(how, levels, n, [&](int64_t i, __m256 v) {
      const __m256i q = _mm256_add_epi32(
          _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, least), most)), zero_point);
      const __m256i bytes = _mm256_shuffle_epi8(q, low);
      _mm_storel_epi64(
          reinterpret_cast<__m128i*>(to + i),
          _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
    });
  }
  convert_rest(how, levels, done, n, out);
}

// Luma and chroma of 16 pixels as 16-bit differences from black and from grey.
struct YuvSixteen {
  __m256i y, u, v;
};

// Chroma of 8 pairs of pixels, each value twice.
inline __m256i doubled(__m128i eight) {  // 8 bytes in the lower half
  return _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(eight, eight)),
                          _mm256_set1_epi16(128));
}

inline YuvSixteen load_yuv(const YuvRow& row, int64_t x) {
  YuvSixteen p;
  p.y = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(row.y + x)),
                         _mm256_set1_epi16(static_cast<int16_t>(row.black)));
  if (row.chroma_step == 1) {
    p.u = doubled(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(row.u + x / 2)));
    p.v = doubled(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(row.v + x / 2)));
  } else {  // u and v in turn
    const __m128i both = load16(row.u + x);
    const __m128i apart =
        _mm_shuffle_epi8(both, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
    p.u = doubled(apart);
    p.v = doubled(_mm_unpackhi_epi64(apart, apart));
  }
  return p;
}

// (a * weight_a + b * weight_b + c * weight_c + half) >> 13 as bytes, in the order of the pixels.
inline __m128i yuv_level(__m256i a, int32_t weight_a, __m256i b, int32_t weight_b, __m256i c,
                         int32_t weight_c) {
  const auto pair = [](int32_t low, int32_t high) {
    return _mm256_set1_epi32(static_cast<int32_t>(static_cast<uint32_t>(low & 0xffff) |
                                                  static_cast<uint32_t>(high & 0xffff) << 16));
  };
  const __m256i first = pair(weight_a, weight_b), second = pair(weight_c, 1 << 12),
                one = _mm256_set1_epi16(1);
  const auto sum = [&](__m256i ab, __m256i c1) {
    return _mm256_srai_epi32(
        _mm256_add_epi32(_mm256_madd_epi16(ab, first), _mm256_madd_epi16(c1, second)), 13);
  };
  const __m256i words =
      _mm256_packs_epi32(sum(_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(c, one)),
                         sum(_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(c, one)));
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

// R, G and B of 16 pixels as 48 bytes in turn.
inline void store_rgb(uint8_t* out, __m128i r, __m128i g, __m128i b) {
  constexpr int8_t x = -128;
  const auto third = [&](__m128i mr, __m128i mg, __m128i mb) {
    return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(r, mr), _mm_shuffle_epi8(g, mg)),
                        _mm_shuffle_epi8(b, mb));
  };
  store16(out, third(_mm_setr_epi8(0, x, x, 1, x, x, 2, x, x, 3, x, x, 4, x, x, 5),
                     _mm_setr_epi8(x, 0, x, x, 1, x, x, 2, x, x, 3, x, x, 4, x, x),
                     _mm_setr_epi8(x, x, 0, x, x, 1, x, x, 2, x, x, 3, x, x, 4, x)));
  store16(out + 16, third(_mm_setr_epi8(x, x, 6, x, x, 7, x, x, 8, x, x, 9, x, x, 10, x),
                          _mm_setr_epi8(5, x, x, 6, x, x, 7, x, x, 8, x, x, 9, x, x, 10),
                          _mm_setr_epi8(x, 5, x, x, 6, x, x, 7, x, x, 8, x, x, 9, x, x)));
  store16(out + 32, third(_mm_setr_epi8(x, 11, x, x, 12, x, x, 13, x, x, 14, x, x, 15, x, x),
                          _mm_setr_epi8(x, x, 11, x, x, 12, x, x, 13, x, x, 14, x, x, 15, x),
                          _mm_setr_epi8(10, x, x, 11, x, x, 12, x, x, 13, x, x, 14, x, x, 15)));
}

void yuv_16(const YuvRow& row, int64_t begin, int64_t end, uint8_t* out) {
  int64_t x = begin;
  // 16 bytes of interleaved chroma end where 16 pixels do, so nothing outside is read.
  for (; x + 16 <= end; x += 16) {
    const YuvSixteen p = load_yuv(row, x);
    const __m256i none = _mm256_setzero_si256();
    store_rgb(out + 3 * x, yuv_level(p.y, row.luma, p.v, row.red, none, 0),
              yuv_level(p.y, row.luma, p.u, row.green_u, p.v, row.green_v),
              yuv_level(p.y, row.luma, p.u, row.blue, none, 0));
  }
  yuv(row, x, end, out);
}

}  // namespace

const PreKernels kAvx2PreKernels = {"avx2",
                                    true,
                                    across_pil_steps,
                                    across_opencv_steps,
                                    across_real_steps,
                                    down_pil_pairs,
                                    down_opencv_32,
                                    down_real,
                                    split_16,
                                    convert_24,
                                    convert_real,
                                    yuv_16};

}  // namespace assay::vision
