// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>

#include "stats/selection.h"

namespace assay::stats {
namespace {

// Sd of the logs of at least two values.
double log_sd(const std::vector<double>& v) {
  double mean = 0, square = 0;
  for (const double t : v) mean += std::log(t);
  mean /= static_cast<double>(v.size());
  for (const double t : v) square += (std::log(t) - mean) * (std::log(t) - mean);
  return std::sqrt(square / static_cast<double>(v.size() - 1));
}

// The times of each candidate; of those with equal keys the first has them all. Marks the others.
std::vector<std::vector<double>> merged_times(std::span<const RecordedTimes> recorded,
                                              NearTies& out) {
  std::vector<std::vector<double>> times(recorded.size());
  std::map<std::string, size_t> first;
  for (size_t i = 0; i < recorded.size(); ++i) {
    const std::vector<double>& t = recorded[i].times_ns;
    if (t.empty() ||
        !std::all_of(t.begin(), t.end(), [](double x) { return x > 0 && std::isfinite(x); }))
      continue;
    size_t owner = i;
    if (!recorded[i].key.empty()) owner = first.try_emplace(recorded[i].key, i).first->second;
    out.candidates[i].outcome = owner == i ? TieOutcome::slower : TieOutcome::merged;
    out.candidates[i].merged_into = owner;
    times[owner].insert(times[owner].end(), t.begin(), t.end());
  }
  return times;
}

}  // namespace

std::string_view tie_word(TieOutcome o) {
  switch (o) {
    case TieOutcome::kept:
      return "kept";
    case TieOutcome::cut:
      return "cut";
    case TieOutcome::slower:
      return "slower";
    case TieOutcome::merged:
      return "merged";
    case TieOutcome::unusable:
      break;
  }
  return "unusable";
}

NearTies near_ties(std::span<const RecordedTimes> recorded, const NearTieOptions& options) {
  NearTies out;
  out.candidates.resize(recorded.size());
  const std::vector<std::vector<double>> times = merged_times(recorded, out);
  std::vector<double> spreads;
  for (const auto& t : times)
    if (t.size() > 1) spreads.push_back(log_sd(t));
  if (!spreads.empty()) {
    const auto half = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
    std::nth_element(spreads.begin(), half, spreads.end());
    out.spread = *half;
  }

  std::vector<size_t> order;
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i].empty()) continue;
    NearTie& c = out.candidates[i];
    const double half = std::max(2 * out.spread, std::max(options.floor, 0.0));
    c.time_ns = *std::min_element(times[i].begin(), times[i].end());
    c.lower_ns = c.time_ns * std::exp(-half);
    c.upper_ns = c.time_ns * std::exp(half);
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return out.candidates[a].time_ns < out.candidates[b].time_ns;
  });
  for (const size_t i : order) {
    NearTie& c = out.candidates[i];
    if (c.lower_ns > out.candidates[order.front()].upper_ns) continue;
    if (static_cast<int64_t>(out.kept.size()) < std::max<int64_t>(options.most, 1)) {
      c.outcome = TieOutcome::kept;
      out.kept.push_back(i);
    } else {
      c.outcome = TieOutcome::cut;
      ++out.cut;
    }
  }
  return out;
}

}  // namespace assay::stats
