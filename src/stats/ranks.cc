// SPDX-License-Identifier: Apache-2.0
// Sorting and mid-ranks without an index sort: a sorted copy, and a table that says where in it a
// value stands. Latencies span few bits, which is what a radix sort wants.
#include <algorithm>
#include <limits>

#include "stats/stationarity.h"

namespace assay::stats {
namespace {

// Integer part of a mid-rank: groups of ties take disjoint ranges of positions, so it tells them
// apart.
size_t slot(float rank) { return rank >= 1 ? static_cast<size_t>(rank) : 0; }

uint64_t distance(int64_t from, int64_t to) {  // from <= to; INT64 extremes do not overflow
  return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
}

// Maps a value to a bucket, monotonically: linear between the .1 % and 99.9 % points, so that one
// outlier does not put all other values into one bucket.
class Buckets {
 public:
  explicit Buckets(std::span<const int64_t> sorted) {
    const size_t n = sorted.size(), edge = n / 1000;
    low_ = sorted[edge];
    high_ = sorted[n - 1 - edge];
    // About one bucket for two values: few values a bucket, a quarter of their memory.
    while (inner_ * 2 < n && inner_ < (size_t{1} << 19)) inner_ *= 2;
    while ((distance(low_, high_) >> shift_) >= inner_) ++shift_;
    starts_.assign(inner_ + 3, 0);
    for (const int64_t v : sorted) ++starts_[index(v) + 1];
    for (size_t b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
  }
  size_t index(int64_t v) const {
    if (v < low_) return 0;
    if (v > high_) return inner_ + 1;
    return 1 + static_cast<size_t>(distance(low_, v) >> shift_);
  }
  size_t begin(size_t bucket) const { return starts_[bucket]; }
  // All values of an inner bucket are equal.
  bool single(size_t bucket) const { return shift_ == 0 && bucket > 0 && bucket <= inner_; }

 private:
  size_t inner_ = 256;
  int64_t low_ = 0, high_ = 0;
  int shift_ = 0;
  std::vector<uint32_t> starts_;
};

}  // namespace

std::vector<float> mid_ranks(std::span<const int64_t> values, std::span<const int64_t> sorted) {
  std::vector<float> ranks;
  if (values.empty() || values.size() != sorted.size() ||
      values.size() > std::numeric_limits<uint32_t>::max())
    return ranks;
  ranks.resize(values.size());
  const Buckets buckets(sorted);
  // A block at a time: where each value's bucket begins is asked for before it is read, since these
  // reads fall all over the sorted copy.
  constexpr size_t kBlock = 64;
  size_t lows[kBlock], highs[kBlock];
  for (size_t from = 0; from < values.size(); from += kBlock) {
    const size_t count = std::min(kBlock, values.size() - from);
    for (size_t k = 0; k < count; ++k) {
      const size_t b = buckets.index(values[from + k]);
      lows[k] = buckets.begin(b);
      highs[k] = buckets.begin(b + 1);
      if (buckets.single(b)) continue;
      __builtin_prefetch(&sorted[lows[k]]);
      __builtin_prefetch(&sorted[highs[k] - 1]);
    }
    for (size_t k = 0; k < count; ++k) {
      const int64_t value = values[from + k];
      size_t low = lows[k], high = highs[k];
      if (!buckets.single(buckets.index(value))) {
        if (high - low <= 16) {
          const size_t end = high;
          while (sorted[low] < value) ++low;
          high = low + 1;
          while (high < end && sorted[high] == value) ++high;
        } else {
          const auto range = std::equal_range(sorted.begin() + static_cast<ptrdiff_t>(low),
                                              sorted.begin() + static_cast<ptrdiff_t>(high), value);
          low = static_cast<size_t>(range.first - sorted.begin());
          high = static_cast<size_t>(range.second - sorted.begin());
        }
      }
      ranks[from + k] = static_cast<float>(static_cast<double>(low + high + 1) / 2);
    }
  }
  return ranks;
}

std::vector<float> mid_ranks(std::span<const int64_t> values) {
  return mid_ranks(values, sorted_copy(values));
}

std::vector<int64_t> sorted_copy(std::span<const int64_t> values) {
  const auto by_comparison = [&] {
    std::vector<int64_t> out(values.begin(), values.end());
    std::sort(out.begin(), out.end());
    return out;
  };
  if (values.size() < 4096) return by_comparison();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const int64_t base = *low;
  const uint64_t range = distance(base, *high);
  if (range > std::numeric_limits<uint32_t>::max()) return by_comparison();
  std::vector<uint32_t> keys(values.size()), other(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    keys[i] = static_cast<uint32_t>(distance(base, values[i]));
  constexpr int kBits = 11;
  constexpr uint32_t kMask = (1u << kBits) - 1;
  for (int shift = 0; shift < 32 && (range >> shift) > 0; shift += kBits) {
    std::vector<uint32_t> start(kMask + 2, 0);
    for (const uint32_t k : keys) ++start[((k >> shift) & kMask) + 1];
    for (size_t d = 1; d < start.size(); ++d) start[d] += start[d - 1];
    for (const uint32_t k : keys) other[start[(k >> shift) & kMask]++] = k;
    keys.swap(other);
  }
  std::vector<uint32_t>().swap(
      other);  // before the result is there: memory stays below 12 bytes a value
  std::vector<int64_t> out(values.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = base + static_cast<int64_t>(keys[i]);
  return out;
}

std::vector<float> rerank(std::span<const float> part) {
  size_t top = 0;
  for (const float r : part) top = std::max(top, slot(r));
  std::vector<uint32_t> below(top + 2, 0);  // below[s+1]: values in slots up to s
  for (const float r : part) ++below[slot(r) + 1];
  for (size_t s = 1; s < below.size(); ++s) below[s] += below[s - 1];
  std::vector<float> out(part.size());
  for (size_t i = 0; i < part.size(); ++i) {
    const size_t s = slot(part[i]);
    out[i] = static_cast<float>((static_cast<double>(below[s]) + below[s + 1] + 1) / 2);
  }
  return out;
}

float rank_at(std::span<const float> ranks, int64_t position) {
  if (ranks.empty()) return 0;
  const auto n = static_cast<int64_t>(ranks.size());
  position = std::clamp<int64_t>(position, 1, n);
  const auto p = static_cast<float>(position);
  // The group at that position is the last whose mid-rank is <= position, or the first above it.
  float below = 0, above = std::numeric_limits<float>::max();
  int64_t count = 0;
  for (const float r : ranks) {
    const bool in = r <= p;  // no branch: half of all values take either side of a median
    count += in;
    below = std::max(below, in ? r : 0.0f);
    above = std::min(above, in ? std::numeric_limits<float>::max() : r);
  }
  return count >= position || count == n ? below : above;
}

}  // namespace assay::stats
