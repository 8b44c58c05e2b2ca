// SPDX-License-Identifier: Apache-2.0
// The latency series of a recipe, judged: the gate over each launch, its warm-up cut off, and the
// one number a launch that claims rest on. Nothing is dropped but the warm-up.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/evidence.h"
#include "stats/gate.h"
#include "stats/quantiles.h"

namespace assay::audit {

// Of intervals, and of claims (statistics.md, section 10).
inline constexpr double kConfidence = 0.95, kAlpha = 0.05;

struct JudgedLaunch {
  const LaunchEvidence* launch = nullptr;
  stats::Gate gate;
  std::span<const int64_t> samples;           // ns, run order, after the warm-up cut
  std::vector<stats::QuantileRow> quantiles;  // of kQuantiles, in its order
  int64_t median = 0, least = 0, greatest = 0;
  // 0 when so many samples could carry the quantile, else the n that could. Dependence may still
  // refuse this launch its own bounds; as one value among launches, whose scatter is measured, the
  // estimate serves all the same.
  int64_t lacks(size_t quantile) const;
};
struct JudgedBuild {
  const BuildEvidence* build = nullptr;
  std::vector<JudgedLaunch> launches;  // with samples, whatever their outcome
  // One value a launch that ended well: its median; its q-quantile where n is enough for one.
  std::vector<double> medians() const;
  std::vector<double> values(size_t quantile) const;
};

inline constexpr struct {
  const char* name;
  double q;
} kQuantiles[] = {{"p50", .5}, {"p90", .9}, {"p95", .95}, {"p99", .99}, {"p999", .999}};

// What the sampler saw of the machine in one launch; a control that it could not see stays absent.
stats::MachineEvidence machine_evidence(const LaunchEvidence& launch, int64_t planned);

// Builds that have at least one launch with samples. `plan`: samples.
std::vector<JudgedBuild> judge_launches(const RecipeEvidence& recipe, const Json& plan);

// The recipe's trust: that of its worst launch. Reasons that differ in numbers only ("step: ...")
// stand once, with the number of launches that have them.
struct RecipeTrust {
  Trust trust = Trust::trusted;
  bool scripted = false;  // of a launch: the clock is no clock
  int64_t rejected = 0;   // launches rejected for another reason than a scripted clock
  int64_t launches = 0;
  std::vector<std::string> reasons;
  std::string clock;  // "monotonic", "scripted", "mixed" or "none"
};
RecipeTrust recipe_trust(const std::vector<JudgedBuild>& builds);

// Why equality within `margin` must not be claimed although every pair of builds is equivalent:
// builds or launches that did not end well (the others are survivors), launches that the gate
// rejects, a clock that steps by more than the margin. `needs` is what would help.
struct Hindrance {
  std::string reason, needs;
};
std::optional<Hindrance> hindrance_to_equality(const RecipeEvidence& recipe,
                                               const std::vector<JudgedBuild>& builds,
                                               const RecipeTrust& trust, double margin);

// The margin against the noise floor: launches of one build are the same engine, so pairs of them,
// in the order they ran, are A/A comparisons (statistics.md 7.1).
stats::AaResult noise_floor(const std::vector<JudgedBuild>& builds, double margin, double alpha);

// Per-launch figures of verdict.statistic_json.
Json launch_json(const JudgedLaunch& launch);
// {estimate, lower, upper, confidence, n, n_needed, tau}: no number where n carries none.
Json interval_json(const stats::QuantileRow& row, int64_t n);

}  // namespace assay::audit
