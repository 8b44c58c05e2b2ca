// SPDX-License-Identifier: Apache-2.0
// `assay diff A B --outputs`, `--latency` and `--swap`: why two engines differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/explain.h"
#include "cli/cli.h"
#include "cli/diff_engines.h"
#include "cli/engine_args.h"

namespace assay::cli {

struct ExplainFlags {
  bool outputs = false, latency = false;
  std::string data;
  int64_t inputs = 4, launches = 8, runs = 50, samples = 300;
  uint64_t seed = 1;
  std::vector<std::string> swaps;  // layers whose choice of B is put into A; "*": each that differs
  bool wanted() const { return outputs || latency || !swaps.empty(); }
};
void add_explain_flags(CLI::App& sub, ExplainFlags& f);

struct Explanations {
  std::string label_a, label_b, data;
  std::optional<audit::OutputsExplained> outputs;
  std::optional<audit::LatencyExplained> latency;
  std::vector<std::pair<std::string, diff::SwapShare>> swaps;  // layer, what its choice moves
};
// Exactly two engines of assay (for swaps: two locks). Says on stderr which launch runs. `made`:
// existing folder for what is built.
Result<Explanations> explain(const std::vector<DiffEngine>& given, const ExplainFlags& f,
                             const fs::path& made);

// text, md: sentences and tables; csv, jsonl: the tables; json: one object (explanations_json).
Status print_explanations(const Explanations& e, const std::string& format);
// {"outputs": {...} or null, "latency": {...} or null, "swaps": [...]}
Json explanations_json(const Explanations& e);

}  // namespace assay::cli
