// SPDX-License-Identifier: Apache-2.0
#include "stats/trend.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "stats/special.h"

namespace assay::stats {
namespace {

constexpr double kMostDeals = 200000;
constexpr size_t kMostPairs = 2000000;  // of Theil-Sen; more values are thinned evenly

bool finite(std::span<const std::vector<double>> groups) {
  for (const auto& g : groups)
    for (const double v : g)
      if (!std::isfinite(v)) return false;
  return true;
}

double median_of(std::vector<double>& v) {
  if (v.empty()) return 0;
  const auto middle = v.begin() + static_cast<ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  if (v.size() % 2) return *middle;
  return (*middle + *std::max_element(v.begin(), middle)) / 2;
}

// Median of (y_j - y_i)/(j - i) over pairs of different groups, in % of the median of all.
double slope_percent(std::span<const std::vector<double>> groups) {
  std::vector<double> all, slopes;
  for (const auto& g : groups) all.insert(all.end(), g.begin(), g.end());
  // Every step-th value, so that there are kMostPairs pairs at most.
  const auto n = static_cast<double>(all.size());
  const auto step =
      static_cast<size_t>(std::ceil(std::sqrt(n * n / 2 / static_cast<double>(kMostPairs))));
  std::vector<std::pair<size_t, double>> kept;  // group, value
  size_t k = 0;
  for (size_t i = 0; i < groups.size(); ++i)
    for (const double v : groups[i])
      if (k++ % std::max<size_t>(step, 1) == 0) kept.emplace_back(i, v);
  for (size_t a = 0; a < kept.size(); ++a)
    for (size_t b = a + 1; b < kept.size(); ++b)
      if (kept[a].first != kept[b].first)
        slopes.push_back((kept[b].second - kept[a].second) /
                         static_cast<double>(kept[b].first - kept[a].first));
  const double level = median_of(all);
  const double slope = 100 * median_of(slopes) / std::abs(level);
  return std::isfinite(slope) ? slope : 0;
}

// Lengths of runs of equal values.
std::vector<double> ties_of(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  std::vector<double> out;
  for (size_t i = 0; i < v.size();) {
    size_t j = i;
    while (j < v.size() && v[j] == v[i]) ++j;
    out.push_back(static_cast<double>(j - i));
    i = j;
  }
  return out;
}

// J: pairs of values of different groups that rise with the group, ties counting half. A sum over
// the sorted values with a tree of counts over groups: n log n, since evidence may hold any number.
double rising_pairs(std::span<const std::vector<double>> groups) {
  std::vector<std::pair<double, size_t>> values;
  for (size_t g = 0; g < groups.size(); ++g)
    for (const double v : groups[g]) values.emplace_back(v, g);
  std::sort(values.begin(), values.end());
  std::vector<double> tree(groups.size() + 1, 0.0);
  double sum = 0;
  for (size_t i = 0; i < values.size();) {
    size_t j = i;
    double of_group = 0;
    for (; j < values.size() && values[j].first == values[i].first; ++j) {
      const size_t g = values[j].second;
      for (size_t t = g; t > 0; t -= t & (~t + 1)) sum += tree[t];  // smaller, of groups before
      of_group = j > i && values[j - 1].second == g ? of_group + 1 : 0;
      sum += (static_cast<double>(j - i) - of_group) / 2;  // equal, of other groups
    }
    for (; i < j; ++i)
      for (size_t t = values[i].second + 1; t < tree.size(); t += t & (~t + 1)) tree[t] += 1;
  }
  return sum;
}

void from_z(Trend& t) {
  t.p_up = unit(std::erfc(t.z / std::numbers::sqrt2) / 2);
  t.p_down = unit(std::erfc(-t.z / std::numbers::sqrt2) / 2);
}

void finish(Trend& t) {
  t.p = std::min(1.0, 2 * std::min(t.p_up, t.p_down));
  t.direction = t.z > 0 ? 1 : t.z < 0 ? -1 : 0;
  t.computed = true;
}

// 2J of a dealing: group[i] is the group of the i-th smallest value, level[i] its tie class.
int64_t doubled_j(const std::vector<int>& group, const std::vector<int>& level) {
  int64_t sum = 0;
  for (size_t i = 0; i < group.size(); ++i)
    for (size_t j = i + 1; j < group.size(); ++j) {
      if (group[i] == group[j]) continue;
      if (level[i] == level[j])
        sum += 1;
      else if (group[i] < group[j])
        sum += 2;
    }
  return sum;
}

// Two-sided exact law of J by all dealings of the sorted values to the groups.
void enumerate_j(std::span<const std::vector<double>> groups, Trend& out) {
  std::vector<std::pair<double, int>> values;
  for (size_t g = 0; g < groups.size(); ++g)
    for (const double v : groups[g]) values.emplace_back(v, static_cast<int>(g));
  std::sort(values.begin(), values.end());
  std::vector<int> group, level;
  for (size_t i = 0; i < values.size(); ++i) {
    group.push_back(values[i].second);
    level.push_back(i == 0 ? 0 : level.back() + (values[i].first != values[i - 1].first));
  }
  const int64_t seen = doubled_j(group, level);
  std::sort(group.begin(), group.end());
  double all = 0, up = 0, down = 0;
  do {
    const int64_t j = doubled_j(group, level);
    all += 1;
    up += j >= seen;
    down += j <= seen;
  } while (std::next_permutation(group.begin(), group.end()));
  out.p_up = up / all;
  out.p_down = down / all;
  out.exact = true;
}

// Twice the mid-ranks within a block.
std::vector<int64_t> doubled_ranks(const std::vector<double>& block) {
  std::vector<int64_t> out;
  for (const double x : block) {
    int64_t r = 1;
    for (const double y : block) r += 2 * (y < x) + (y == x);
    out.push_back(r);
  }
  return out;
}

// Law of 2L of one block: how many of its k! orders give each value, divided by k!.
std::vector<double> block_law(std::vector<int64_t> ranks, size_t size) {
  std::vector<double> law(size, 0.0);
  std::vector<size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  double all = 0;
  do {
    int64_t l = 0;
    for (size_t t = 0; t < order.size(); ++t) l += static_cast<int64_t>(t + 1) * ranks[order[t]];
    law[static_cast<size_t>(l)] += 1;
    all += 1;
  } while (std::next_permutation(order.begin(), order.end()));
  for (double& p : law) p /= all;
  return law;
}

}  // namespace

Trend jonckheere_terpstra(std::span<const std::vector<double>> groups) {
  Trend out;
  std::vector<double> all;
  int64_t used = 0;
  for (const auto& g : groups) {
    used += !g.empty();
    all.insert(all.end(), g.begin(), g.end());
  }
  out.n = static_cast<int64_t>(all.size());
  if (used < 2 || !finite(groups)) return out;
  out.statistic = rising_pairs(groups);
  // Mean and variance with ties (Hollander and Wolfe 1999, eq. 6.19).
  const auto n = static_cast<double>(out.n);
  double squares = 0, a = n * (n - 1) * (2 * n + 5), b1 = 0, c1 = 0, deals = 0;
  for (const auto& g : groups) {
    const auto m = static_cast<double>(g.size());
    squares += m * m;
    a -= m * (m - 1) * (2 * m + 5);
    b1 += m * (m - 1) * (m - 2);
    c1 += m * (m - 1);
    deals -= std::lgamma(m + 1);
  }
  double b2 = 0, c2 = 0;
  for (const double t : ties_of(all)) {
    a -= t * (t - 1) * (2 * t + 5);
    b2 += t * (t - 1) * (t - 2);
    c2 += t * (t - 1);
  }
  const double mean = (n * n - squares) / 4;
  double variance = a / 72 + c1 * c2 / (8 * n * (n - 1));
  if (n > 2) variance += b1 * b2 / (36 * n * (n - 1) * (n - 2));
  if (!(variance > 1e-9)) return out;  // all values equal
  out.z = (out.statistic - mean) / std::sqrt(variance);
  from_z(out);
  if (n <= 60 && std::exp(deals + std::lgamma(n + 1)) <= kMostDeals * (1 + 1e-9))
    enumerate_j(groups, out);
  out.slope_percent = slope_percent(groups);
  finish(out);
  return out;
}

Trend page(std::span<const std::vector<double>> blocks) {
  Trend out;
  if (blocks.empty() || blocks[0].size() < 2 || !finite(blocks)) return out;
  const size_t k = blocks[0].size();
  if (k > 10000) return out;
  for (const auto& b : blocks)
    if (b.size() != k) return out;
  const auto m = static_cast<double>(k);
  double variance = 0;
  int64_t doubled = 0;
  std::vector<double> slopes;
  const bool exact = k <= 7 && blocks.size() <= 100;
  std::vector<double> law = {1.0};
  for (const auto& b : blocks) {
    const std::vector<int64_t> ranks = doubled_ranks(b);
    double spread = 0;
    for (size_t t = 0; t < k; ++t) {
      doubled += static_cast<int64_t>(t + 1) * ranks[t];
      const double off = static_cast<double>(ranks[t]) / 2 - (m + 1) / 2;
      spread += off * off;
    }
    variance += spread * m * (m * m - 1) / 12 / (m - 1);
    std::vector<std::vector<double>> single;
    for (const double v : b) single.push_back({v});
    slopes.push_back(slope_percent(single));
    if (!exact) continue;
    const std::vector<double> one = block_law(ranks, k * k * (k + 1) + 1);
    std::vector<double> next(law.size() + one.size() - 1, 0.0);
    for (size_t j = 0; j < one.size(); ++j) {
      if (one[j] == 0) continue;
      for (size_t i = 0; i < law.size(); ++i) next[i + j] += law[i] * one[j];
    }
    law = std::move(next);
  }
  const auto count = static_cast<double>(blocks.size());
  out.n = static_cast<int64_t>(blocks.size() * k);
  out.statistic = static_cast<double>(doubled) / 2;
  if (!(variance > 1e-9)) return out;
  out.z = (out.statistic - count * m * (m + 1) * (m + 1) / 4) / std::sqrt(variance);
  from_z(out);
  if (exact) {
    out.exact = true;
    out.p_up = out.p_down = 0;
    for (size_t i = 0; i < law.size(); ++i) {
      if (static_cast<int64_t>(i) >= doubled) out.p_up += law[i];
      if (static_cast<int64_t>(i) <= doubled) out.p_down += law[i];
    }
    out.p_up = unit(out.p_up);
    out.p_down = unit(out.p_down);
  }
  out.slope_percent = median_of(slopes);
  finish(out);
  return out;
}

double chance_all_rise(int64_t rising, int64_t blocks, int64_t treatments) {
  if (treatments < 1 || blocks < 0 || rising > blocks) return rising > blocks ? 0 : 1;
  if (rising <= 0) return 1;
  const double p = std::exp(-std::lgamma(static_cast<double>(treatments) + 1));
  const auto n = static_cast<double>(blocks);
  double sum = 0;
  for (int64_t i = rising; i <= blocks; ++i) {
    const auto x = static_cast<double>(i);
    double log_term = std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1);
    log_term += x * std::log(p);
    if (i < blocks) log_term += (n - x) * std::log1p(-p);
    sum += std::exp(log_term);
  }
  return unit(sum);
}

}  // namespace assay::stats
