// SPDX-License-Identifier: Apache-2.0
// Independent chains of multiply-adds, as many as hide the latency and fit the registers. The
// values converge, so that nothing overflows or becomes denormal; the results go to an empty
// assembler statement, so that nothing is removed.
#include "platform/peaks_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#endif

#pragma GCC diagnostic ignored "-Wpsabi"

namespace assay::platform {
namespace {

// What the compiler makes of vectors of 16 bytes: SSE2, or Advanced SIMD with fused operations.
typedef float F4 __attribute__((vector_size(16)));
#if defined(__x86_64__)
constexpr int kChains = 12;
constexpr const char* kGeneric = "sse2";
#else
constexpr int kChains = 24;
constexpr const char* kGeneric = "generic";
#endif

void fp32_generic(int64_t n) {
  F4 a[kChains];
  for (int k = 0; k < kChains; ++k) a[k] = F4{1, 2, 3, 4} + static_cast<float>(k);
  F4 m = F4{} + 0.999f, c = F4{} + 0.001f;
  asm volatile("" : "+m"(m), "+m"(c));
  for (; n > 0; --n) {
#pragma GCC unroll 24
    for (int k = 0; k < kChains; ++k) a[k] = a[k] * m + c;
  }
  for (int k = 0; k < kChains; ++k) asm volatile("" : : "m"(a[k]));
}

#if defined(__x86_64__)
#define ASSAY_FOR(instructions) __attribute__((target(instructions)))

ASSAY_FOR("avx2,fma") void fp32_avx2(int64_t n) {
  __m256 a[12];
  for (int k = 0; k < 12; ++k) a[k] = _mm256_set1_ps(static_cast<float>(k));
  __m256 m = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(0.001f);
  asm volatile("" : "+x"(m), "+x"(c));
  for (; n > 0; --n) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) a[k] = _mm256_fmadd_ps(a[k], m, c);
  }
  for (int k = 0; k < 12; ++k) asm volatile("" : : "x"(a[k]));
}

ASSAY_FOR("avx512f") void fp32_avx512(int64_t n) {
  __m512 a[24];
  for (int k = 0; k < 24; ++k) a[k] = _mm512_set1_ps(static_cast<float>(k));
  __m512 m = _mm512_set1_ps(0.999f), c = _mm512_set1_ps(0.001f);
  asm volatile("" : "+v"(m), "+v"(c));
  for (; n > 0; --n) {
#pragma GCC unroll 24
    for (int k = 0; k < 24; ++k) a[k] = _mm512_fmadd_ps(a[k], m, c);
  }
  for (int k = 0; k < 24; ++k) asm volatile("" : : "v"(a[k]));
}

ASSAY_FOR("avx512fp16") void fp16_avx512(int64_t n) {
  __m512h a[24];
  for (int k = 0; k < 24; ++k) a[k] = _mm512_set1_ph(static_cast<_Float16>(k));
  __m512h m = _mm512_set1_ph(static_cast<_Float16>(0.75f)),
          c = _mm512_set1_ph(static_cast<_Float16>(0.25f));
  asm volatile("" : "+v"(m), "+v"(c));
  for (; n > 0; --n) {
#pragma GCC unroll 24
    for (int k = 0; k < 24; ++k) a[k] = _mm512_fmadd_ph(a[k], m, c);
  }
  for (int k = 0; k < 24; ++k) asm volatile("" : : "v"(a[k]));
}

ASSAY_FOR("avx512f,avx512bf16") void bf16_avx512(int64_t n) {
  __m512 a[24];
  for (int k = 0; k < 24; ++k) a[k] = _mm512_setzero_ps();
  __m512i zeros = _mm512_setzero_si512();
  asm volatile("" : "+v"(zeros));
  for (; n > 0; --n) {
#pragma GCC unroll 24
    for (int k = 0; k < 24; ++k) a[k] = _mm512_dpbf16_ps(a[k], (__m512bh)zeros, (__m512bh)zeros);
  }
  for (int k = 0; k < 24; ++k) asm volatile("" : : "v"(a[k]));
}

ASSAY_FOR("avx512f,avx512vnni") void int8_avx512(int64_t n) {
  __m512i a[24];
  for (int k = 0; k < 24; ++k) a[k] = _mm512_set1_epi32(k);
  __m512i m = _mm512_set1_epi8(1), c = _mm512_set1_epi8(1);
  asm volatile("" : "+v"(m), "+v"(c));
  for (; n > 0; --n) {
#pragma GCC unroll 24
    for (int k = 0; k < 24; ++k) a[k] = _mm512_dpbusd_epi32(a[k], m, c);
  }
  for (int k = 0; k < 24; ++k) asm volatile("" : : "v"(a[k]));
}

// Tiles of 16 rows of 64 bytes. The kernel gives their state only to processes that ask.
bool ask_for_tiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

struct alignas(64) TileShapes {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t columns[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

ASSAY_FOR("amx-tile") void clear_tiles() {
  TileShapes shapes;
  asm volatile("" : "+m"(shapes));  // the intrinsic names 8 of the 64 bytes as read
  _tile_loadconfig(&shapes);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
}

ASSAY_FOR("amx-tile,amx-int8,amx-bf16") void int8_amx(int64_t n) {
  clear_tiles();
  for (; n > 0; --n) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
}

ASSAY_FOR("amx-tile,amx-int8,amx-bf16") void bf16_amx(int64_t n) {
  clear_tiles();
  for (; n > 0; --n) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

ASSAY_FOR("avx512f") void read_avx512(const char* at, const char* end) {
  __m512i a[8];
  for (int k = 0; k < 8; ++k) a[k] = _mm512_setzero_si512();
  for (; at < end; at += 512) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k)
      a[k] = _mm512_or_si512(a[k], _mm512_load_si512(reinterpret_cast<const void*>(at + 64 * k)));
  }
  for (int k = 0; k < 8; ++k) asm volatile("" : : "v"(a[k]));
}

ASSAY_FOR("avx2") void read_avx2(const char* at, const char* end) {
  __m256i a[8];
  for (int k = 0; k < 8; ++k) a[k] = _mm256_setzero_si256();
  for (; at < end; at += 256) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k)
      a[k] =
          _mm256_or_si256(a[k], _mm256_load_si256(reinterpret_cast<const __m256i*>(at + 32 * k)));
  }
  for (int k = 0; k < 8; ++k) asm volatile("" : : "x"(a[k]));
}
#endif

void read_generic(const char* at, const char* end) {
  typedef int32_t I4 __attribute__((vector_size(16)));
  I4 a[8] = {};
  for (; at < end; at += 128) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) {
      I4 v;
      __builtin_memcpy(&v, at + 16 * k, sizeof v);
      a[k] |= v;
    }
  }
  for (int k = 0; k < 8; ++k) asm volatile("" : : "m"(a[k]));
}

}  // namespace

std::vector<PeakKernel> peak_kernels() {
  std::vector<PeakKernel> out;
  const auto add = [&](PeakKernel k) { out.push_back(k); };
  add({kGeneric, Arithmetic::fp32, kChains * 4 * 2.0, fp32_generic, nullptr});
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    add({"avx2+fma", Arithmetic::fp32, 12 * 8 * 2.0, fp32_avx2, nullptr});
  if (!__builtin_cpu_supports("avx512f")) return out;
  add({"avx512", Arithmetic::fp32, 24 * 16 * 2.0, fp32_avx512, nullptr});
  if (__builtin_cpu_supports("avx512fp16"))
    add({"avx512fp16", Arithmetic::fp16, 24 * 32 * 2.0, fp16_avx512, nullptr});
  if (__builtin_cpu_supports("avx512bf16"))
    add({"avx512bf16", Arithmetic::fp16, 24 * 32 * 2.0, bf16_avx512, nullptr});
  if (__builtin_cpu_supports("avx512vnni"))
    add({"avx512vnni", Arithmetic::int8, 24 * 64 * 2.0, int8_avx512, nullptr});
  if (__builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8"))
    add({"amx-int8", Arithmetic::int8, 4 * 16 * 16 * 64 * 2.0, int8_amx, ask_for_tiles});
  if (__builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16"))
    add({"amx-bf16", Arithmetic::fp16, 4 * 16 * 16 * 32 * 2.0, bf16_amx, ask_for_tiles});
#endif
  return out;
}

bool fp16_runs_as_fp32() {
#if defined(__x86_64__)
  return !__builtin_cpu_supports("avx512fp16") && !__builtin_cpu_supports("avx512bf16") &&
         !__builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

void read_all(const void* from, int64_t bytes) {
  const char *at = static_cast<const char*>(from), *end = at + bytes;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512(at, end);
  if (__builtin_cpu_supports("avx2")) return read_avx2(at, end);
#endif
  read_generic(at, end);
}

}  // namespace assay::platform
