// SPDX-License-Identifier: Apache-2.0
#include "compare/top_row.h"

#include <algorithm>
#include <limits>

#include "compare/elements.h"

namespace assay::compare {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

double ordered(double v) { return std::isnan(v) ? kLowest : v; }

// Keeps `k` entries sorted, largest first, the earlier index first among equals: a new one (with a
// larger index than all before) goes behind its equals.
void insert(TopRow& top, int k, int filled, int32_t index, double value) {
  int at = std::min(filled, k - 1);
  while (at > 0 && value > top.value[at - 1]) {
    top.value[at] = top.value[at - 1];
    top.index[at] = top.index[at - 1];
    --at;
  }
  top.value[at] = value;
  top.index[at] = index;
}

template <class T>
TopRow scan(const std::byte* row, int64_t item, bool softmax) {
  TopRow top;
  const int k = static_cast<int>(std::min<int64_t>(kTop, item));
  std::array<T, kTop> exact{};  // 64-bit integers are compared as what they are, not as doubles
  const auto above = [](T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return a > b;
    else
      return ordered(number(a)) > ordered(number(b));
  };
  for (int64_t i = 0; i < item; ++i) {
    const T v = element<T>(row, i);
    if (i >= k && !above(v, exact[k - 1])) continue;
    int at = static_cast<int>(std::min<int64_t>(i, k - 1));
    while (at > 0 && above(v, exact[at - 1])) {
      exact[at] = exact[at - 1];
      top.index[at] = top.index[at - 1];
      --at;
    }
    exact[at] = v;
    top.index[at] = static_cast<int32_t>(i);
  }
  for (int j = 0; j < k; ++j) top.value[j] = ordered(number(exact[j]));
  if (softmax && std::isfinite(top.value[0])) {
    top.exp_sum = 0;
    for (int64_t i = 0; i < item; ++i) {
      const double v = number(element<T>(row, i));
      if (!std::isnan(v)) top.exp_sum += std::exp(v - top.value[0]);
    }
  }
  return top;
}

}  // namespace

void to_floats(const std::byte* row, DType dtype, int64_t count, float* out) {
  if (dtype == DType::f32) {
    std::memcpy(out, row, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(number(element<T>(row, i)));
  });
}

TopRow top_row(const std::byte* row, DType dtype, int64_t item, const float* floats, bool softmax,
               const Kernels& kernels) {
  if (floats == nullptr) {
    return with_type(dtype, [&](auto type) { return scan<decltype(type)>(row, item, softmax); });
  }
  TopRow top;
  const int k = static_cast<int>(std::min<int64_t>(kTop, item));
  for (int i = 0; i < k; ++i) insert(top, k, i, i, ordered(floats[i]));
  int64_t i = k;
  while ((i = kernels.next_above(floats, i, item, static_cast<float>(top.value[k - 1]))) < item) {
    insert(top, k, k, static_cast<int32_t>(i), floats[i]);
    ++i;
  }
  if (softmax && std::isfinite(top.value[0])) {
    top.exp_sum = kernels.sum_exp(floats, item, static_cast<float>(top.value[0]));
  }
  return top;
}

double probability(const std::byte* row, DType dtype, const TopRow& top, int32_t index,
                   bool logits) {
  const double v = index == top.index[0] ? top.value[0] : with_type(dtype, [&](auto type) {
    return number(element<decltype(type)>(row, index));
  });
  if (!logits) return std::isfinite(v) ? v : 0;
  if (!std::isfinite(top.value[0])) return index == top.index[0] ? 1 : 0;
  return std::isnan(v) ? 0 : std::exp(v - top.value[0]) / top.exp_sum;
}

}  // namespace assay::compare
