// SPDX-License-Identifier: Apache-2.0
// One thin file a subcommand: flags in, one call down, text out. Each registers itself with
// add_NAME(app, result).
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "audit/plan.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"

namespace assay::cli {

// What a subcommand leaves behind: run by main after parsing.
using Action = std::function<Result<ExitCode>()>;

struct App {
  CLI::App& root;
  Action& action;
  std::vector<std::string> argv;
};

// The whole program; the exit status.
int run_assay(int argc, char** argv);

void add_audit(App& app);
void add_build(App& app);
void add_bench(App& app);
void add_compare(App& app);
void add_diff(App& app);
void add_lock(App& app);
void add_response(App& app);
void add_report(App& app);
void add_stats(App& app);
void add_wcet(App& app);
void add_compilers(App& app);
void add_models(App& app);
void add_doctor(App& app);

// Flags that say what to audit, shared by audit and build.
struct PlanFlags {
  std::string target, compilers, precisions, devices, data, shapes, sampling, trials, name;
  std::string mean, std, labels;
  int64_t resize = -1;
  bool bgr = false;
  std::vector<std::string> options;  // "tvm-autotvm.trials=16"
  std::string profile;
  int64_t builds = 0, launches = 0, samples = 0, inputs = 0, threads = 0, warmup_ms = -1;
  int64_t seed = -1;
  double build_timeout_s = 0, launch_timeout_s = 0;
  std::string memory_limit, limit, below, margin, tail_margin;
  std::string locks, lock_proof, dvfs;
  int64_t gpu_mhz = 0;
  bool no_reference = false;
};
void add_plan_flags(CLI::App& sub, PlanFlags& flags, bool measures);
// A plan file (*.toml) or one model with flags; flags override the file's [audit].
Result<audit::Request> request_from_flags(const PlanFlags& flags);

// "a,b" -> {"a","b"}; empty parts are dropped.
std::vector<std::string> split(std::string_view text, char at = ',');
// "512M", "2G", "1048576" -> bytes.
Result<int64_t> parse_bytes(std::string_view text);

// Numbers that a flag takes; what does not fit is told without the ranges of C++ types.
CLI::Validator above_zero();
CLI::Validator zero_or_more();

// Ctrl-C: the first stops children and leaves a run that resumes, the second ends at once.
const std::atomic<bool>* interrupt_flag();

// Prints `table` as --format says: text, md, csv, json (list of objects) or jsonl.
Status print_table(const Table& table, const std::string& format);
void add_format(CLI::App& sub, std::string& format, const char* choices);
bool terminal_colours();  // stdout is a terminal and NO_COLOR is not set

}  // namespace assay::cli
