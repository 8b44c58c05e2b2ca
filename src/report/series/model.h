// SPDX-License-Identifier: Apache-2.0
// What `assay stats` and `assay wcet` say about lists of latencies: computed here from samples
// alone, printed by document.h and json.h. Pure functions; no input makes one fail. Latencies are
// ns. Method: statistics.md sections 3 to 7.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/words.h"
#include "stats/bootstrap.h"
#include "stats/equality.h"
#include "stats/gate.h"
#include "stats/paper_wcet.h"
#include "stats/pwcet.h"
#include "stats/pwcet_builds.h"
#include "stats/quantiles.h"
#include "stats/sequential.h"
#include "stats/trend.h"
#include "stats/variance.h"

namespace assay::report {

// One list of latencies, as it was read.
struct SeriesInput {
  std::string name, format, unit;
  std::vector<int64_t> samples;    // ns, run order
  std::vector<std::string> notes;  // of the reader
  bool averaged = false;           // values are means over several inferences: no tail
  int64_t launch = -1;             // as the file says, else -1
  int64_t group = 0;               // which file it came from: its build where files are builds
  double tick_ns = 1;              // smallest step that the digits of the file can tell
};

struct Requirement {  // P(X > limit) < below
  int64_t limit_ns = 0;
  double below = 0;
};

struct StatsOptions {
  std::vector<double> q = {.5, .9, .95, .99, .999};  // ascending
  double confidence = .95;                           // two-sided
  double tail_confidence = .99;                      // of the one-sided upper bound beside
  double alpha = .05;                                // of comparisons and of the requirement
  double margin_median = .01, margin_p99 = .05;      // as a ratio minus 1
  uint64_t seed = 1;                                 // of bootstraps
  bool cut_warm_up = true;
  bool builds = false;  // each file is a build, the series in it its launches
  std::optional<Requirement> requirement;
};

// One series, judged. Samples are held once in run order and once sorted.
struct SeriesStats {
  SeriesInput input;
  stats::Gate gate;
  int64_t warm_up = 0;  // samples not used, from the front
  std::vector<int64_t> sorted;
  std::vector<stats::QuantileRow> rows;  // two-sided at `confidence`, in the order of options.q
  std::vector<stats::QuantileRow> tail;  // the same q at tail_confidence: its one-sided bound
  std::optional<stats::SequentialResult> requirement;
  std::span<const int64_t> kept() const {
    return std::span(input.samples).subspan(static_cast<size_t>(warm_up));
  }
  int64_t n() const { return static_cast<int64_t>(sorted.size()); }
  int64_t minimum() const { return sorted.empty() ? 0 : sorted.front(); }
  int64_t maximum() const { return sorted.empty() ? 0 : sorted.back(); }
};
// What a list from elsewhere says of the machine: nothing.
SeriesStats analyse_series(SeriesInput input, const StatsOptions& options);
// Why `row` has no number: "not available, need n >= 4603", or the reason when no n would help.
std::string refusal_text(const stats::QuantileRow& row);

// One quantity compared, b against a.
struct Claim {
  std::string name;  // "p50"
  double q = .5, margin = .01;
  Verdict verdict = Verdict::inconclusive;
  stats::Equality equality = stats::Equality::inconclusive;
  stats::Regression regression = stats::Regression::ambiguous;
  bool bounded = false;                    // the numbers below can be had
  double ratio = 1, lower = 0, upper = 0;  // 1 - alpha
  double tost_lower = 0, tost_upper = 0;   // 1 - 2 alpha: what is held against the margin
  std::optional<double> p_equivalence, p_difference;  // launches only; Holm over the claims
  std::optional<double> p_equivalence_raw, p_difference_raw;
  std::vector<double> a, b;  // one value a launch, ns; empty for single processes
  int64_t n_needed = 0;      // launches a side that would show equality with power .9; 0: unknown
  std::string reason;        // why the word is what it is, when it needs one
};
struct Decile {
  double q = 0;
  double a = 0, b = 0;  // ns; for launches the median over launches
};
struct Comparison {
  std::string name_a, name_b;
  bool launches = false;  // unit: the launch; else two single processes
  double alpha = .05;
  std::vector<Claim> claims;
  std::vector<Decile> deciles;
  std::optional<stats::BootstrapInterval> bootstrap;  // ratio of medians over launches, BCa
  std::vector<std::string> reasons;                   // what the reader must know
  Verdict overall = Verdict::inconclusive;
};
Comparison compare_sides(std::span<const SeriesStats> a, std::span<const SeriesStats> b,
                         const std::string& name_a, const std::string& name_b,
                         const StatsOptions& options);

// Several series of one thing: how much of the variation each level brings.
struct Levels {
  std::vector<std::string> names;  // of split.levels, lowest first
  stats::VarianceSplit split;
  std::optional<stats::Trend> build_order;
};
// Absent with fewer than 3 series, or when one holds averages.
std::optional<Levels> split_levels(std::span<const SeriesStats> series,
                                   const StatsOptions& options);

struct StatsReport {
  StatsOptions options;
  std::vector<SeriesStats> series;  // side A first
  std::optional<Comparison> comparison;
  std::optional<Levels> levels;
};

}  // namespace assay::report
