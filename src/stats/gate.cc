// SPDX-License-Identifier: Apache-2.0
#include "stats/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/gate_internal.h"
#include "stats/independence.h"
#include "stats/intervals.h"
#include "stats/stationarity.h"

namespace assay::stats {
namespace {

constexpr int64_t kSlices = 10;
constexpr double kFullest = 1.5;  // a burst: exceedances of the fullest slice over what is expected
constexpr int64_t kFewest = 100;  // below, no test of order is computed

class Judge {
 public:
  Judge(std::span<const int64_t> series, const GateOptions& options, Gate& gate)
      : all_(series), options_(options), gate_(gate) {}

  void run(std::vector<std::string>& rejected, std::vector<std::string>& degraded) {
    rejected_ = &rejected;
    degraded_ = &degraded;
    values();
    const auto n = static_cast<int64_t>(all_.size());
    if (n < options_.min_samples)
      degraded.push_back(
          fmt::format("too few samples: {} < {}, the stationarity tests cannot judge", n,
                      options_.min_samples));
    if (gate_.distinct == 1 && n > 1) degraded.push_back("all samples are equal");
    if (n >= kFewest && gate_.distinct > 1) {
      warm_up();
      order();
      tail();
      holm_family();
      level();
      dependence();
      rest();
    }
    copies();
  }

 private:
  int64_t kept() const { return static_cast<int64_t>(part_.size()); }
  bool long_enough() const { return kept() >= options_.min_samples; }

  TestResult& add(const char* name, const TestValue& t, const char* effect_name = "") {
    TestResult r;
    r.name = name;
    r.statistic = t.statistic;
    r.p = t.computed ? t.p : 1;
    r.effect_name = effect_name;
    if (t.computed && t.at >= 0) r.at = t.at;
    if (!t.computed) r.note = "not computed: ties leave nothing to test";
    computed_.push_back(t.computed);
    gate_.tests.push_back(std::move(r));
    return gate_.tests.back();
  }
  void skip(const char* name) {
    add(name, {}).note =
        fmt::format("not computed: needs {} samples after warm-up", options_.min_samples);
  }
  const TestResult* found(const char* name) const {
    for (const TestResult& t : gate_.tests)
      if (t.name == name && t.rejected) return &t;
    return nullptr;
  }
  void reject(bool worse, std::string reason) {
    (worse ? rejected_ : degraded_)->push_back(std::move(reason));
  }

  // What the sorted values say; leaves the ranks behind and the sorted copy freed.
  void values() {
    const std::vector<int64_t> sorted = sorted_copy(all_);
    const ValueFacts facts = value_facts(sorted);
    gate_.distinct = facts.distinct;
    gate_.tick_ns = facts.tick;
    tail_gap_ = tail_gap(sorted, facts.tick);
    if (sorted.size() >= 2 && facts.distinct > 1) {
      const double median = std::max(1.0, std::abs(facts.median));
      const bool middle =
          facts.iqr <= facts.tick && facts.tick > options_.coarse_tick_spread * median;
      if (facts.tick > options_.coarse_tick * median || middle)
        degraded_->push_back(
            fmt::format("coarse clock: values step by {:.0f} ns ({:.2g} % of the median{})",
                        facts.tick, facts.tick / median * 100,
                        middle ? ", as wide as the middle half of the samples" : ""));
    }
    if (static_cast<int64_t>(all_.size()) >= kFewest && facts.distinct > 1)
      ranks_ = mid_ranks(all_, sorted);
  }

  void warm_up() {
    part_ = all_;
    const WarmUp w = mser5(ranks_);
    const auto n = static_cast<int64_t>(all_.size());
    if (n < options_.min_samples || !w.computed) return;
    if (!w.steady) {
      gate_.steady = false;
      const double moved =
          shift(two_quantiles(all_.first(w.cut)).median, two_quantiles(all_.subspan(w.cut)).median);
      if (std::abs(moved) > options_.degraded_median)
        degraded_->push_back(
            fmt::format("no steady state: the level still moves at sample {} of {} ({:+.2f} %)",
                        w.cut, n, moved * 100));
      return;
    }
    if (w.cut == 0 || !options_.cut_warm_up) return;
    const int64_t cut = slow_front(ranks_, w.cut);
    if (cut == 0) return;
    gate_.warm_up = cut;
    part_ = all_.subspan(cut);
    ranks_ = rerank(std::span<const float>(ranks_).subspan(cut));
  }

  void order() {
    const int64_t n = kept(), half = n / 2;
    const TwoQuantiles first = two_quantiles(part_.first(half)),
                       second = two_quantiles(part_.subspan(half));
    gate_.median_shift = shift(first.median, second.median);
    gate_.p99_shift = shift(first.p99, second.p99);
    if (long_enough()) {
      add("kpss", kpss_level(part_), "half-to-half median shift").effect = gate_.median_shift;
      const TestValue p = pettitt(ranks_);
      TestResult& result = add("pettitt", p, "median shift at the break");
      // Medians of too few samples would shift by chance alone.
      if (p.computed && std::min(p.at, n - p.at) >= std::max<int64_t>(50, n / 100))
        result.effect = shift(two_quantiles(part_.first(p.at)).median,
                              two_quantiles(part_.subspan(p.at)).median);
      add("ks_halves", ks_split(ranks_, half), "half-to-half p99 shift").effect = gate_.p99_shift;
      const Slices s = slices_ = exceedance_slices(ranks_, kSlices);
      TestResult& slices = add("exceedance_slices", s.test, "fullest slice over its expectation");
      slices.effect = s.fullest;
      if (s.test.computed) slices.note = fmt::format("above the {:.3g} quantile", 1 - s.share);
    } else {
      for (const char* name : {"kpss", "pettitt", "ks_halves", "exceedance_slices"}) skip(name);
    }
    p95_ = rank_at(ranks_, n - n / 20);
    const std::vector<double> r = autocorrelation(ranks_, options_.lags);
    const std::vector<double> tail = autocorrelation_above(ranks_, p95_, options_.lags);
    add("ljung_box_ranks", ljung_box(r, n), "largest |r_k|").effect = largest(r);
    add("ljung_box_tail", ljung_box(tail, n), "largest |r_k|").effect = tail_r_ = largest(tail);
    add("runs", runs_about_median(ranks_));
    fisher_ = fisher_g(ranks_);
    add("fisher_ranks", fisher_.test);
    fisher_tail_ = fisher_g_above(ranks_, p95_);
    add("fisher_tail", fisher_tail_.test);
    const int64_t lags = std::min<int64_t>(400, n / 4),
                  slices = std::clamp<int64_t>(n / 1000, 1, kSlices);
    const double tau = std::max(integrated_autocorrelation(ranks_, lags, slices),
                                integrated_autocorrelation_above(ranks_, p95_, lags, slices));
    gate_.ess_ratio = 1 / tau;
  }

  double largest(const std::vector<double>& r) {
    double most = 0;
    for (size_t k = 0; k < r.size(); ++k) {
      most = std::max(most, std::abs(r[k]));
      if (std::abs(r[k]) > gate_.max_abs_r) {
        gate_.max_abs_r = std::abs(r[k]);
        gate_.max_r_lag = static_cast<int64_t>(k) + 1;
      }
    }
    return most;
  }

  void tail() {
    TestResult& t = add("tail_gap", tail_gap_.test, "gap over the median");
    t.effect = tail_gap_.share;
    if (tail_gap_.test.computed)
      t.note = fmt::format("{} samples above the gap", tail_gap_.above);
    else
      t.note = "not computed: needs 10 samples in the top 1 %";
  }

  // Over the tests that were computed: what says nothing must not cost the others power.
  void holm_family() {
    std::vector<double> p;
    for (size_t i = 0; i < gate_.tests.size(); ++i)
      if (computed_[i]) p.push_back(gate_.tests[i].p);
    const std::vector<double> adjusted = holm(p);
    for (size_t i = 0, k = 0; i < gate_.tests.size(); ++i) {
      TestResult& t = gate_.tests[i];
      if (!computed_[i]) continue;
      t.adjusted_p = adjusted[k++];
      t.rejected = t.adjusted_p < options_.alpha;
      if (t.name != "tail_gap") any_ = any_ || t.rejected;
      if (t.at >= 0 && t.name != "ljung_box_ranks" && t.name != "ljung_box_tail")
        t.at += gate_.warm_up;
    }
  }

  bool beyond(double s, double limit) const { return std::abs(s) > limit; }

  void burst(bool worse) {
    burst_ = true;
    gate_.burst_at = slices_.test.at + gate_.warm_up;
    reject(worse, fmt::format("burst: the slowest samples come together, {:.1f} times as many as "
                              "expected in the tenth from sample {}",
                              slices_.fullest, gate_.burst_at));
  }

  void level() {
    const TestResult* p = found("pettitt");
    double moved = 0;
    if (p || found("kpss") || found("ks_halves")) moved = gate_.median_shift;
    if (p && std::abs(p->effect) > std::abs(moved)) moved = p->effect;
    if (!beyond(moved, options_.degraded_median)) return;
    const bool worse = beyond(moved, options_.rejected_median);
    if (found("exceedance_slices") && slices_.fullest >= kFullest &&
        comes_and_goes(part_, ranks_, p95_)) {
      burst(worse);
      return;
    }
    level_ = true;
    const Shape shape = level_shape(ranks_);
    if (shape.step_r2 >= shape.line_r2) {
      gate_.break_at = shape.step_at + gate_.warm_up;
      reject(worse, fmt::format("step: the median moves by {:+.2f} % at sample {}", moved * 100,
                                gate_.break_at));
    } else {
      reject(worse, fmt::format("drift: the median moves by {:+.2f} % from half to half",
                                gate_.median_shift * 100));
    }
  }

  void dependence() {
    beat(found("fisher_ranks"), fisher_, false);
    beat(found("fisher_tail"), fisher_tail_, true);
    if (gate_.period > 0)
      degraded_->push_back(fmt::format(
          "periodic: a beat every {:.4g} samples (autocorrelation {:.2f})", gate_.period, beat_r_));
    const TestResult* slices = found("exceedance_slices");
    const TestResult* clustered = found("ljung_box_tail");
    const bool matters = beyond(tail_r_, options_.degraded_r) ||
                         beyond(gate_.p99_shift, options_.degraded_p99) ||
                         gate_.ess_ratio < options_.degraded_ess;
    if (!level_ && !burst_ && slices && slices->effect >= kFullest && matters) burst(false);
    const bool ess = gate_.ess_ratio < options_.degraded_ess;
    if (!(clustered || found("ljung_box_ranks") || found("runs")) && !(any_ && ess)) return;
    bool r = beyond(gate_.max_abs_r, options_.degraded_r);
    if (r && level_) {  // a level that moves correlates any two samples: take it away first
      double most = 0;
      for (const double v : autocorrelation(ranks_, options_.lags, kSlices))
        most = std::max(most, std::abs(v));
      r = most > options_.degraded_r;
    }
    if (r && burst_ && !beyond(gate_.max_abs_r - tail_r_, 1e-12) && !ess) r = false;
    if (!r && !ess) return;
    reject(gate_.ess_ratio < options_.rejected_ess,
           fmt::format("dependent: autocorrelation up to {:.2f} (lag {}), worth {:.3g} % as many "
                       "independent samples",
                       gate_.max_abs_r, gate_.max_r_lag, gate_.ess_ratio * 100));
  }

  void beat(const TestResult* t, const Periodic& found, bool in_tail) {
    if (!t || !(found.line_p < options_.alpha)) return;
    const Beat b =
        in_tail ? beat_of_above(ranks_, p95_, found.period) : beat_of(ranks_, found.period);
    if (!(b.r > options_.degraded_r) || b.r <= beat_r_) return;
    gate_.period = b.period;
    beat_r_ = b.r;
  }

  // Rule 3.7 joins any rejection with any effect: what no reason above has named is named here.
  void rest() {
    const TestResult* gap = found("tail_gap");
    if (gap && gap->effect > options_.tail_gap)
      degraded_->push_back(
          fmt::format("two-mode tail: {} samples stand {:.3g} % of the median above all others",
                      tail_gap_.above, gap->effect * 100));
    const bool named =
        level_ || burst_ || gate_.period > 0 || !degraded_->empty() || !rejected_->empty();
    if (!any_ || named) return;
    if (!beyond(gate_.max_abs_r, options_.degraded_r) && gate_.ess_ratio >= options_.degraded_ess &&
        !beyond(gate_.median_shift, options_.degraded_median) &&
        !beyond(gate_.p99_shift, options_.degraded_p99))
      return;
    std::string names;
    for (const TestResult& t : gate_.tests)
      if (t.rejected) names += (names.empty() ? "" : ", ") + t.name;
    reject(gate_.ess_ratio < options_.rejected_ess ||
               beyond(gate_.median_shift, options_.rejected_median),
           fmt::format("change: {} reject, half to half the median moves by {:+.2f} % and p99 by "
                       "{:+.2f} %",
                       names, gate_.median_shift * 100, gate_.p99_shift * 100));
  }

  void copies() {
    std::vector<float>().swap(ranks_);
    const Repeats c = exact_repeats(all_, options_.repeat_p);
    if (c.duplicates == 0) return;
    gate_.duplicates = c.duplicates;
    gate_.repeat_from = c.from;
    gate_.repeat_to = c.to;
    gate_.repeat_length = c.longest;
    gate_.ess_ratio *= 1 - static_cast<double>(c.duplicates) / static_cast<double>(all_.size());
    reject(gate_.ess_ratio < options_.rejected_ess,
           fmt::format("copied samples: {} samples from {} are those from {} again", c.longest,
                       c.to, c.from));
  }

  std::span<const int64_t> all_, part_;
  const GateOptions& options_;
  Gate& gate_;
  std::vector<std::string>*rejected_ = nullptr, *degraded_ = nullptr;
  std::vector<float> ranks_;
  std::vector<bool> computed_;
  TailGap tail_gap_;
  Periodic fisher_, fisher_tail_;
  Slices slices_;
  float p95_ = 0;
  double tail_r_ = 0, beat_r_ = 0;
  bool any_ = false, level_ = false, burst_ = false;
};

}  // namespace

Gate judge_series(std::span<const int64_t> run_order, const MachineEvidence& machine,
                  const GateOptions& options) {
  const Gate from_machine = judge_machine(machine, static_cast<int64_t>(run_order.size()), options);
  Gate gate;
  std::vector<std::string> rejected, degraded;
  if (run_order.empty())
    rejected.emplace_back("no samples");
  else
    Judge(run_order, options, gate).run(rejected, degraded);
  gate.n = static_cast<int64_t>(run_order.size()) - gate.warm_up;
  gate.trust = from_machine.trust;
  if (machine.scripted) {  // nothing that a scripted clock shows is a finding
    gate.reasons = from_machine.reasons;
    return gate;
  }
  if (!rejected.empty())
    gate.trust = Trust::rejected;
  else if (!degraded.empty() && gate.trust == Trust::trusted)
    gate.trust = Trust::degraded;
  // What rejects stands first, the machine before the series.
  auto& reasons = gate.reasons;
  const auto append = [&](const std::vector<std::string>& more) {
    reasons.insert(reasons.end(), more.begin(), more.end());
  };
  if (from_machine.trust == Trust::rejected) append(from_machine.reasons);
  append(rejected);
  append(degraded);
  if (from_machine.trust != Trust::rejected) append(from_machine.reasons);
  return gate;
}

}  // namespace assay::stats
