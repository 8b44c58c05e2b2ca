// SPDX-License-Identifier: Apache-2.0
// Runs of several machines side by side (the paper's Table 19): one column a run, one row a recipe
// that at least two of them have. Machines are strata: nothing is ever pooled over them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/words.h"
#include "report/document.h"
#include "report/model.h"
#include "stats/equality.h"
#include "stats/intervals.h"

namespace assay::report {

// A figure that may be unknown; then `why` says why.
struct Figures {
  std::optional<double> value, low, high;  // low, high: the least and greatest of those behind it
  std::string source, why;
  bool interval = false;  // low and high are bounds of the mean, not extremes
};

// Arithmetic of one device, as this machine measured it (table `peak`).
struct MachinePeak {
  std::string device;
  int64_t threads = 0;
  double flops = 0;  // FLOP/s fp32
};

struct Machine {
  std::string name;  // "A", "B", ...: how the tables call it
  std::string folder, cpu, machine_id, boot_id;
  int64_t cores = 0;  // that the audit was allowed; 0: unknown
  std::vector<MachinePeak> peaks;
  std::string gpus;  // name, driver, power limit of each; "" where no recipe ran on a GPU
  std::vector<std::string> notes;
  std::unique_ptr<store::RunFolder> run;
  Model model;
};
// Errors: no run folder, a response run, a database that cannot be read.
Result<Machine> load_machine(const fs::path& folder, size_t place);

// A recipe on one machine.
struct MachineCell {
  bool present = false;
  const Recipe* recipe = nullptr;
  const DataSet* data = nullptr;
  std::string compiler_versions, trust, why_no_latency;
  bool scripted = false;      // its clock is no clock
  bool may_be_equal = false;  // its profile allows a claim of equality
  // One value a build, ns: the geometric mean over its launches of their p50, or p99 where n
  // carries one.
  std::vector<double> p50_builds, p99_builds;
  std::optional<stats::Interval> p50, p99;  // over builds (Student's t on logs), ns
  std::string p99_why;
  Figures build_s;         // wall seconds of a build: median, least, greatest
  Figures energy_mj;       // of one inference
  Figures busy;            // what the device was used (source says of what)
  std::string busy_kind;   // "CPU busy of loop" | "CPU busy of launch" | "GPU busy" | "": unknown
  Figures clock_mhz;       // mean while it ran
  Figures roofline;        // share of the peak FLOP/s of its device and threads
  double size = 0;         // what the machine offers this recipe, see size_basis; 0: unknown
  std::string size_basis;  // "cores x peak FLOP/s" | "peak FLOP/s of cuda:0" | "cores" | ""
};

// What is the same in outputs of the same inputs: build 0, launch 0 of each side.
struct OutputsSide {
  std::string output, why;  // why: not comparable
  int64_t n = 0, bitwise_different = 0;
  double max_abs = 0;
  std::optional<stats::Proportion> top1;  // inputs whose first label differs
};
struct MapsSide {
  std::string why;  // nothing can be said
  int64_t layers = 0, differ = 0;
  bool names_only = false;
  int64_t maps_a = 0, maps_b = 0, maps_common = 0;  // distinct maps over builds
};

// Two machines on one recipe. ratio: latency of b over that of a.
struct MachinePair {
  size_t a = 0, b = 0;
  stats::LogRatio ratio;
  bool has_ratio = false, has_interval = false;
  Verdict verdict = Verdict::inconclusive;
  std::string reason;  // why it is inconclusive
  // Of what the verdict says, 1 for INCONCLUSIVE; Holm over all pairs of all rows, these too.
  double p = 1, adjusted_p = 1;
  std::optional<int> bigger;  // 0: a, 1: b, -1: the same size; absent: unknown
  std::string statement;      // one sentence
  std::vector<OutputsSide> outputs;
  MapsSide maps;
  int64_t same_artifacts = 0;  // distinct artifacts that both sides ran
};

struct MachineRow {
  std::string model, model_sha256, label, compiler, precision, device;
  int64_t threads = 0;             // 0: differs (across_threads)
  std::vector<MachineCell> cells;  // one a machine
  std::vector<MachinePair> pairs;  // of those that are present
};
struct Unmatched {
  size_t machine = 0;
  std::string model, label, reason;
};

struct MachinesOptions {
  double margin = 0.01, alpha = 0.05;
  bool across_threads = false;  // recipes match whatever their threads; more threads are bigger
};
struct MachinesReport {
  MachinesOptions options;
  std::vector<Machine> machines;
  std::vector<MachineRow> rows;
  std::vector<Unmatched> unmatched;
  std::vector<std::string> notes;      // what holds for the whole
  std::vector<std::string> compilers;  // one sentence a compiler: where the bigger is faster
};
MachinesReport compare_machines(std::vector<Machine> machines, const MachinesOptions& options);

Document machines_document(const MachinesReport& report);
std::string machines_json(const MachinesReport& report);
std::string machines_csv(const MachinesReport& report);

}  // namespace assay::report
