// SPDX-License-Identifier: Apache-2.0
#include "diff/layer_delta.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "stats/mean_interval.h"

namespace assay::diff {
namespace {

using stats::Interval;

// x_(ceil(n/2)), as everywhere.
double median(std::vector<int64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

Status check_list(const std::vector<int64_t>& times, std::string_view what, size_t launch) {
  if (times.empty()) return bad_input(fmt::format("launch {}: no times of {}", launch, what));
  if (*std::min_element(times.begin(), times.end()) < 0)
    return bad_input(fmt::format("launch {}: a time of {} is negative", launch, what));
  return {};
}

Status check_side(std::span<const TimedLaunch> launches, std::span<const LayerPair> pairs, bool b) {
  for (size_t l = 0; l < launches.size(); ++l) {
    ASSAY_CHECK(check_list(launches[l].whole, "the instrumented whole", l));
    ASSAY_CHECK(check_list(launches[l].samples, "the engine", l));
    for (const auto& times : launches[l].layers) ASSAY_CHECK(check_list(times, "a layer", l));
    for (const LayerPair& pair : pairs)
      for (const size_t layer : b ? pair.b : pair.a)
        if (layer >= launches[l].layers.size())
          return bad_input(fmt::format("launch {}: {} layers were timed, but layer {} is paired", l,
                                       launches[l].layers.size(), layer));
  }
  return {};
}

// The step of a profiler's numbers: the largest power of ten, up to 1 ms, that divides all of them.
int64_t tick_of(std::span<const TimedLaunch> launches) {
  int64_t divisor = 0;
  for (const TimedLaunch& launch : launches) {
    for (const auto& times : launch.layers)
      for (const int64_t t : times) divisor = std::gcd(divisor, t);
    for (const int64_t t : launch.whole) divisor = std::gcd(divisor, t);
  }
  int64_t tick = 1;
  while (divisor > 0 && tick < 1000000 && divisor % (tick * 10) == 0) tick *= 10;
  return tick;
}

double side_time(const TimedLaunch& launch, const std::vector<size_t>& layers) {
  double sum = 0;
  for (const size_t layer : layers) sum += median(launch.layers[layer]);
  return sum;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The true value lies up to `below` under and `above` over what was counted in steps.
Interval widened(Interval i, double below, double above) {
  if (i.lower) *i.lower -= below;
  if (i.upper) *i.upper += above;
  return i;
}

bool excludes_zero(const Interval& i) {
  return i.lower && i.upper && (*i.lower > 0 || *i.upper < 0);
}

// Per launch: what the words rest on.
struct PerLaunch {
  std::vector<double> sum, end_to_end, rest, overhead_a, overhead_b, overhead_difference;
};

enum class Within { yes, no, unknown };

// Is |part| at most tolerance * |whole|, in the mean over launches? Two one-sided comparisons of
// tolerance * whole - part and tolerance * whole + part with 0, launch by launch, so that the error
// of the whole is in them. `below`, `above`: as in widened().
Within within(const std::vector<double>& part, const std::vector<double>& whole,
              const DeltaOptions& options, double below, double above) {
  const double sign = mean(whole) < 0 ? -1 : 1;
  std::vector<double> high, low;
  for (size_t i = 0; i < part.size(); ++i) {
    high.push_back(options.tolerance * sign * whole[i] - part[i]);
    low.push_back(options.tolerance * sign * whole[i] + part[i]);
  }
  const Interval h = widened(stats::mean_interval(high, options.confidence), above, below);
  const Interval l = widened(stats::mean_interval(low, options.confidence), below, above);
  if (!h.lower || !l.lower) return Within::unknown;
  if (*h.lower > 0 && *l.lower > 0) return Within::yes;
  if (*h.upper < 0 || *l.upper < 0) return Within::no;
  return Within::unknown;
}

Explained judge(const LayerDeltas& d, const PerLaunch& each, const DeltaOptions& options,
                double layers_a, double layers_b) {
  if (!excludes_zero(d.end_to_end)) {
    return d.end_to_end.lower ? Explained::no_difference : Explained::undecided;
  }
  const auto tick_a = static_cast<double>(d.tick_a_ns - 1),
             tick_b = static_cast<double>(d.tick_b_ns - 1);
  // rest = end to end - sum: the sum may be too small by B's steps, too large by A's.
  const Within rest =
      within(each.rest, each.end_to_end, options, layers_b * tick_b, layers_a * tick_a);
  if (rest == Within::yes) return Explained::explained;
  const Within overhead =
      within(each.overhead_difference, each.end_to_end, options, tick_a, tick_b);
  if (overhead == Within::no) return Explained::overhead;
  if (rest == Within::no && overhead == Within::yes) return Explained::elsewhere;
  return Explained::undecided;
}

void add_notes(LayerDeltas& d, const DeltaOptions& options) {
  const auto note_tick = [&](const char* who, int64_t tick) {
    if (tick >= 1000)
      d.notes.push_back(
          fmt::format("the profiler of the {} engine counts in steps of {}: shorter "
                      "layers read as 0, intervals are that much wider",
                      who, format_ns(static_cast<double>(tick))));
  };
  note_tick("first", d.tick_a_ns);
  note_tick("second", d.tick_b_ns);
  const auto note_overhead = [&](const char* who, double overhead, double plain) {
    if (plain > 0 && overhead > 0.5 * plain)
      d.notes.push_back(
          fmt::format("instrumented, the {} engine takes {:.2f} times as long: its "
                      "layers' times are upper limits at best",
                      who, (plain + overhead) / plain));
  };
  note_overhead("first", d.overhead_a.estimate, d.median_a_ns);
  note_overhead("second", d.overhead_b.estimate, d.median_b_ns);
  if (d.explained == Explained::undecided)
    d.notes.push_back(
        fmt::format("neither within nor beyond {:.0f} % of the difference with "
                    "{} launches: take more",
                    options.tolerance * 100, d.launches));
}

}  // namespace

std::string_view word(Explained e) {
  switch (e) {
    case Explained::no_difference:
      return "no difference shown";
    case Explained::explained:
      return "explained by layers";
    case Explained::elsewhere:
      return "outside of layers";
    case Explained::overhead:
      return "changed by instrumentation";
    case Explained::undecided:
      return "undecided";
  }
  return "";
}

Result<LayerDeltas> layer_deltas(std::span<const TimedLaunch> a, std::span<const TimedLaunch> b,
                                 std::span<const LayerPair> pairs, const DeltaOptions& options) {
  if (a.empty() || a.size() != b.size())
    return bad_input(
        fmt::format("{} launches of one engine and {} of the other, expected as many "
                    "of both",
                    a.size(), b.size()));
  ASSAY_CHECK(check_side(a, pairs, false));
  ASSAY_CHECK(check_side(b, pairs, true));
  LayerDeltas out;
  out.launches = static_cast<int64_t>(a.size());
  out.tick_a_ns = tick_of(a);
  out.tick_b_ns = tick_of(b);
  const auto tick_a = static_cast<double>(out.tick_a_ns - 1),
             tick_b = static_cast<double>(out.tick_b_ns - 1);
  PerLaunch each;
  each.sum.assign(a.size(), 0.0);
  std::vector<double> p;
  double layers_a = 0, layers_b = 0;
  for (size_t r = 0; r < pairs.size(); ++r) {
    std::vector<double> of_a, of_b, delta;
    for (size_t l = 0; l < a.size(); ++l) {
      of_a.push_back(side_time(a[l], pairs[r].a));
      of_b.push_back(side_time(b[l], pairs[r].b));
      delta.push_back(of_b[l] - of_a[l]);
      each.sum[l] += delta[l];
    }
    DeltaRow row;
    row.pair = r;
    row.a_ns = mean(of_a);
    row.b_ns = mean(of_b);
    const auto n_a = static_cast<double>(pairs[r].a.size()),
               n_b = static_cast<double>(pairs[r].b.size());
    row.delta =
        widened(stats::mean_interval(delta, options.confidence), n_a * tick_a, n_b * tick_b);
    p.push_back(stats::mean_p(delta));
    layers_a += n_a;
    layers_b += n_b;
    out.rows.push_back(std::move(row));
  }
  const std::vector<double> adjusted = stats::holm(p);
  for (size_t r = 0; r < out.rows.size(); ++r) {
    out.rows[r].p = adjusted[r];
    out.rows[r].differs = adjusted[r] < 1 - options.confidence && excludes_zero(out.rows[r].delta);
  }
  std::vector<double> median_a, median_b;
  for (size_t l = 0; l < a.size(); ++l) {
    median_a.push_back(median(a[l].samples));
    median_b.push_back(median(b[l].samples));
    each.end_to_end.push_back(median_b[l] - median_a[l]);
    each.rest.push_back(each.end_to_end[l] - each.sum[l]);
    each.overhead_a.push_back(median(a[l].whole) - median_a[l]);
    each.overhead_b.push_back(median(b[l].whole) - median_b[l]);
    each.overhead_difference.push_back(each.overhead_b[l] - each.overhead_a[l]);
  }
  const auto interval = [&](const std::vector<double>& values) {
    return stats::mean_interval(values, options.confidence);
  };
  out.median_a_ns = mean(median_a);
  out.median_b_ns = mean(median_b);
  out.sum = widened(interval(each.sum), layers_a * tick_a, layers_b * tick_b);
  out.end_to_end = interval(each.end_to_end);
  out.rest = widened(interval(each.rest), layers_b * tick_b, layers_a * tick_a);
  out.overhead_a = widened(interval(each.overhead_a), 0, tick_a);
  out.overhead_b = widened(interval(each.overhead_b), 0, tick_b);
  out.overhead_difference = widened(interval(each.overhead_difference), tick_a, tick_b);
  out.explained = judge(out, each, options, layers_a, layers_b);
  add_notes(out, options);
  return out;
}

}  // namespace assay::diff
