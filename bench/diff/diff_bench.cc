// SPDX-License-Identifier: Apache-2.0
// Budget: 3 engines of 200 layers, with sources, read from their folders and diffed in under 100
// ms, the differences of their sources included. Usage: diff_bench [SCRATCH_FOLDER]
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "diff/compare.h"
#include "diff/made_engines.h"
#include "diff/read/read.h"
#include "diff/source_diff.h"

using namespace assay;

namespace {

constexpr size_t kLayers = 200, kEngines = 3;
constexpr int kRuns = 15;
constexpr double kBudgetNs = 100e6;

// Every fifth layer has other code in each engine, every tenth another precision.
Result<std::vector<fs::path>> make_folders(const fs::path& parent) {
  std::vector<fs::path> out;
  for (size_t e = 0; e < kEngines; ++e) {
    diff::EngineMap m = diff::made_engine(fmt::format("engine-{}", e), kLayers);
    for (size_t i = 0; i < kLayers; ++i) {
      diff::Layer& l = m.layers[i];
      l.source_text = diff::made_source(i, i % 5 ? 0 : static_cast<int>(e), 150);
      l.source_sha256 = sha256_hex(l.source_text);
      if (i % 10 == 3 && e == 1) l.precision = "fp16";
    }
    out.push_back(parent / m.label);
    ASSAY_CHECK(diff::write_made_folder(m, out.back()));
  }
  return out;
}

struct Done {
  size_t differ = 0, changed_lines = 0;
};
Result<Done> diff_once(const std::vector<fs::path>& folders) {
  std::vector<diff::EngineMap> engines;
  for (const fs::path& f : folders) {
    ASSAY_TRY(diff::EngineMap m, diff::read_engine(f, "auto"));
    engines.push_back(std::move(m));
  }
  const diff::Comparison c = diff::compare(engines);
  Done out{c.rows_differ, 0};
  for (const diff::Row& row : c.alignment.rows) {
    for (size_t e = 1; e < engines.size(); ++e) {
      const diff::Layer& a = engines[0].layers[row.layers[0].front()];
      const diff::Layer& b = engines[e].layers[row.layers[e].front()];
      if (a.source_sha256 == b.source_sha256) continue;
      const diff::SourceDiff d = diff::diff_sources(a.source_text, b.source_text);
      out.changed_lines += static_cast<size_t>(d.added + d.removed);
    }
  }
  return out;
}

Result<int> run(const fs::path& parent) {
  ASSAY_TRY(TempDir dir, TempDir::create(parent, "assay-diff-bench-"));
  ASSAY_TRY(const auto folders, make_folders(dir.path()));
  std::vector<double> ns;
  Done done;
  for (int i = 0; i < kRuns; ++i) {
    const int64_t start = monotonic_ns();
    ASSAY_TRY(done, diff_once(folders));
    ns.push_back(static_cast<double>(monotonic_ns() - start));
  }
  std::sort(ns.begin(), ns.end());
  const double median = ns[ns.size() / 2];
  const bool pass = done.differ == 60 && done.changed_lines > 0 && median < kBudgetNs;
  fmt::print(
      "{} engines of {} layers read and diffed: median {} of {} runs [{}, {}] (budget {}), {} "
      "layers differ, {} lines of source: {}\n",
      kEngines, kLayers, format_ns(median), kRuns, format_ns(ns.front()), format_ns(ns.back()),
      format_ns(kBudgetNs), done.differ, done.changed_lines, pass ? "PASS" : "FAIL");
  return pass ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto code = run(argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path());
  if (!code) return fmt::print("{}\n", code.error().message), 2;
  return *code;
}
