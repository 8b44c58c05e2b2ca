// SPDX-License-Identifier: Apache-2.0
#include "response/claims.h"

#include <algorithm>
#include <cmath>

#include "stats/intervals.h"

namespace assay::response {

std::vector<audit::Claim> plan_claims(const Plan& plan) {
  std::vector<audit::Claim> out;
  // Of the smallest condition: one task, the fewest cameras.
  const int64_t streams = *std::min_element(plan.cameras.begin(), plan.cameras.end());
  const int64_t n = plan.frames * plan.repetitions * streams;
  const std::string basis = fmt::format("frames a condition and task: {}", n);
  for (const auto& [name, q] :
       {std::pair{"p50", .5}, std::pair{"p99", .99}, std::pair{"p99.9", .999}}) {
    const int64_t needed = stats::quantile_n_needed(q, .975);
    out.push_back({fmt::format("bounds on the {} response", name), n >= needed, basis,
                   n >= needed ? "" : fmt::format("{} frames", needed)});
  }
  const bool deadline = std::any_of(plan.tasks.begin(), plan.tasks.end(),
                                    [](const TaskPlan& t) { return t.deadline_ns > 0; });
  if (deadline) {
    // As miss_rate() would say it: the upper end of a two-sided 95 % interval, and cameras that may
    // all be late together count once. Frames of a camera are taken as independent.
    const int64_t slots = plan.frames * plan.repetitions;
    const std::string clean = fmt::format("frames a camera: {}, if none is late", slots);
    const double rate = -std::expm1(std::log(.025) / static_cast<double>(slots));
    out.push_back(
        {fmt::format("deadline missed in less than {:.2g} of frames", rate), true, clean, ""});
    constexpr int64_t needed = 3'688'878;  // (1 - 1e-6)^n <= .025
    out.push_back({"deadline missed in less than 1e-06 of frames", slots >= needed, clean,
                   slots >= needed ? "" : fmt::format("{} clean frames", needed)});
    for (const int64_t k : {10, 100})
      out.push_back({fmt::format("misses in any {} frames in a row, (m,k)", k), plan.frames >= k,
                     fmt::format("frames a stream: {}", plan.frames),
                     plan.frames >= k ? "" : fmt::format("{} frames", k)});
  } else {
    out.push_back({"deadlines", false, "no deadline is known", "--deadline, or a frame rate"});
  }
  const std::string repetitions = fmt::format("repetitions: {}", plan.repetitions);
  const bool enough = plan.repetitions >= 5;
  if (plan.cameras.size() > 1)
    out.push_back({"slowdown over the fewest cameras, with its interval", enough, repetitions,
                   enough ? "" : "5 repetitions"});
  if (plan.compilers.size() * plan.precisions.size() * static_cast<size_t>(plan.builds) > 1)
    out.push_back(
        {fmt::format("stages equal over recipes within {:.0f} %", plan.equality_margin * 100),
         enough, repetitions, enough ? "" : "5 repetitions"});
  return out;
}

}  // namespace assay::response
