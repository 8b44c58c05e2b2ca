// SPDX-License-Identifier: Apache-2.0
// Mid-ranks without an index sort: a sorted copy, and a table that says where in it a value stands.
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
    while ((distance(low_, high_) >> shift_) >= kInner) ++shift_;
    starts_.assign(kInner + 3, 0);
    for (const int64_t v : sorted) ++starts_[index(v) + 1];
    for (size_t b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
  }
  size_t index(int64_t v) const {
    if (v < low_) return 0;
    if (v > high_) return kInner + 1;
    return 1 + static_cast<size_t>(distance(low_, v) >> shift_);
  }
  size_t begin(size_t bucket) const { return starts_[bucket]; }
  // All values of an inner bucket are equal.
  bool single(size_t bucket) const { return shift_ == 0 && bucket > 0 && bucket <= kInner; }

 private:
  static constexpr size_t kInner = size_t{1} << 16;
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
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t b = buckets.index(values[i]);
    size_t low = buckets.begin(b), high = buckets.begin(b + 1);
    if (!buckets.single(b)) {
      const auto range = std::equal_range(sorted.begin() + static_cast<ptrdiff_t>(low),
                                          sorted.begin() + static_cast<ptrdiff_t>(high), values[i]);
      low = static_cast<size_t>(range.first - sorted.begin());
      high = static_cast<size_t>(range.second - sorted.begin());
    }
    ranks[i] = static_cast<float>(static_cast<double>(low + high + 1) / 2);
  }
  return ranks;
}

std::vector<float> mid_ranks(std::span<const int64_t> values) {
  std::vector<int64_t> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return mid_ranks(values, sorted);
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
    if (r <= p) {
      below = std::max(below, r);
      ++count;
    } else {
      above = std::min(above, r);
    }
  }
  return count >= position || count == n ? below : above;
}

}  // namespace assay::stats
