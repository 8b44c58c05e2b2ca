// SPDX-License-Identifier: Apache-2.0
// What `assay wcet` says: the pWCET of one series, or of a population of builds, with what was seen
// beside what is modelled. Pure functions. Method: statistics.md section 6; the paper's equation 1
// stands beside it and never replaces it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/series/model.h"

namespace assay::report {

struct WcetOptions {
  stats::PwcetOptions pwcet;  // p, confidence, bootstrap, seed
  bool cut_warm_up = true;
  double fps = 0;  // > 0: probability of at least one exceedance in an hour at this rate
  std::optional<int64_t> deadline_ns;
  // Terms of the paper's equation 1 that the caller states, ns; inference comes from the samples.
  int64_t cameras = 1;
  std::optional<double> read_ns, pre_ns, post_ns;
  double content = .95;  // share of builds that the tolerance bound speaks of
};

// P(X > deadline): what was seen, and what the model says.
struct Deadline {
  int64_t at_ns = 0, misses = 0, n = 0;
  double tau = 1;                     // misses cluster: n / tau of them count
  double observed_upper = 1;          // Clopper-Pearson, one-sided, of the effective counts
  std::optional<double> model;        // of the fit; absent when refused or below the threshold
  std::optional<double> model_upper;  // smallest p on the curve whose bound lies below the deadline
  bool extrapolation = false;         // model_upper < 1 / (100 n)
};

// One launch with what is known of the machine meanwhile.
struct WcetLaunch {
  SeriesInput input;  // group: its build
  stats::MachineEvidence machine;
};

struct WcetSeries {
  SeriesInput input;
  stats::Gate gate;
  int64_t warm_up = 0;
  std::vector<int64_t> sorted;
  stats::Pwcet result;                   // points: those asked for
  std::vector<stats::PwcetPoint> curve;  // a fine grid of p, for plots and the deadline
  std::optional<Deadline> deadline;
  std::vector<stats::PaperWcet> paper;  // one camera, then several when asked for
  std::span<const int64_t> kept() const {
    return std::span(input.samples).subspan(static_cast<size_t>(warm_up));
  }
};
WcetSeries analyse_wcet(WcetLaunch launch, const WcetOptions& options);

// Builds of one thing (a recipe, or files).
struct WcetPopulation {
  std::string name;
  std::vector<std::string> build_names;    // in the order of result.builds
  std::vector<stats::Gate> gates;          // worst of each build's launches
  std::vector<std::vector<int64_t>> kept;  // each launch after warm-up, in run order
  stats::PopulationPwcet result;           // points: those asked for
  // The build with the largest bound (else the first), joined: what is drawn.
  size_t shown = 0;
  std::vector<int64_t> shown_samples, shown_sorted;
  std::vector<stats::PwcetPoint> curve;  // of the build shown
};
WcetPopulation analyse_population(std::string name, std::vector<WcetLaunch> launches,
                                  const WcetOptions& options);

struct WcetReport {
  WcetOptions options;
  std::vector<WcetSeries> series;
  std::vector<WcetPopulation> populations;
  std::vector<std::string> notes;
  bool refused() const;  // any of them
};

// What would turn a refusal into an answer, most useful first.
std::vector<std::string> what_would_help(const stats::Pwcet& w, const stats::Gate& gate);

}  // namespace assay::report
