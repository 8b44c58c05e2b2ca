// SPDX-License-Identifier: Apache-2.0
#include "stream/composition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "stats/intervals.h"
#include "stats/quantiles.h"
#include "stats/random.h"
#include "stats/stationarity.h"

namespace assay::stream {
namespace {

struct Column {
  const StageColumn* of;
  std::vector<int64_t> sorted;
};

std::vector<Column> there(std::span<const StageColumn> stages) {
  std::vector<Column> out;
  for (const StageColumn& s : stages)
    if (std::any_of(s.values.begin(), s.values.end(), [](int64_t v) { return v != 0; }))
      out.push_back({&s, stats::sorted_copy(s.values)});
  return out;
}

std::vector<int64_t> sums(std::span<const Column> columns) {
  std::vector<int64_t> out(columns.empty() ? 0 : columns[0].of->values.size(), 0);
  for (const Column& c : columns)
    for (size_t i = 0; i < out.size(); ++i) out[i] += c.of->values[i];
  return out;
}

// Each round pairs every value of a stage once, with another stage's in random order: the stages'
// own laws are kept exactly.
double independent_quantile(std::span<const Column> columns, double q,
                            const ComposeOptions& options) {
  const size_t n = columns[0].sorted.size();
  const auto rounds = std::max<int64_t>(1, options.draws / static_cast<int64_t>(n));
  std::vector<int64_t> drawn;
  drawn.reserve(n * static_cast<size_t>(rounds));
  stats::Random random(stats::derived_seed(options.seed, 11));
  for (int64_t r = 0; r < rounds; ++r) {
    std::vector<int64_t> sum = columns[0].sorted;
    for (size_t k = 1; k < columns.size(); ++k) {
      std::vector<int64_t> other = columns[k].sorted;
      for (size_t i = n; i > 1; --i) std::swap(other[i - 1], other[stats::below(random, i)]);
      for (size_t i = 0; i < n; ++i) sum[i] += other[i];
    }
    drawn.insert(drawn.end(), sum.begin(), sum.end());
  }
  const auto rank =
      static_cast<std::ptrdiff_t>(std::clamp(std::ceil(q * static_cast<double>(drawn.size())), 1.0,
                                             static_cast<double>(drawn.size())) -
                                  1);
  std::nth_element(drawn.begin(), drawn.begin() + rank, drawn.end());
  return static_cast<double>(drawn[static_cast<size_t>(rank)]);
}

std::optional<double> boole(std::span<const Column> columns, double q,
                            const ComposeOptions& options) {
  const auto k = static_cast<double>(columns.size());
  double sum = 0;
  for (const Column& c : columns) {
    const stats::QuantileRow row =
        stats::quantile_row(c.of->values, c.sorted, 1 - (1 - q) / k,
                            1 - (1 - options.confidence) / k, options.dependent);
    if (!row.upper_one_sided) return std::nullopt;
    sum += static_cast<double>(*row.upper_one_sided);
  }
  return sum;
}

std::vector<Composition::Pair> pairs_of(std::span<const Column> columns, double q) {
  std::vector<Composition::Pair> out;
  for (size_t a = 0; a < columns.size(); ++a)
    for (size_t b = a + 1; b < columns.size(); ++b) {
      const auto &x = columns[a].of->values, &y = columns[b].of->values;
      out.push_back({columns[a].of->stage, columns[b].of->stage, tail_dependence(x, y, q),
                     rank_correlation(x, y)});
    }
  std::stable_sort(out.begin(), out.end(), [](const auto& l, const auto& r) {
    return l.chi != r.chi ? l.chi > r.chi
                          : std::abs(l.rank_correlation) > std::abs(r.rank_correlation);
  });
  return out;
}

std::string above_sum(const Composition& c) {
  std::string out = fmt::format(
      "the joint p{:g} ({}) is above the sum of the stages' ({}): a sum of quantiles is no bound",
      c.q * 100, format_ns(*c.joint), format_ns(*c.sum_of_quantiles));
  if (!c.pairs.empty()) {
    const Composition::Pair& p = c.pairs.front();
    out += fmt::format("; the strongest tail dependence is that of {} and {} (chi {:.2f})",
                       word(p.a), word(p.b), p.chi);
  }
  return out;
}

}  // namespace

double tail_dependence(std::span<const int64_t> a, std::span<const int64_t> b, double q) {
  if (a.empty() || a.size() != b.size()) return 0;
  const int64_t over_a = stats::quantile_point(stats::sorted_copy(a), q),
                over_b = stats::quantile_point(stats::sorted_copy(b), q);
  int64_t count = 0, both = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] <= over_a) continue;
    ++count;
    both += b[i] > over_b;
  }
  return count > 0 ? static_cast<double>(both) / static_cast<double>(count) : 0;
}

double rank_correlation(std::span<const int64_t> a, std::span<const int64_t> b) {
  if (a.size() < 2 || a.size() != b.size()) return 0;
  const std::vector<float> x = stats::mid_ranks(a), y = stats::mid_ranks(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double u = x[i] - mean, v = y[i] - mean;
    xy += u * v, xx += u * u, yy += v * v;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

Composition compose(std::span<const StageColumn> stages, double q, const ComposeOptions& options) {
  Composition c;
  c.q = q;
  const std::vector<Column> columns = there(stages);
  if (columns.empty()) {
    c.note.assign("no frame was done");
    return c;
  }
  const std::vector<int64_t> response = sums(columns), sorted = stats::sorted_copy(response);
  const stats::QuantileRow joint =
      stats::quantile_row(response, sorted, q, options.confidence, options.dependent);
  c.pairs = pairs_of(columns, q);
  if (!joint.carried()) {
    c.note =
        fmt::format("{} frames do not carry p{:g}: {}", response.size(), q * 100, joint.refusal);
    return c;
  }
  c.joint = static_cast<double>(joint.estimate);
  if (joint.upper_one_sided) c.joint_upper = static_cast<double>(*joint.upper_one_sided);
  c.sum_of_quantiles = 0;
  for (const Column& s : columns)
    *c.sum_of_quantiles += static_cast<double>(stats::quantile_point(s.sorted, q));
  c.convolution = independent_quantile(columns, q, options);
  c.boole_upper = boole(columns, q, options);
  c.boole_holds = !c.joint_upper || !c.boole_upper || *c.joint_upper <= *c.boole_upper;
  if (*c.joint > *c.sum_of_quantiles) c.note = above_sum(c);
  if (!c.boole_upper)
    c.note += fmt::format(
        "{}the frames do not carry the Boole bound, which takes p{:.5g} of {} "
        "stages",
        c.note.empty() ? "" : "; ", 100 * (1 - (1 - q) / static_cast<double>(columns.size())),
        columns.size());
  return c;
}

}  // namespace assay::stream
