// SPDX-License-Identifier: Apache-2.0
#include "diff/side.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace assay::diff {
namespace {

constexpr size_t kNamed = 4;  // layers whose texts are joined; the rest is counted

template <class Text>
std::string joined(const std::vector<size_t>& layers, Text text) {
  std::string out;
  for (size_t i = 0; i < layers.size() && i < kNamed; ++i) {
    if (i) out += " + ";
    out += text(layers[i]);
  }
  if (layers.size() > kNamed) out += fmt::format(" + {} more", layers.size() - kNamed);
  return out;
}

// Sizes come from files: a sum that does not fit stays at the largest number.
int64_t added(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(std::max<int64_t>(a, 0), b, &sum) ? INT64_MAX : sum;
}

// Run by run where all layers have as many runs (one report each), else the sum of the medians.
std::optional<Times> time_of(const EngineMap& engine, const std::vector<size_t>& layers) {
  std::vector<double> sum;
  bool even = true;
  Times medians;
  for (size_t i : layers) {
    const std::vector<double>& ns = engine.layers[i].time_ns;
    const auto t = times_of(ns);
    if (!t) return std::nullopt;
    medians.median += t->median, medians.low += t->low, medians.high += t->high;
    medians.n = medians.n == 0 ? t->n : std::min(medians.n, t->n);
    even = even && (sum.empty() || sum.size() == ns.size()) && t->n == ns.size();
    sum.resize(std::max(sum.size(), ns.size()), 0);
    for (size_t k = 0; k < ns.size(); ++k) sum[k] += ns[k];
  }
  return even ? times_of(sum) : std::optional(medians);
}

}  // namespace

Totals totals_of(const EngineMap& engine) {
  Totals t;
  double time = 0;
  t.layers = engine.layers.size();
  for (const Layer& l : engine.layers) {
    t.with_source += !l.source_sha256.empty();
    t.with_origin += !l.origin.empty();
    if (const auto measured = times_of(l.time_ns)) {
      ++t.with_time;
      time += measured->median;
    }
  }
  if (t.layers > 0 && t.with_time == t.layers) t.time_ns = time;
  return t;
}

Side side_of(const EngineMap& engine, const std::vector<size_t>& layers, const Totals& totals) {
  Side s;
  s.present = !layers.empty();
  if (!s.present) return s;
  const auto& all = engine.layers;
  s.layer = joined(layers, [&](size_t i) { return all[i].name; });
  s.kernel = joined(layers, [&](size_t i) { return all[i].kernel; });
  std::vector<std::string> precisions;
  bool coded = true, shared = true;
  double share = 0;
  for (size_t i : layers) {
    const Layer& l = all[i];
    coded = coded && !l.source_sha256.empty();
    if (!l.precision.empty()) precisions.push_back(l.precision);
    s.origin.insert(s.origin.end(), l.origin.begin(), l.origin.end());
    if (l.weight_bytes >= 0) s.weight_bytes = added(s.weight_bytes, l.weight_bytes);
    shared = shared && l.share.has_value();
    share += l.share.value_or(0);
  }
  if (coded)
    for (size_t i : layers) s.code += (s.code.empty() ? "" : "+") + all[i].source_sha256;
  std::sort(precisions.begin(), precisions.end());
  precisions.erase(std::unique(precisions.begin(), precisions.end()), precisions.end());
  s.precision = fmt::format("{}", fmt::join(precisions, "+"));
  std::sort(s.origin.begin(), s.origin.end());
  s.origin.erase(std::unique(s.origin.begin(), s.origin.end()), s.origin.end());
  s.time = time_of(engine, layers);
  if (totals.time_ns && *totals.time_ns > 0 && s.time) {
    double median = 0;  // of the same kind as the total, so that the shares add up to 1
    for (size_t i : layers) median += times_of(all[i].time_ns)->median;
    s.share = median / *totals.time_ns;
  } else if (shared) {
    s.share = share;
  }
  return s;
}

}  // namespace assay::diff
