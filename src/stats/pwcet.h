// SPDX-License-Identifier: Apache-2.0
// Probabilistic worst case of a latency series: a bound on the latency exceeded by one inference
// with probability p, by peaks over threshold, or a refusal with its reasons. Source:
// statistics.md, section 6. The law is that of the platform state that was measured:
// representativity is an argument that no test can give (6.7, 6.8). Pure functions; the same input
// and seed give the same numbers on every platform.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/words.h"
#include "stats/extremal.h"
#include "stats/gev.h"
#include "stats/gpd.h"
#include "stats/mbpta_cv.h"
#include "stats/threshold.h"

namespace assay::stats {

struct PwcetOptions {
  double confidence = 0.95;  // one-sided, of every bound; .5 < confidence < 1
  std::vector<double> p = {1e-3, 1e-4, 1e-5, 1e-6, 1e-9};  // exceedance per inference
  int bootstrap = 499;
  uint64_t seed = 1;
  int64_t k_min = 100, k_floor = 50, k_max = 1000;
  int levels = 10;
  double forward_stop = 0.10;
  double gap_level = 0.01;  // a gap in the tail (second mode) at this level refuses
  double hold_out_level = 0.05;
  double stability_level = 0.05;
  // Of U_P for small samples, see gpd_profile_upper; 0: the plain bound of 6.4.
  double profile_correction = kProfileCorrection;
};

// One exceedance probability. Absent values: refused, or not available; a refused result still has
// no point values. All in ns. bound = max(profile, exponential) (6.4).
struct PwcetPoint {
  double p = 0;
  std::optional<double> estimate_ns;       // from the fit, no confidence
  std::optional<double> profile_upper_ns;  // U_P, corrected (xi <= -.5: parametric bootstrap, 6.2)
  std::optional<double> exponential_upper_ns;  // U_E
  std::optional<double> bound_ns;              // published
  std::optional<double> block_maxima_ns;       // cross-check: GEV of block maxima, no confidence
  // Where about 50 or more samples are expected above the quantile (n p >= 50), or p >= zeta, the
  // bound is the distribution-free order statistic of section 4 and the tail model is not asked.
  bool order_statistic = false;
  bool extrapolation = false;     // p < 1 / (100 n): model extrapolation, not evidence (6.5)
  bool below_high_water = false;  // p <= 1 / n and bound below the largest latency seen
};

// One line of the list printed with every pWCET (6.7). required: failing it refuses the pWCET.
struct Applicability {
  std::string name;
  bool pass = false, required = false;
  std::string detail;
};

struct HoldOut {  // fit on the first half, count in the second above x_{10 / n_h}
  int64_t n_half = 0, expected = 10, count = 0, critical = 0;  // reject when count > critical
  double level_ns = 0;
  bool pass = false, ran = false;
};

struct BlockMaxima {
  int64_t block = 0, blocks = 0;
  double tau = 1;  // integrated autocorrelation time used for the block
  GevFit gev, gumbel;
  GumbelTest test;
};

struct Pwcet {
  bool refused = true;
  std::vector<std::string> reasons;  // why refused, one sentence each
  std::vector<Applicability> list;
  int64_t n = 0;
  int64_t n_needed = 0;  // > n when n is what is missing, else 0
  double confidence = 0.95;
  int64_t threshold_ns = 0;
  int64_t k = 0, distinct = 0;        // exceedances, distinct values among them
  double ties = 0;                    // share of exceedances equal to another, (k - distinct) / k
  double tick_ns = 0;                 // > 0: excesses were spread over this tick because of ties
  std::optional<double> tick_change;  // relative change of the last bound by the spreading
  double zeta = 0;                    // k / n
  GpdFit fit;                         // the one the bounds come from
  GpdFit fit_lmoments;
  ExtremalIndex theta;
  double weight = 1;  // of the log-likelihood in the bounds: theta when clusters are evident
  ResidualCv cv;
  MultipleThreshold cv_multiple;
  BlockMaxima block_maxima;
  HoldOut hold_out;
  Stability stability;
  int64_t high_water_ns = 0;
  std::vector<PwcetPoint> points;  // in the order of options.p
  ThresholdChoice threshold;       // candidates with AD p and ForwardStop, for replay
  uint64_t seed = 0;
};

// `run_order`: latencies in ns, in the order measured, after warm-up. `gate`: outcome of the gate
// over the same series; REJECTED refuses, DEGRADED is printed. Never throws; any input is allowed.
// `sorted`: the same values ascending, if the caller has them (saves a copy).
Pwcet pwcet(std::span<const int64_t> run_order, Trust gate, const PwcetOptions& options = {},
            std::span<const int64_t> sorted = {});
// Smallest n that pwcet() can take with these options: the hold-out half must hold k_floor
// exceedances at the lowest threshold, the whole k_min.
int64_t pwcet_n_needed(const PwcetOptions& options);
// Smallest n for which a bound at p is evidence rather than extrapolation: 1 / (100 p).
int64_t pwcet_n_for(double p);

}  // namespace assay::stats
