// SPDX-License-Identifier: Apache-2.0
// Body of one kernel set; included with ASSAY_KERNELS_NAME defined. Uses nothing from the standard
// library that could be inlined: a copy compiled for a newer processor must never be picked by the
// linker for all.
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "compare/kernels.h"

#pragma GCC diagnostic ignored "-Wpsabi"

namespace assay::compare {
namespace {

typedef float F16 __attribute__((vector_size(64)));
typedef int32_t I16 __attribute__((vector_size(64)));
typedef uint32_t U16 __attribute__((vector_size(64)));
typedef float F8 __attribute__((vector_size(32)));
typedef double D8 __attribute__((vector_size(64)));
#define ASSAY_INLINE static inline __attribute__((always_inline))

template <class V>
ASSAY_INLINE V load(const void* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V>
ASSAY_INLINE void store(void* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}
ASSAY_INLINE D8 widen(F8 v) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd((__m256)v);  // g++ 12 makes two halves of the generic form
#else
  return __builtin_convertvector(v, D8);
#endif
}
ASSAY_INLINE D8 widen(const float* from) { return widen(load<F8>(from)); }
ASSAY_INLINE F8 low_half(F16 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
ASSAY_INLINE F8 high_half(F16 v) {
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}

ASSAY_INLINE D8 absolute(D8 v) {
#if defined(__AVX512F__)
  return _mm512_abs_pd(v);
#else
  typedef int64_t L8 __attribute__((vector_size(64)));
  return (D8)((L8)v & (L8{} + INT64_MAX));
#endif
}
ASSAY_INLINE F16 absolute(F16 v) { return (F16)((I16)v & (I16{} + INT32_MAX)); }
ASSAY_INLINE D8 larger(D8 a, D8 b) {
#if defined(__AVX512F__)
  return _mm512_max_pd(a, b);
#else
  return a > b ? a : b;
#endif
}
ASSAY_INLINE F16 larger(F16 a, F16 b) {
#if defined(__AVX512F__)
  return _mm512_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
// Products of two floats are exact in double, so fusing them with the sum changes nothing.
ASSAY_INLINE D8 add_product(D8 sum, D8 a, D8 b) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, sum);
#else
  return sum + a * b;
#endif
}
// |a - b| of ordered integers as unsigned words.
ASSAY_INLINE U16 distance(I16 a, I16 b) {
#if defined(__AVX512F__)
  return (U16)_mm512_sub_epi32(_mm512_max_epi32((__m512i)a, (__m512i)b),
                               _mm512_min_epi32((__m512i)a, (__m512i)b));
#else
  const U16 d = (U16)a - (U16)b;
  return a < b ? U16{} - d : d;
#endif
}
// Sets every bit below the highest one.
ASSAY_INLINE U16 smear(U16 x) {
#if defined(__AVX512CD__)
  return (U16)_mm512_srlv_epi32(_mm512_set1_epi32(-1),
                                _mm512_lzcnt_epi32((__m512i)x));  // a shift by 32 gives 0
#else
  x |= x >> 1;
  x |= x >> 2;
  x |= x >> 4;
  x |= x >> 8;
  return x | x >> 16;
#endif
}
ASSAY_INLINE double total(D8 v) {
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}
ASSAY_INLINE double greatest(D8 v) {
  double m = v[0];
  for (int i = 1; i < 8; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

RowDelta pair_row(const float* a, const int32_t* a_rank, const float* b, const int32_t* b_rank,
                  int64_t padded, uint32_t* unary) {
  D8 abs0{}, abs1{}, max0{}, max1{}, rel0{}, rel1{}, dot0{}, dot1{};
  F16 rel_max{};
  const F16 tiny =
      F16{} + 1e-45f;  // keeps 0/0 out: |0-0| / tiny = 0; every other denominator is unchanged
  for (int64_t i = 0; i < padded; i += kLanes) {
    store(unary + i, smear(distance(load<I16>(a_rank + i), load<I16>(b_rank + i))));
    const D8 a0 = widen(a + i), a1 = widen(a + i + 8), b0 = widen(b + i), b1 = widen(b + i + 8);
    const D8 d0 = absolute(a0 - b0), d1 = absolute(a1 - b1);
    abs0 += d0;
    abs1 += d1;
    max0 = larger(d0, max0);
    max1 = larger(d1, max1);
    dot0 = add_product(dot0, a0, b0);
    dot1 = add_product(dot1, a1, b1);
    const F16 fa = load<F16>(a + i), fb = load<F16>(b + i);
    const F16 rel = absolute(fa - fb) / larger(larger(absolute(fa), absolute(fb)), tiny);
    rel_max = larger(rel, rel_max);
    rel0 += widen(low_half(rel));
    rel1 += widen(high_half(rel));
  }
  RowDelta out;
  out.sum_abs = total(abs0 + abs1);
  out.max_abs = greatest(larger(max0, max1));
  out.sum_rel = total(rel0 + rel1);
  out.dot = total(dot0 + dot1);
  float most = 0;
  for (int i = 0; i < kLanes; ++i) most = rel_max[i] > most ? rel_max[i] : most;
  out.max_rel = most;
  return out;
}

// Carry-save adder: adds `in` to the bit-sliced counter digit `sum`, returns the carry.
ASSAY_INLINE U16 carry(U16& sum, U16 x, U16 y) {
  const U16 u = sum ^ x;
  const U16 c = (sum & x) | (u & y);
  sum = u ^ y;
  return c;
}

ASSAY_INLINE void spread(U16 word, uint32_t weight, U16 sums[32]) {
  for (int k = 0; k < 32; ++k) sums[k] += ((word >> k) & 1u) * weight;
}

void count_bits(const uint32_t* words, int64_t padded, uint64_t counts[32]) {
  U16 sums[32];
  for (auto& s : sums) s = U16{};
  U16 digit[5] = {};  // bit-sliced counts of weight 1, 2, 4, 8, 16
  int64_t i = 0;
  for (; i + 32 * kLanes <= padded; i += 32 * kLanes) {
    U16 level[16];
    for (int j = 0; j < 16; ++j)
      level[j] = carry(digit[0], load<U16>(words + i + 2 * j * kLanes),
                       load<U16>(words + i + (2 * j + 1) * kLanes));
    for (int d = 1, n = 16; d < 5; ++d, n /= 2)
      for (int j = 0; j < n / 2; ++j) level[j] = carry(digit[d], level[2 * j], level[2 * j + 1]);
    spread(level[0], 32, sums);
  }
  for (int d = 0; d < 5; ++d) spread(digit[d], 1u << d, sums);
  for (; i < padded; i += kLanes) spread(load<U16>(words + i), 1, sums);
  for (int k = 0; k < 32; ++k)
    for (int lane = 0; lane < kLanes; ++lane) counts[k] += sums[k][lane];
}

bool prepare(const float* values, int64_t padded, int32_t* rank, double* norm) {
  D8 dot0{}, dot1{};
  I16 bad{};
  for (int64_t i = 0; i < padded; i += kLanes) {
    const I16 bits = load<I16>(values + i), sign = bits >> 31,
              magnitude = bits & (I16{} + INT32_MAX);
    store(rank + i, (I16)((magnitude ^ sign) - sign));
    bad |= magnitude >= I16{} + 0x7e800000;  // 2^126
    const D8 v0 = widen(values + i), v1 = widen(values + i + 8);
    dot0 = add_product(dot0, v0, v0);
    dot1 = add_product(dot1, v1, v1);
  }
  *norm = total(dot0 + dot1);
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= bad[i];
  return any == 0;
}

// exp of x <= 0: x = k ln2 + r, a polynomial of degree 6 in r, k put into the exponent. 0 below
// -87.
ASSAY_INLINE F16 exp_negative(F16 x) {
  const F16 floor = F16{} - 87.0f;
  const I16 alive = x > floor;
  x = alive ? x : floor;
  const F16 magic =
      F16{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const F16 shifted = x * 1.44269504088896341f + magic;
  const F16 k = shifted - magic;
  F16 r = x - k * 0.693359375f;
  r = r - k * -2.12194440e-4f;
  F16 p = F16{} + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const I16 scaled = (I16)p + ((I16)shifted << 23);
  return (F16)(scaled & alive);
}

double sum_exp(const float* values, int64_t n, float top) {
  D8 sum0{}, sum1{};
  for (int64_t i = 0; i < n; i += kLanes) {
    F16 v;
    if (i + kLanes <= n) {
      v = load<F16>(values + i);
    } else {
      v = F16{} - __builtin_inff();
      __builtin_memcpy(&v, values + i, static_cast<size_t>(n - i) * sizeof(float));
    }
    const F16 e = exp_negative(v - top);
    sum0 += widen(low_half(e));
    sum1 += widen(high_half(e));
  }
  return total(sum0 + sum1);
}

int64_t next_above(const float* values, int64_t from, int64_t n, float limit) {
  int64_t i = from;
  for (; i + kLanes <= n; i += kLanes) {
    const F16 v = load<F16>(values + i);
#if defined(__AVX512F__)
    const unsigned mask = _mm512_cmp_ps_mask(v, _mm512_set1_ps(limit), _CMP_GT_OQ);
    if (mask != 0) return i + __builtin_ctz(mask);
#else
    const I16 above = v > limit;
    typedef int64_t L8 __attribute__((vector_size(64)));
    const L8 wide = (L8)above;
    if (((wide[0] | wide[1]) | (wide[2] | wide[3]) | (wide[4] | wide[5]) | (wide[6] | wide[7])) !=
        0)
      break;
#endif
  }
  while (i < n && !(values[i] > limit)) ++i;
  return i;
}

}  // namespace

extern const Kernels ASSAY_KERNELS;
const Kernels ASSAY_KERNELS = {ASSAY_KERNELS_NAME, pair_row, count_bits, prepare, sum_exp,
                               next_above};

}  // namespace assay::compare
