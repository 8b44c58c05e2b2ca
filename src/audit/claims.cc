// SPDX-License-Identifier: Apache-2.0
#include "audit/claims.h"

#include "base/text.h"
#include "stats/intervals.h"
#include "stats/sequential.h"

namespace assay::audit {
namespace {

constexpr double kConfidence = 0.95;
// Launches a side under which TOST has too few degrees of freedom to be planned on
// (statistics.md 7.1), and builds under which an interval on the sd between builds says little.
constexpr int64_t kLaunchesForEquivalence = 10, kBuildsForVariance = 5;
// 100 exceedances in the top 10 % of a build: the least that a tail is fitted to.
constexpr int64_t kSamplesForTail = 1000;
constexpr int64_t kBuildsFor9595 = 59;

Claim claim(std::string name, bool supported, std::string basis, std::string needs) {
  return {std::move(name), supported, std::move(basis), supported ? "" : std::move(needs)};
}

Claim quantile_claim(const Plan& plan, const char* name, double q) {
  // An upper bound at one side of a two-sided interval. Samples of several launches are no sample
  // of one law, so each launch must carry it.
  const int64_t need = stats::quantile_n_needed(q, 1 - (1 - kConfidence) / 2);
  return claim(fmt::format("bounds on the {} of a launch", name), plan.samples >= need,
               fmt::format("samples a launch: {}", plan.samples),
               fmt::format("{} samples a launch (--samples)", need));
}

Claim labels_claim(const Plan& plan, const InputUnits& data) {
  const int64_t need = stats::quantile_n_needed(1 - plan.label_margin, kConfidence);
  const std::string name = fmt::format("{}, bound of {:.3g} at {:.0f} %",
                                       data.boxes ? "no box comes or goes" : "no label flips",
                                       plan.label_margin, kConfidence * 100);
  if (data.units == 0)
    return claim(name, false, fmt::format("fixed inputs: {}, exact counts only", data.inputs),
                 "a data set whose sampling is independent or clustered");
  return claim(name, data.units >= need, fmt::format("independent units: {}", data.units),
               fmt::format("{} independent units", need));
}

}  // namespace

std::vector<Claim> plan_claims(const Plan& plan, const InputUnits& data) {
  std::vector<Claim> out;
  const auto builds = fmt::format("builds: {}", plan.builds);
  out.push_back(
      claim("outputs and kernels over rebuilds", plan.builds >= 2, builds, "at least 2 builds"));
  out.push_back(labels_claim(plan, data));
  out.push_back(quantile_claim(plan, "p50", 0.5));
  out.push_back(quantile_claim(plan, "p99", 0.99));
  out.push_back(quantile_claim(plan, "p99.9", 0.999));
  out.push_back(claim("latency of builds differs", plan.builds >= 2 && plan.launches >= 2,
                      fmt::format("launches a build: {}", plan.launches),
                      "at least 2 builds and 2 launches a build"));
  out.push_back(claim(
      fmt::format("latency of builds is equivalent within {:.3g} %", plan.latency_margin * 100),
      plan.profile.equivalence && plan.builds >= 2 && plan.launches >= kLaunchesForEquivalence,
      fmt::format("launches a build: {}", plan.launches),
      plan.profile.equivalence ? fmt::format("{} launches a build", kLaunchesForEquivalence)
                               : std::string("--profile standard: quick claims no equivalence")));
  out.push_back(claim("variance over inference, launch and build",
                      plan.builds >= kBuildsForVariance && plan.launches >= 2, builds,
                      fmt::format("{} builds for a useful interval", kBuildsForVariance)));
  out.push_back(
      claim("95 % of next builds covered at 95 %", plan.builds >= kBuildsFor9595, builds,
            fmt::format("{} builds; with {} the next is slower than all with "
                        "probability {:.3g}",
                        kBuildsFor9595, plan.builds, 1.0 / static_cast<double>(plan.builds + 1))));
  const int64_t n = plan.launches * plan.samples;
  if (plan.limit_ns > 0) {
    const int64_t need = stats::requirement_min_n(
        0, plan.limit_below, 0.05 / static_cast<double>(std::max<int64_t>(plan.builds, 1)));
    out.push_back(
        claim(fmt::format("P(X > {}) < {:g} on every build",
                          format_ns(static_cast<double>(plan.limit_ns)), plan.limit_below),
              need > 0 && n >= need, fmt::format("samples a build: {}", n),
              fmt::format("{} samples a build, none of them later", need)));
  }
  out.push_back(claim(fmt::format("pWCET down to {:.2g} an inference",
                                  1 / (100 * static_cast<double>(std::max<int64_t>(n, 1)))),
                      plan.profile.pwcet && n >= kSamplesForTail,
                      fmt::format("samples a build: {}", n),
                      plan.profile.pwcet ? fmt::format("{} samples a build", kSamplesForTail)
                                         : std::string("--profile certify")));
  return out;
}

}  // namespace assay::audit
