// SPDX-License-Identifier: Apache-2.0
// Numerical comparison of the outputs of engines on the same inputs. Reads mapped files, allocates
// O(inputs).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/result.h"

namespace assay::compare {

// Outputs of one engine for n inputs: n * item elements, dense, as stored in a blob.
struct View {
  std::span<const std::byte> bytes;
  DType dtype = DType::f32;
  int64_t n = 0;     // inputs
  int64_t item = 0;  // elements per input
};

// Distances are over all elements of all inputs, in double. Elements where either side is NaN or
// infinite are left out of distances and counted in `non_finite` (both sides the same bits) or
// `non_finite_differs`.
struct Distance {
  int64_t n = 0, item = 0;
  int64_t bitwise_different = 0;  // inputs with at least one differing bit
  double max_abs = 0, mean_abs = 0;
  double max_rel = 0, mean_rel = 0;  // |a-b| / max(|a|,|b|), 0 where both are 0
  int64_t max_abs_input = -1;        // input where max_abs occurs
  double min_cosine = 1,
         mean_cosine = 1;  // per input; inputs with a zero vector on both sides count 1
  int64_t non_finite = 0, non_finite_differs = 0;
  // ulp[0] = equal; ulp[k] = elements with ULP distance in [2^(k-1), 2^k), k = 1..64. Floats as
  // ordered integers of their own width; integer types use |a-b|.
  uint64_t ulp[65] = {};
};

// Labels of one engine: per input the five largest indices (ties: lowest index first; NaN counts as
// -inf) and the margin top1 - top2.
struct TopK {
  int64_t n = 0;
  int k = 5;                   // min(5, classes)
  std::vector<int32_t> index;  // n*k
  std::vector<float> value;    // n*k
  float margin(int64_t i) const { return k > 1 ? value[i * k] - value[i * k + 1] : 0; }
};

struct Flip {
  int64_t input;
  int32_t a_top1, b_top1;
  double a_margin, b_margin;  // raw output, top-1 minus top-2
  double probability_change;  // max |p_a - p_b| over a's and b's top-1 after softmax (or as is, if
                              // not logits)
};
struct Labels {
  int64_t n = 0;
  int64_t top1_mismatch = 0;
  int64_t top1_a_not_in_top5_b = 0, top1_b_not_in_top5_a = 0;
  int64_t top5_set_differs = 0, top5_order_differs = 0;
  std::vector<Flip> flips;            // every input whose top-1 differs, ascending
  std::vector<uint8_t> top1_differs;  // per input
  double max_probability_change_flipped = 0,
         max_probability_change_all = 0;  // paper Figure 3, and beside it all inputs
};

struct Pair {
  Distance distance;
  Labels labels;
  bool has_labels = false;
};

// Compares a with b. Usage error when shapes or types differ or sizes do not fit. Labels when
// `classes` > 1 equals the item size. `logits`: apply softmax for probabilities.
Result<Pair> compare_pair(const View& a, const View& b, bool labels, bool logits);

// All pairs (i<j) of `views`, one pass over memory in blocks: much faster than calling compare_pair
// for each pair. Same results, bit for bit.
struct AllPairs {
  int64_t count = 0;
  std::vector<Pair> pairs;
};  // order (0,1),(0,2),..,(1,2),..
Result<AllPairs> compare_all(std::span<const View> views, bool labels, bool logits, int threads);

Result<TopK> top_k(const View& a);
// True when rows do not look like probabilities (some value < 0 or > 1, or a row sum off 1 by more
// than 1e-3).
bool looks_like_logits(const View& a);

// Accuracy against labels: correct[i] per input for top-1 and top-5.
struct Accuracy {
  int64_t n = 0, top1 = 0, top5 = 0;
  std::vector<uint8_t> top1_correct;
};
Result<Accuracy> accuracy(const TopK& top, std::span<const int64_t> labels);

// Whether |a-b| <= atol + rtol*|b| holds for every element; equal values (infinities too) always
// do, NaN never. Usage error when the outputs are not float32.
Result<bool> within(const View& a, const View& b, double atol, double rtol);

}  // namespace assay::compare
