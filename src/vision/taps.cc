// SPDX-License-Identifier: Apache-2.0
#include "vision/taps.h"

#include <algorithm>
#include <cmath>

namespace assay::vision {
namespace {

struct Axis {
  double scale, support;
};

Axis axis_of(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  return {scale, std::max(scale, 1.0)};
}

double triangle(int64_t x, double center, double support) {
  return std::max(0.0, 1 - std::abs((static_cast<double>(x) - center + 0.5) / support));
}

}  // namespace

TapSpan tap_span(int64_t i, int64_t from, int64_t to) {
  const auto [scale, support] = axis_of(from, to);
  const double center = (static_cast<double>(i) + 0.5) * scale;
  const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
  const auto last = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), from);
  return {first, last - first};
}

void tap_weights(int64_t i, int64_t from, int64_t to, TapSpan span, int32_t* weights) {
  const auto [scale, support] = axis_of(from, to);
  const double center = (static_cast<double>(i) + 0.5) * scale;
  double sum = 0;
  for (int64_t k = 0; k < span.count; ++k) sum += triangle(span.first + k, center, support);
  for (int64_t k = 0; k < span.count; ++k) {
    const double share = triangle(span.first + k, center, support) / sum;
    weights[k] = static_cast<int32_t>(std::floor(share * (1 << kTapBits) + 0.5));
  }
}

int64_t max_taps(int64_t from, int64_t to) {
  return static_cast<int64_t>(std::ceil(2 * axis_of(from, to).support)) + 2;
}

}  // namespace assay::vision
