// SPDX-License-Identifier: Apache-2.0
#include "compare/compare.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <thread>

#include "compare/block.h"
#include "compare/elements.h"

namespace assay::compare {
namespace {

Status check(const View& v, std::string_view who) {
  const int64_t size = dtype_size(v.dtype);
  if (v.n < 0 || v.item < 0 || size <= 0 ||
      (v.n > 0 && v.item > std::numeric_limits<int64_t>::max() / v.n / size)) {
    return bad_input(
        fmt::format("outputs {}: impossible size of {} inputs x {} elements", who, v.n, v.item));
  }
  const int64_t want = v.n * v.item * size;
  if (static_cast<int64_t>(v.bytes.size()) != want) {
    return bad_input(
        fmt::format("outputs {}: {} bytes, expected {} ({} inputs x {} elements of {})", who,
                    v.bytes.size(), want, v.n, v.item, dtype_name(v.dtype)),
        "the file is torn; run the launch again");
  }
  if (v.item > std::numeric_limits<int32_t>::max()) {
    return bad_input(
        fmt::format("outputs {}: {} elements an input, at most 2^31-1 are supported", who, v.item));
  }
  return {};
}

// Inputs a block: depends on n alone, so that sums are the same for any number of views or threads.
int64_t block_inputs(int64_t n) { return std::max<int64_t>(64, (n + 1023) / 1024); }

void add(Pair& total, BlockPair& block, double& sum_abs, double& sum_rel, double& sum_cosine,
         int64_t& compared) {
  Distance& d = total.distance;
  const Distance& p = block.part;
  sum_abs += block.sum_abs;
  sum_rel += block.sum_rel;
  sum_cosine += block.sum_cosine;
  compared += block.compared;
  d.bitwise_different += p.bitwise_different;
  if (p.max_abs_input >= 0 && (p.max_abs > d.max_abs || d.max_abs_input < 0)) {
    d.max_abs = p.max_abs;
    d.max_abs_input = p.max_abs_input;
  }
  d.max_rel = std::max(d.max_rel, p.max_rel);
  d.min_cosine = std::min(d.min_cosine, p.min_cosine);
  d.non_finite += p.non_finite;
  d.non_finite_differs += p.non_finite_differs;
  for (int k = 0; k < 65; ++k) d.ulp[k] += p.ulp[k];
  Labels& l = total.labels;
  l.top1_mismatch += block.labels.top1_mismatch;
  l.top1_a_not_in_top5_b += block.labels.top1_a_not_in_top5_b;
  l.top1_b_not_in_top5_a += block.labels.top1_b_not_in_top5_a;
  l.top5_set_differs += block.labels.top5_set_differs;
  l.top5_order_differs += block.labels.top5_order_differs;
  l.flips.insert(l.flips.end(), block.labels.flips.begin(), block.labels.flips.end());
  l.max_probability_change_flipped =
      std::max(l.max_probability_change_flipped, block.labels.max_probability_change_flipped);
  l.max_probability_change_all =
      std::max(l.max_probability_change_all, block.labels.max_probability_change_all);
}

AllPairs compare_checked(std::span<const View> views, bool labels, bool logits, int threads) {
  const int64_t n = views[0].n, item = views[0].item;
  AllPairs out;
  out.count = static_cast<int64_t>(views.size());
  const size_t pairs = views.size() * (views.size() - 1) / 2;
  out.pairs.resize(pairs);
  labels = labels && item > 1;
  std::vector<uint8_t*> top1_differs(pairs, nullptr);
  for (size_t p = 0; p < pairs; ++p) {
    Pair& pair = out.pairs[p];
    pair.distance.n = n;
    pair.distance.item = item;
    pair.has_labels = labels;
    if (!labels) continue;
    pair.labels.n = n;
    pair.labels.top1_differs.assign(static_cast<size_t>(n), 0);
    top1_differs[p] = pair.labels.top1_differs.data();
  }
  if (pairs == 0 || n == 0 || item == 0) return out;

  const int64_t per_block = block_inputs(n), blocks = (n + per_block - 1) / per_block;
  std::vector<BlockPair> results(static_cast<size_t>(blocks) * pairs);
  const Kernels& kernels = *available_kernels().back();
  std::atomic<int64_t> next{0};
  std::vector<std::exception_ptr> failures(
      static_cast<size_t>(std::clamp<int64_t>(threads, 1, blocks)));
  const auto work = [&](size_t self) {
    try {
      BlockComparer comparer(views, labels, logits, kernels);
      for (int64_t b = next++; b < blocks; b = next++) {
        comparer.run(b * per_block, std::min(n, (b + 1) * per_block),
                     std::span(results).subspan(static_cast<size_t>(b) * pairs, pairs),
                     top1_differs);
      }
    } catch (...) {
      failures[self] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> pool;
    for (size_t t = 1; t < failures.size(); ++t) pool.emplace_back(work, t);
    work(0);
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  for (size_t p = 0; p < pairs; ++p) {
    double sum_abs = 0, sum_rel = 0, sum_cosine = 0;
    int64_t compared = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      add(out.pairs[p], results[static_cast<size_t>(b) * pairs + p], sum_abs, sum_rel, sum_cosine,
          compared);
    }
    Distance& d = out.pairs[p].distance;
    if (compared > 0) {
      d.mean_abs = sum_abs / static_cast<double>(compared);
      d.mean_rel = sum_rel / static_cast<double>(compared);
    }
    d.mean_cosine = sum_cosine / static_cast<double>(n);
  }
  return out;
}

}  // namespace

Result<AllPairs> compare_all(std::span<const View> views, bool labels, bool logits, int threads) {
  if (views.empty()) return AllPairs{};
  for (size_t i = 0; i < views.size(); ++i) {
    ASSAY_CHECK(check(views[i], fmt::format("#{}", i)));
    const View &a = views[0], &b = views[i];
    if (a.dtype != b.dtype || a.n != b.n || a.item != b.item) {
      return bad_input(
          fmt::format("outputs differ in kind: #0 is {} inputs x {} {}, #{} is {} inputs x {} {}",
                      a.n, a.item, dtype_name(a.dtype), i, b.n, b.item, dtype_name(b.dtype)),
          "compare outputs of the same model, output and data set");
    }
  }
  try {
    return compare_checked(views, labels, logits, threads);
  } catch (const std::exception& e) {  // out of memory, or no thread to be had
    return internal_error(fmt::format("comparing {} outputs: {}", views.size(), e.what()));
  }
}

Result<Pair> compare_pair(const View& a, const View& b, bool labels, bool logits) {
  const View views[] = {a, b};
  ASSAY_TRY(AllPairs all, compare_all(views, labels, logits, 1));
  return std::move(all.pairs[0]);
}

Result<TopK> top_k(const View& a) {
  ASSAY_CHECK(check(a, "of the engine"));
  if (a.item < 1)
    return bad_input("labels need at least one element an input; this output is empty");
  TopK out;
  out.n = a.n;
  out.k = static_cast<int>(std::min<int64_t>(kTop, a.item));
  const Kernels& kernels = *available_kernels().back();
  const bool fast = fits_kernels(a.dtype);
  std::vector<float> floats(fast ? static_cast<size_t>(a.item) : 0);
  for (int64_t i = 0; i < a.n; ++i) {
    const std::byte* row = a.bytes.data() + i * a.item * dtype_size(a.dtype);
    if (fast) to_floats(row, a.dtype, a.item, floats.data());
    const TopRow top =
        top_row(row, a.dtype, a.item, fast ? floats.data() : nullptr, false, kernels);
    out.index.insert(out.index.end(), top.index.begin(), top.index.begin() + out.k);
    for (int j = 0; j < out.k; ++j) out.value.push_back(static_cast<float>(top.value[j]));
  }
  return out;
}

bool looks_like_logits(const View& a) {
  if (!check(a, "")) return false;
  return with_type(a.dtype, [&](auto type) {
    using T = decltype(type);
    for (int64_t i = 0; i < a.n; ++i) {
      const std::byte* row = a.bytes.data() + i * a.item * dtype_size(a.dtype);
      double sum = 0;
      for (int64_t j = 0; j < a.item; ++j) {
        const double v = number(element<T>(row, j));
        if (v < 0 || v > 1) return true;
        if (!std::isnan(v)) sum += v;
      }
      if (std::abs(sum - 1) > 1e-3) return true;
    }
    return false;
  });
}

Result<Accuracy> accuracy(const TopK& top, std::span<const int64_t> labels) {
  if (static_cast<int64_t>(labels.size()) != top.n) {
    return bad_input(fmt::format("labels: {} for {} inputs", labels.size(), top.n),
                     "give one label an input");
  }
  Accuracy out;
  out.n = top.n;
  for (int64_t i = 0; i < top.n; ++i) {
    const int32_t* row = top.index.data() + i * top.k;
    const int64_t label = labels[static_cast<size_t>(i)];
    out.top1_correct.push_back(row[0] == label);
    out.top1 += row[0] == label;
    out.top5 += std::find(row, row + top.k, label) != row + top.k;
  }
  return out;
}

Result<bool> within(const View& a, const View& b, double atol, double rtol) {
  if (a.dtype != DType::f32 || b.dtype != DType::f32 || a.bytes.size() != b.bytes.size())
    return bad_input("a tolerance works on float32 outputs of one shape",
                     "leave it out for a bitwise comparison");
  const auto* x = reinterpret_cast<const float*>(a.bytes.data());
  const auto* y = reinterpret_cast<const float*>(b.bytes.data());
  for (size_t i = 0; i < a.bytes.size() / sizeof(float); ++i) {
    if (x[i] == y[i]) continue;
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) return false;
    if (!(std::abs(static_cast<double>(x[i]) - y[i]) <=
          atol + rtol * std::abs(static_cast<double>(y[i]))))
      return false;
  }
  return true;
}

}  // namespace assay::compare
