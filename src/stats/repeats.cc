// SPDX-License-Identifier: Apache-2.0
// Signs that part of a series was copied: exact repeats too long for chance. Windows are hashed,
// those whose hash falls into one class are kept (memory stays small) and compared value by value.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/mix.h"
#include "stats/gate.h"

namespace assay::stats {
namespace {

constexpr double kFixed = 0.98;  // above: nearly constant, or one pattern over and over

uint64_t mixed(int64_t v) { return mix(static_cast<uint64_t>(v)); }

// Cheaper, for the rolling hash, whose sum is mixed afterwards.
uint64_t scattered(int64_t v) {
  const uint64_t h = (static_cast<uint64_t>(v) + 1) * kGolden;
  return h ^ (h >> 32);
}

// Shares of pairs of `width`-grams that are equal, over at most 2^14 grams spread over the series:
// all of them, and those seen 8 times or more. A copied stretch repeats its grams a few times; the
// law of a coarse or sticky clock repeats the same ones again and again.
struct Collisions {
  double all = 0, frequent = 0;
};
Collisions collisions(std::span<const int64_t> x, int64_t width) {
  Collisions out;
  const int64_t grams = static_cast<int64_t>(x.size()) - width + 1;
  if (grams < 2) return out;
  const int64_t stride = std::max<int64_t>(1, grams >> 14);
  std::vector<uint64_t> hashes;
  for (int64_t i = 0; i < grams; i += stride) {
    uint64_t h = 0;
    for (int64_t j = 0; j < width; ++j) h = mix(h ^ mixed(x[i + j]));
    hashes.push_back(h);
  }
  std::sort(hashes.begin(), hashes.end());
  const auto m = static_cast<double>(hashes.size());
  for (size_t i = 0; i < hashes.size();) {
    size_t j = i;
    while (j < hashes.size() && hashes[j] == hashes[i]) ++j;
    const auto t = static_cast<double>(j - i);
    out.all += t * (t - 1) / (m * (m - 1));
    if (t >= 8) out.frequent += t * (t - 1) / (m * (m - 1));
    i = j;
  }
  return out;
}

// Chance that the next values agree, given that those before agree.
double agreement_rate(std::span<const int64_t> x) {
  const Collisions one = collisions(x, 1);
  double rate = one.all;
  if (!(one.frequent > 0)) return rate;
  const double two = collisions(x, 2).frequent;
  rate = std::max(rate, two / one.frequent);
  if (two > 0) rate = std::max(rate, std::sqrt(collisions(x, 4).frequent / two));
  // Many distinct values, yet each always followed by the same: no clock does that. Copied often.
  if (rate >= kFixed && one.all < 0.05) return one.all;
  return rate;
}

struct Copy {
  int64_t from, to, length;
};

}  // namespace

Repeats exact_repeats(std::span<const int64_t> x, double p) {
  Repeats out;
  const auto n = static_cast<int64_t>(x.size());
  if (n < 50 || !(p > 0 && p < 1)) return out;
  const auto size = static_cast<double>(n);
  const double rate = agreement_rate(x);
  if (!(rate < kFixed)) return out;  // nearly constant, or one fixed pattern: repeats say nothing
  const double wanted = std::log(size * size / 2 / p) / -std::log(std::max(rate, 1e-12));
  const auto length = std::max<int64_t>(8, static_cast<int64_t>(std::ceil(wanted)));
  if (length > n / 3) return out;
  out.length = length;

  constexpr uint64_t kBase = 0x9ddfea08eb382d69;  // odd
  uint64_t power = 1, hash = 0, mask = 0;
  for (int64_t i = 1; i < length; ++i) power *= kBase;
  while ((n >> 18) > static_cast<int64_t>(mask)) mask = mask * 2 + 1;
  std::vector<std::pair<uint64_t, int64_t>> kept;
  kept.reserve(static_cast<size_t>(n / static_cast<int64_t>(mask + 1)) * 11 / 10 + 64);
  for (int64_t i = 0; i < n; ++i) {
    if (i >= length) hash -= power * scattered(x[i - length]);
    hash = hash * kBase + scattered(x[i]);
    if (i + 1 < length) continue;
    const uint64_t key = mix(hash);
    if ((key & mask) == 0) kept.emplace_back(key, i + 1 - length);
  }
  std::sort(kept.begin(), kept.end());

  std::vector<Copy> copies;
  for (size_t k = 1; k < kept.size(); ++k) {
    if (kept[k].first != kept[k - 1].first) continue;
    int64_t a = kept[k - 1].second, b = kept[k].second;
    if (b - a < length) continue;  // a run overlapping itself
    if (!std::equal(x.begin() + a, x.begin() + a + length, x.begin() + b)) continue;
    bool known = false;  // many windows lie in one copied stretch: extend it once
    for (const Copy& c : copies)
      known = known || (b - a == c.to - c.from && a >= c.from && a < c.from + c.length);
    if (known) continue;
    if (copies.size() >= 64) {  // enough is known; count the window itself
      copies.push_back({a, b, length});
      if (copies.size() >= 4096) break;
      continue;
    }
    int64_t end_a = a + length, end_b = b + length;
    while (a > 0 && x[a - 1] == x[b - 1] && b - 1 >= end_a) --a, --b;
    while (end_b < n && x[end_a] == x[end_b] && end_a < b) ++end_a, ++end_b;
    copies.push_back({a, b, end_b - b});
  }
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.to < b.to; });
  int64_t covered = -1;
  for (const Copy& c : copies) {
    out.duplicates += std::max<int64_t>(0, c.to + c.length - std::max(c.to, covered));
    covered = std::max(covered, c.to + c.length);
    if (c.length > out.longest) {
      out.longest = c.length;
      out.from = c.from;
      out.to = c.to;
    }
  }
  return out;
}

}  // namespace assay::stats
