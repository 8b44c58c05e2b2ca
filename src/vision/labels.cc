// SPDX-License-Identifier: Apache-2.0
#include "vision/labels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "vision/read_numbers.h"

namespace assay::vision {
namespace {

// Scores are looked at in blocks of this many: a loop without branches decides whether a block
// holds anything good enough, and compilers make SIMD of it.
constexpr int64_t kBlock = 64;
using Block = std::array<float, kBlock>;

// e^x for x <= 0, within 2e-7 of it: 2^n times the Taylor series of what is left (|r| <= ln2 / 2).
// No branch and no call, so that a block of them becomes SIMD; std::exp does not.
inline float exp_of_negative(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  x = x < -87.0f ? -87.0f : x;
  const float n = (x * 1.44269504f + kRound) - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln2 in two parts
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// Calls f(first index, count, scores) for every block, as floats.
template <class F>
bool each_block(const void* scores, DType dtype, int64_t n, F&& f) {
  Block block;
  const auto* bytes = static_cast<const std::byte*>(scores);
  for (int64_t at = 0; at < n; at += kBlock) {
    const int64_t count = std::min(kBlock, n - at);
    if (!read_numbers(bytes + at * dtype_size(dtype), dtype, count, block.data())) return false;
    // The rest of the last block never wins and adds nothing.
    std::fill(block.begin() + count, block.end(), NAN);
    f(at, count, block);
  }
  return true;
}

// Whether `a` ranks above `b` when it comes later: strictly more, or any number over a NaN.
bool above(float a, float b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

struct Best {
  std::span<Label> out;
  int64_t found = 0;

  void take(int64_t at, int64_t count, const Block& block) {
    const auto k = static_cast<int64_t>(out.size());
    if (found == k && !std::isnan(out.back().score)) {
      const float least = out.back().score;
      int better = 0;
      for (int64_t i = 0; i < kBlock; ++i)
        better |= static_cast<int>(block[static_cast<size_t>(i)] > least);
      if (better == 0) return;
    }
    for (int64_t i = 0; i < count; ++i) {
      const float v = block[static_cast<size_t>(i)];
      if (found == k && !above(v, out.back().score)) continue;
      auto place = static_cast<size_t>(found < k ? found++ : k - 1);
      for (; place > 0 && above(v, out[place - 1].score); --place) out[place] = out[place - 1];
      out[place] = {static_cast<int32_t>(at + i), v};
    }
  }
};

// Probabilities of the labels found. An infinite score shares all of it with its equals.
void to_probabilities(const void* scores, DType dtype, int64_t n, std::span<Label> found) {
  const float top = found.front().score;
  if (std::isnan(top)) return;  // nothing but NaN
  double sum = 0;
  if (std::isinf(top)) {
    each_block(scores, dtype, n, [&](int64_t, int64_t count, const Block& block) {
      for (int64_t i = 0; i < count; ++i) sum += block[static_cast<size_t>(i)] == top;
    });
    for (Label& l : found)
      if (!std::isnan(l.score)) l.score = l.score == top ? static_cast<float>(1 / sum) : 0.0f;
    return;
  }
  each_block(scores, dtype, n, [&](int64_t, int64_t, const Block& block) {
    Block e;
    for (size_t i = 0; i < kBlock; ++i) {
      const float x = block[i] - top;  // the comparison is false for NaN
      e[i] = x > -87.0f ? exp_of_negative(x) : 0.0f;
    }
    // In halves: short sums, and the same order whatever the SIMD.
    for (size_t half = kBlock / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) e[i] += e[i + half];
    sum += e[0];
  });
  for (Label& l : found)
    if (!std::isnan(l.score))
      l.score = static_cast<float>(std::exp(static_cast<double>(l.score) - top) / sum);
}

}  // namespace

int64_t top_k(const void* scores, DType dtype, int64_t n, bool softmax,
              std::span<Label> out) noexcept {
  for (Label& l : out) l = {};
  if (out.empty() || n <= 0) return 0;
  Best best{out};
  each_block(scores, dtype, n,
             [&](int64_t at, int64_t count, const Block& block) { best.take(at, count, block); });
  const auto found = out.first(static_cast<size_t>(best.found));
  if (softmax && !found.empty()) to_probabilities(scores, dtype, n, found);
  return best.found;
}

}  // namespace assay::vision
