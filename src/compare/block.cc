// SPDX-License-Identifier: Apache-2.0
#include "compare/block.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "compare/distance.h"
#include "compare/elements.h"

namespace assay::compare {
namespace {

constexpr int64_t kSegment =
    4096;  // elements of a row looked at together: rows of 10 views stay in L2
constexpr int64_t kGroupElements = 8192;  // elements of one view looked at together

template <class T>
T* aligned_array(int64_t count) {
  const auto bytes = static_cast<size_t>((count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64);
  void* p = std::aligned_alloc(64, std::max<size_t>(bytes, 64));
  if (p == nullptr) throw std::bad_alloc();
  return static_cast<T*>(p);
}

bool contains(const TopRow& top, int k, int32_t index) {
  return std::find(top.index.begin(), top.index.begin() + k, index) != top.index.begin() + k;
}

}  // namespace

void BlockComparer::Free::operator()(void* p) const { std::free(p); }

BlockComparer::BlockComparer(std::span<const View> views, bool labels, bool logits,
                             const Kernels& kernels)
    : views_(views),
      labels_(labels),
      logits_(logits),
      fast_(fits_kernels(views[0].dtype)),
      kernels_(kernels),
      dtype_(views[0].dtype),
      item_(views[0].item),
      size_(dtype_size(views[0].dtype)) {
  segment_ = std::min(item_, kSegment);
  padded_ = (segment_ + kLanes - 1) / kLanes * kLanes;
  group_ = item_ > kSegment
               ? 1
               : std::clamp<int64_t>(kGroupElements / std::max<int64_t>(padded_, 1), 1, 256);
  const auto slots = static_cast<int64_t>(views.size()) * group_;
  if (fast_) {
    floats_.reset(aligned_array<float>(slots * padded_));
    ranks_.reset(aligned_array<int32_t>(slots * padded_));
    unary_.resize(static_cast<size_t>(group_ * padded_ + 2 * kLanes));
    if (labels && item_ > segment_) whole_row_.resize(static_cast<size_t>(item_));
  }
  norms_.resize(static_cast<size_t>(slots));
  clean_.resize(static_cast<size_t>(slots));
  states_.resize(views.size() * (views.size() - 1) / 2 * static_cast<size_t>(group_));
  if (labels) tops_.resize(static_cast<size_t>(slots));
}

const std::byte* BlockComparer::row(size_t view, int64_t input, int64_t element) const {
  return views_[view].bytes.data() + (input * item_ + element) * size_;
}

void BlockComparer::prepare(int64_t first, int64_t rows, int64_t begin, int64_t count) {
  const int64_t padded = (count + kLanes - 1) / kLanes * kLanes;
  for (size_t v = 0; v < views_.size(); ++v) {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t slot = static_cast<int64_t>(v) * group_ + r;
      float* floats = floats_.get() + slot * padded_;
      int32_t* ranks = ranks_.get() + slot * padded_;
      to_floats(row(v, first + r, begin), dtype_, count, floats);
      std::fill(floats + count, floats + padded, 0.0f);
      clean_[slot] = kernels_.prepare(floats, padded, ranks, &norms_[slot]);
      if (dtype_ != DType::f32) {  // ranks in the type's own width
        with_type(dtype_, [&](auto type) {
          using T = decltype(type);
          const std::byte* from = row(v, first + r, begin);
          for (int64_t i = 0; i < count; ++i)
            ranks[i] = static_cast<int32_t>(rank_of(element<T>(from, i)));
        });
      }
    }
  }
}

void BlockComparer::distances(int64_t first, int64_t rows, int64_t begin, int64_t count,
                              std::span<BlockPair> out) {
  const int64_t padded = (count + kLanes - 1) / kLanes * kLanes;
  const auto bytes = static_cast<size_t>(count * size_);
  size_t pair = 0;
  for (size_t a = 0; a + 1 < views_.size(); ++a) {
    for (size_t b = a + 1; b < views_.size(); ++b, ++pair) {
      BlockPair& p = out[pair];
      int64_t written = 0;  // words in unary_
      for (int64_t r = 0; r < rows; ++r) {
        RowState& state = states_[pair * static_cast<size_t>(group_) + static_cast<size_t>(r)];
        const int64_t sa = static_cast<int64_t>(a) * group_ + r,
                      sb = static_cast<int64_t>(b) * group_ + r;
        const std::byte *raw_a = row(a, first + r, begin), *raw_b = row(b, first + r, begin);
        const bool equal = std::memcmp(raw_a, raw_b, bytes) == 0;
        state.differs |= !equal;
        const bool clean = fast_ && clean_[sa] && clean_[sb];
        if (clean && equal) {
          p.part.ulp[0] += static_cast<uint64_t>(count);
          p.compared += count;
          state.dot += norms_[sa];
          state.norm_a += norms_[sa];
          state.norm_b += norms_[sa];
        } else if (clean) {
          const RowDelta d =
              kernels_.pair_row(floats_.get() + sa * padded_, ranks_.get() + sa * padded_,
                                floats_.get() + sb * padded_, ranks_.get() + sb * padded_, padded,
                                unary_.data() + written);
          written += count;  // the padding is overwritten by the next row
          p.compared += count;
          p.sum_abs += d.sum_abs;
          p.sum_rel += d.sum_rel;
          p.part.max_rel = std::max(p.part.max_rel, d.max_rel);
          state.max_abs = std::max(state.max_abs, d.max_abs);
          state.dot += d.dot;
          state.norm_a += norms_[sa];
          state.norm_b += norms_[sb];
        } else {
          const SegmentDistance d = segment_distance(raw_a, raw_b, dtype_, count, p.part.ulp);
          p.compared += d.compared;
          p.sum_abs += d.sum_abs;
          p.sum_rel += d.sum_rel;
          p.part.max_rel = std::max(p.part.max_rel, d.max_rel);
          p.part.non_finite += d.non_finite;
          p.part.non_finite_differs += d.non_finite_differs;
          state.max_abs = std::max(state.max_abs, d.max_abs);
          state.dot += d.dot;
          state.norm_a += d.norm_a;
          state.norm_b += d.norm_b;
        }
      }
      if (written == 0) continue;
      std::fill_n(unary_.data() + written, kLanes, 0u);
      uint64_t above[32] = {};  // above[k]: elements with a ULP distance of 2^k or more
      kernels_.count_bits(unary_.data(), (written + kLanes - 1) / kLanes * kLanes, above);
      p.part.ulp[0] += static_cast<uint64_t>(written) - above[0];
      for (int k = 1; k < 32; ++k) p.part.ulp[k] += above[k - 1] - above[k];
      p.part.ulp[32] += above[31];
    }
  }
}

void BlockComparer::finish_rows(int64_t first, int64_t rows, std::span<BlockPair> out) {
  for (size_t pair = 0; pair < out.size(); ++pair) {
    BlockPair& p = out[pair];
    for (int64_t r = 0; r < rows; ++r) {
      const RowState& s = states_[pair * static_cast<size_t>(group_) + static_cast<size_t>(r)];
      p.part.bitwise_different += s.differs;
      if (s.max_abs > p.part.max_abs || p.part.max_abs_input < 0) {
        p.part.max_abs = s.max_abs;
        p.part.max_abs_input = first + r;
      }
      double cosine = 1;  // equal rows, or a zero vector on both sides
      if (s.differs && (s.norm_a > 0 || s.norm_b > 0)) {
        const double length = std::sqrt(s.norm_a) * std::sqrt(s.norm_b);
        cosine = length > 0 ? std::clamp(s.dot / length, -1.0, 1.0) : 0;
        if (std::isnan(cosine)) cosine = 0;  // doubles too large to square: nothing is known
      }
      p.sum_cosine += cosine;
      p.part.min_cosine = std::min(p.part.min_cosine, cosine);
    }
  }
}

void BlockComparer::label_rows(int64_t first, int64_t rows, std::span<BlockPair> out,
                               std::span<uint8_t* const> top1_differs) {
  const int k = static_cast<int>(std::min<int64_t>(kTop, item_));
  for (size_t v = 0; v < views_.size(); ++v) {
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t slot = static_cast<int64_t>(v) * group_ + r;
      const float* floats = nullptr;
      if (fast_ && item_ == segment_) {
        floats = floats_.get() + slot * padded_;
      } else if (fast_) {
        to_floats(row(v, first + r), dtype_, item_, whole_row_.data());
        floats = whole_row_.data();
      }
      tops_[slot] = top_row(row(v, first + r), dtype_, item_, floats, logits_, kernels_);
    }
  }
  size_t pair = 0;
  for (size_t a = 0; a + 1 < views_.size(); ++a) {
    for (size_t b = a + 1; b < views_.size(); ++b, ++pair) {
      Labels& l = out[pair].labels;
      for (int64_t r = 0; r < rows; ++r) {
        const TopRow& ta = tops_[static_cast<int64_t>(a) * group_ + r];
        const TopRow& tb = tops_[static_cast<int64_t>(b) * group_ + r];
        const int32_t ia = ta.index[0], ib = tb.index[0];
        const auto change = [&](int32_t index) {
          return std::abs(probability(row(a, first + r), dtype_, ta, index, logits_) -
                          probability(row(b, first + r), dtype_, tb, index, logits_));
        };
        double most = change(ia);
        if (ia != ib) {
          most = std::max(most, change(ib));
          ++l.top1_mismatch;
          top1_differs[pair][first + r] = 1;
          const auto margin = [&](const TopRow& t) {
            const double m = k > 1 ? t.value[0] - t.value[1] : 0;
            return std::isnan(m) ? 0 : m;  // both infinite: a tie
          };
          l.flips.push_back({first + r, ia, ib, margin(ta), margin(tb), most});
          l.max_probability_change_flipped = std::max(l.max_probability_change_flipped, most);
        }
        l.max_probability_change_all = std::max(l.max_probability_change_all, most);
        if (ta.index == tb.index) continue;
        ++l.top5_order_differs;
        l.top1_a_not_in_top5_b += !contains(tb, k, ia);
        l.top1_b_not_in_top5_a += !contains(ta, k, ib);
        bool same_set = true;
        for (int j = 0; j < k && same_set; ++j) same_set = contains(tb, k, ta.index[j]);
        l.top5_set_differs += !same_set;
      }
    }
  }
}

void BlockComparer::run(int64_t first, int64_t last, std::span<BlockPair> out,
                        std::span<uint8_t* const> top1_differs) {
  for (int64_t group = first; group < last; group += group_) {
    const int64_t rows = std::min(group_, last - group);
    std::fill(states_.begin(), states_.end(), RowState{0, 0, 0, 0, false});
    for (int64_t begin = 0; begin < item_; begin += segment_) {
      const int64_t count = std::min(segment_, item_ - begin);
      if (fast_) prepare(group, rows, begin, count);
      distances(group, rows, begin, count, out);
    }
    finish_rows(group, rows, out);
    if (labels_) label_rows(group, rows, out, top1_differs);
  }
}

}  // namespace assay::compare
