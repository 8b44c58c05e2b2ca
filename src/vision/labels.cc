// SPDX-License-Identifier: Apache-2.0
#include "vision/labels.h"

#include <algorithm>

#include "vision/elements.h"

namespace assay::vision {
namespace {

// NaN below everything, also below minus infinity.
bool above(float a, float b) {
  if (std::isnan(a)) return false;
  return std::isnan(b) || a > b;
}

float highest(const void* scores, DType dtype, int64_t n) {
  float best = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i) {
    const float v = element(scores, dtype, i);
    if (v > best) best = v;
  }
  return best;
}

}  // namespace

int64_t top_k(const void* scores, DType dtype, int64_t n, bool softmax,
              std::span<Label> out) noexcept {
  std::fill(out.begin(), out.end(), Label{});
  if (!is_score_type(dtype)) return 0;
  int64_t found = 0;
  const auto most = static_cast<int64_t>(out.size());
  for (int64_t i = 0; i < n && most > 0; ++i) {
    const float v = element(scores, dtype, i);
    if (found == most && !above(v, out.back().score)) continue;
    int64_t at = std::min(found, most - 1);
    // Equal scores keep the order of their indices.
    for (; at > 0 && above(v, out[static_cast<size_t>(at - 1)].score); --at)
      out[static_cast<size_t>(at)] = out[static_cast<size_t>(at - 1)];
    out[static_cast<size_t>(at)] = {static_cast<int32_t>(i), v};
    found = std::min(found + 1, most);
  }
  if (!softmax || found == 0) return found;
  const float top = highest(scores, dtype, n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float e = std::exp(element(scores, dtype, i) - top);
    if (!std::isnan(e)) sum += e;
  }
  for (int64_t k = 0; k < found; ++k) {
    float& score = out[static_cast<size_t>(k)].score;
    score = static_cast<float>(std::exp(score - top) / sum);
  }
  return found;
}

}  // namespace assay::vision
