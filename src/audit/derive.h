// SPDX-License-Identifier: Apache-2.0
// From evidence to verdicts: comparisons over all pairs of builds and with the reference, then one
// verdict a subject. Reads only rows and blobs, so that anybody can derive the same again (`assay
// report --verify`).
#pragma once

#include <string>
#include <vector>

#include "audit/evidence.h"
#include "audit/plan.h"
#include "store/run_folder.h"

namespace assay::audit {

struct ComparisonRow {
  std::string comparison_id, recipe_id, scope, a, b, output;
  int64_t n = 0, bitwise_different = 0;
  int64_t top1_mismatch = -1;  // -1: no labels
  Json metrics;
  struct FlipRow {
    int64_t input, a_top1, b_top1;
    double a_margin, b_margin, probability_change;
  };
  std::vector<FlipRow> flips;
};
struct VerdictRow {
  std::string verdict_id, recipe_id, subject, scope, verdict, statement;
  Json statistic = Json::object(), threshold = Json::object(), evidence = Json::object();
};
struct FindingRow {
  std::string severity, code, recipe_id, build_id, launch_id, text, fix;
};
struct Derived {
  std::vector<ComparisonRow> comparisons;
  std::vector<VerdictRow> verdicts;
  std::vector<FindingRow> findings;
};

// `plan` gives margins. Deterministic in the evidence.
Result<Derived> derive(store::RunFolder& run, const Json& plan);
// The same of evidence that was loaded from `run` already.
Result<Derived> derive(store::RunFolder& run, RunEvidence evidence, const Json& plan);
std::string result_sha256(const Derived& derived);
// Writes a whole derivation in one transaction.
Status store_derived(store::RunFolder& run, const std::string& attempt_id, const Derived& derived);

// Re-hashes all blobs and derives anew; the list of what does not hold is empty when all does.
Result<std::vector<std::string>> verify(store::RunFolder& run);

}  // namespace assay::audit
