// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/stationarity.h"
#include "stream/pool.h"

namespace assay::stream {
namespace {

double mean_of(std::span<const int64_t> v) {
  long double sum = 0;
  for (const int64_t x : v) sum += x;
  return v.empty() ? 0 : static_cast<double>(sum / v.size());
}

double covariance(std::span<const int64_t> a, double mean_a, std::span<const int64_t> b,
                  double mean_b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (static_cast<double>(a[i]) - mean_a) * (static_cast<double>(b[i]) - mean_b);
  return a.size() > 1 ? sum / static_cast<double>(a.size() - 1) : 0;
}

// Indices of the slowest 1 % of frames, at least 10 of them; ties by time.
std::vector<size_t> slowest(std::span<const int64_t> response) {
  std::vector<size_t> order(response.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t keep = std::min(order.size(), std::max<size_t>(10, (order.size() + 99) / 100));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep), order.end(),
                    [&](size_t a, size_t b) {
                      return response[a] != response[b] ? response[a] > response[b] : a < b;
                    });
  order.resize(keep);
  return order;
}

double tail_share(std::span<const int64_t> stage, std::span<const int64_t> response,
                  std::span<const size_t> tail) {
  double sum = 0;
  size_t n = 0;
  for (const size_t i : tail)
    if (response[i] > 0) {
      sum += static_cast<double>(stage[i]) / static_cast<double>(response[i]);
      ++n;
    }
  return n > 0 ? sum / static_cast<double>(n) : 0;
}

}  // namespace

stats::GateOptions gate_options() {
  stats::GateOptions o;
  o.cut_warm_up = false;  // warm-up frames are flagged as such; of the others every one counts
  return o;
}

StageResult summary(Stage stage, std::span<const int64_t> pooled, const AnalyseOptions& options) {
  StageResult s;
  s.stage = stage;
  s.n = static_cast<int64_t>(pooled.size());
  stats::QuantileOptions q;
  q.q.assign(std::begin(kQuantiles), std::end(kQuantiles));
  q.confidence = options.confidence;
  const std::vector<int64_t> sorted = stats::sorted_copy(pooled);
  s.quantiles = stats::quantile_table(pooled, sorted, q);
  if (pooled.empty()) return s;
  s.mean = mean_of(pooled);
  s.sd = std::sqrt(covariance(pooled, s.mean, pooled, s.mean));
  s.min = sorted.front();
  s.max = sorted.back();
  return s;
}

stats::Gate stage_gate(const Pool& pool, Stage stage) {
  std::vector<stats::Gate> gates;
  bool there = false;
  for (const Series& s : pool.series) {
    // A stream whose process died before its first frame has no series to judge.
    if (s.frames.empty() && !pool.frames.empty()) continue;
    const std::vector<int64_t> values = durations(s.frames, stage);
    there |= std::any_of(values.begin(), values.end(), [](int64_t v) { return v != 0; });
    gates.push_back(stats::judge_series(values, s.log->machine, gate_options()));
  }
  if (there) return stats::worst_of(gates);
  stats::Gate absent;
  if (pool.frames.empty())
    absent.reasons.emplace_back("too few samples: no frame was done");
  else
    absent.trust = Trust::trusted;
  absent.n = static_cast<int64_t>(pool.frames.size());
  return absent;
}

std::vector<StageResult> stage_results(const Pool& pool, const AnalyseOptions& options) {
  const std::vector<int64_t> response = durations(pool.frames, Stage::response);
  const std::vector<size_t> tail = slowest(response);
  const double mean = mean_of(response), variance = covariance(response, mean, response, mean);
  std::vector<Stage> stages(std::begin(kStages), std::end(kStages));
  stages.push_back(Stage::response);
  std::vector<StageResult> out;
  for (const Stage stage : stages) {
    const std::vector<int64_t> values = durations(pool.frames, stage);
    StageResult s = summary(stage, values, options);
    s.gate = stage_gate(pool, stage);
    s.share_mean = mean > 0 ? s.mean / mean : 0;
    s.share_variance = variance > 0 ? covariance(values, s.mean, response, mean) / variance : 0;
    s.share_tail = tail_share(values, response, tail);
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace assay::stream
