// SPDX-License-Identifier: Apache-2.0
// May claims be made from this series? TRUSTED, DEGRADED or REJECTED, each with its reasons.
// statistics.md section 3.7: Holm over the family of tests at alpha AND an effect size, because
// with 10^6 samples every p-value is 0. Pure functions, deterministic, no seed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/words.h"

namespace assay::stats {

struct TestResult {
  std::string name;  // kpss, pettitt, ks_halves, exceedance_slices, ljung_box_ranks,
                     // ljung_box_tail, runs, fisher_ranks, fisher_tail, tail_gap
  double statistic = 0, p = 1, adjusted_p = 1;  // adjusted: Holm over the family
  double effect = 0;        // 0 with an empty name where the test has none of its own
  std::string effect_name;  // with its unit
  int64_t at = -1;  // sample index in run order of the whole series (warm-up counted), -1: none
  bool rejected = false;  // adjusted_p < alpha; whether it matters is the effect's to say
  std::string note;       // why it was not computed, or what to know
};

// What is known of the machine during the series; absent = could not be seen, which caps the trust
// at DEGRADED (rule 5 of the design).
struct MachineEvidence {
  std::optional<int64_t> throttle_events, involuntary_switches, major_faults, migrations,
      steal_ticks;
  std::optional<double> clock_drop;  // share of the locked (else of the highest) clock, .01 = 1 %
  std::optional<bool> pinned, memory_locked;
  std::optional<bool>
      aa_equivalent;      // same engine, alternating launches, at the margin used later;
                          // absent: no such test was made, no reason (see require_aa)
  bool scripted = false;  // no real clock: not a measurement
  // What a record of the machine adds; without one nothing is said of these.
  std::string gpu_throttle;  // what held the GPU's clock down: "power cap"
  bool gpu_throttle_unknown = false;
  std::string other_load;    // "CPU 0 was 93 % busy"
  std::string load_unknown;  // why other work could not be seen
  int64_t other_gpu_processes = 0;
  bool gpu_processes_unknown = false;
  bool foreign_tree = false;          // read from other files than this machine's
  std::string record_problem;         // why the record cannot be read
  int64_t censored = 0, planned = 0;  // inferences cut off; planned samples (0: no plan)
  // Why these latencies cannot be those of the work, each beginning with a fixed phrase.
  std::vector<std::string> implausible;
  // A list of latencies from elsewhere: nothing of the machine is known. One reason, not eight.
  bool external = false;
};

struct GateOptions {
  double alpha = 0.01;
  bool cut_warm_up = true;  // MSER-5; false when the runner has warmed up and every sample counts
  bool require_aa = false;  // an absent A/A test is then a reason
  int64_t lags = 20;
  int64_t min_samples = 1000;  // below: the stationarity tests cannot judge
  // Effect sizes. Shifts are |b/a - 1| of the second half against the first.
  double degraded_r = 0.1, degraded_ess = 0.5, degraded_median = 0.005, degraded_p99 = 0.02;
  double rejected_ess = 0.05, rejected_median = 0.02;
  double clock_drop = 0.01;
  // Ours, where 3.7 says none. A tick is coarse above this share of the median, or when the middle
  // half of the samples spans no more than one tick and the tick is above the second share. An
  // exact repeat counts when chance would give it with less than `repeat_p` in the whole series. A
  // gap in the top 1 % counts above this share of the median, with at least 10 samples behind it.
  double coarse_tick = 0.005, coarse_tick_spread = 0.001, repeat_p = 1e-6, tail_gap = 0.05;
};

// Reasons begin with a fixed phrase, so that a reader (and a test) can tell one fault from another:
//   "throttling seen" (": GPU power cap") "the clock is scripted" "A/A not equivalent" -> REJECTED
//   "below the physical bound:" "early return:" "outputs change in the timed loop:"  -> REJECTED
//   "step:" "drift:" (REJECTED above rejected_median) "dependent:" (below rejected_ess) "burst:"
//   "periodic:" "copied samples:" "coarse clock:" "two-mode tail:" "no steady state:" "change:"
//   "other load:" "other load unknown:" "other GPU processes:" "GPU throttling unknown"
//   "read from another tree" "record of the machine unreadable:"
//   "too few samples:" "all samples are equal" "clock drop" "latencies from elsewhere" and
//   "NAME unknown" / "NAME seen" / "thread not pinned" / "memory not locked" / "series cut off" /
//   "series shorter than planned"                                             -> DEGRADED
struct Gate {
  Trust trust = Trust::rejected;
  std::vector<std::string> reasons;  // those that reject first; empty exactly when trusted
  std::vector<TestResult> tests;
  int64_t n = 0;         // samples judged: after warm-up
  int64_t warm_up = 0;   // samples to drop from the front
  bool steady = true;    // MSER-5 found a steady state
  double ess_ratio = 1;  // n_e/n: the smaller of ranks and of 1{x > p95}, less copied samples
  double max_abs_r = 0;  // over lags 1..20, of ranks and of the indicator 1{x > p95}
  int64_t max_r_lag = 0;
  double median_shift = 0, p99_shift = 0;  // second half over first half, minus 1 (signed)
  int64_t break_at = -1;                   // where the level steps (run order of the whole series)
  double tick_ns = 0;                      // smallest step between distinct values; 0: constant
  int64_t distinct = 0;                    // values that differ
  int64_t duplicates = 0;  // samples that lie in an exact repeat too long for chance
  int64_t repeat_from = -1, repeat_to = -1;  // first copy and its repeat, run order
  int64_t repeat_length = 0;
  double period = 0;      // samples, of a beat that counts; else 0
  int64_t burst_at = -1;  // first sample of the fullest slice when a burst counts
};
Gate judge_series(std::span<const int64_t> run_order, const MachineEvidence& machine,
                  const GateOptions& options = {});
// The reasons that the machine alone gives, and the trust it allows.
Gate judge_machine(const MachineEvidence& machine, int64_t samples,
                   const GateOptions& options = {});
// The worst of several launches: reasons united (each once, first seen first), numbers of the
// worst.
Gate worst_of(std::span<const Gate> gates);

// Signs of copying: exact repeats of `length` or more samples that a law with these values would
// give with probability < p. The law: collision rate of single values and of neighbours (2- and
// 4-grams), whichever is higher, so that coarse or autocorrelated clocks do not alarm.
struct Repeats {
  int64_t length = 0;  // shortest repeat that would be improbable; 0: no length would be
  int64_t duplicates = 0, from = -1, to = -1, longest = 0;
};
Repeats exact_repeats(std::span<const int64_t> run_order, double p);

// Noise floor from launches of the same engine, in the order they ran: consecutive pairs (1,2),
// (3,4)... give log ratios d; half width = t_{1-alpha, m-1} s_d/sqrt(m) of their mean, the half of
// a 1-2 alpha interval. equivalent: that interval lies within +-ln(1+margin) (TOST).
// margin_allowed: margin >= 2 x (exp(half) - 1); a smaller margin must be refused
// (statistics.md 7.1).
struct AaResult {
  std::optional<double> half_width;  // as a ratio minus 1 (.004 = 0.4 %); absent: < 2 pairs
  double ratio = 1;                  // geometric mean of second over first
  bool equivalent = false, margin_allowed = false;
  double floor = 0;  // smallest margin allowed: 2 x half_width
  int64_t pairs = 0;
};
AaResult aa_half_width(std::span<const double> launch_values, double margin, double alpha = 0.05);

}  // namespace assay::stats
