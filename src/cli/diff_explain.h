// SPDX-License-Identifier: Apache-2.0
// `assay diff A B --outputs` and `--latency`: why two engines differ. cmd_diff adds the flags and
// prints what comes back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/explain.h"
#include "cli/cli.h"
#include "cli/engine_args.h"

namespace assay::cli {

struct ExplainFlags {
  bool outputs = false, latency = false;
  std::string data;
  int64_t inputs = 4, launches = 8, runs = 50, samples = 300;
  uint64_t seed = 1;
  bool wanted() const { return outputs || latency; }
};
void add_explain_flags(CLI::App& sub, ExplainFlags& f);

struct Explanations {
  std::string label_a, label_b, data;
  std::optional<audit::OutputsExplained> outputs;
  std::optional<audit::LatencyExplained> latency;
};
// Exactly two engines, opened with `runnable`. Says on stderr which launch runs.
Result<Explanations> explain(const std::vector<EngineArg>& engines, const ExplainFlags& f);

// text, md: sentences and tables; csv, jsonl: the tables; json: one object (explanations_json).
Status print_explanations(const Explanations& e, const std::string& format);
// {"outputs": {...} or null, "latency": {...} or null}
Json explanations_json(const Explanations& e);

}  // namespace assay::cli
