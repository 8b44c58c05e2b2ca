// SPDX-License-Identifier: Apache-2.0
// What a recipe's launches say of clocks (statistics.md 3.2): whether they were fixed, and where
// they were not, strata by the clock that was observed. For plans with clock states only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/derive.h"
#include "audit/evidence.h"
#include "audit/judged.h"

namespace assay::audit {

// Launches whose clocks lie within this share of the stratum's highest are of one stratum: less
// than a step of the clock tables of usual processors (100 MHz of 2 to 5 GHz).
inline constexpr double kStratumWidth = 0.02;

struct ClockStrata {
  // statistic_json["clock_state"]: state, clocks ("fixed" | "own" | "partly" | "mixed"), launches,
  // policy, strata [{cpu_mhz (of an engine on a GPU: gpu_mhz) {min, max} or "unknown", launches,
  // p50 {min, max}}], hindrance (its reason, when there is one). Null: the plan has no clock
  // states.
  Json json;
  // Of a recipe that was to run at fixed clocks and did not, when several clocks were observed: the
  // launches of the largest stratum; all that its builds are compared by.
  std::optional<std::vector<JudgedBuild>> compared;
  std::optional<Hindrance> hindrance;  // why no equality of all builds is claimed
};
ClockStrata clock_strata(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged);

// "clocks-not-fixed", "clocks-fixed-already", "clocks-same-engines".
void findings_of_clocks(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged,
                        std::vector<FindingRow>& out);
// Latency and tail at clocks that were not fixed: says in the statement that it is conditional on
// the DVFS policy; a tail over several strata is neither SAME nor DIFFERENT, over unknown clocks
// not SAME. After judge_family.
void qualify_clocks(const RecipeEvidence& recipe, std::vector<VerdictRow>& verdicts);

}  // namespace assay::audit
