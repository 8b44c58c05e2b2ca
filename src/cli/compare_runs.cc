// SPDX-License-Identifier: Apache-2.0
#include "cli/compare_runs.h"

#include <algorithm>

#include "cli/cli.h"
#include "report/machines/machines.h"

namespace assay::cli {
namespace {

std::string printed(const report::MachinesReport& r, const CompareRunsFlags& f) {
  if (f.format == "json") return report::machines_json(r);
  if (f.format == "csv") return report::machines_csv(r);
  const report::Document d = report::machines_document(r);
  if (f.format == "md") return report::to_markdown(d);
  if (f.format == "html") return report::to_html(d);
  return report::to_text(d, f.out.empty() && terminal_colours());
}

// The words of --fail-on, in lower case as everywhere.
bool fails_on(const std::vector<std::string>& words, Verdict v) {
  std::string name(word(v));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c | 0x20); });
  return std::find(words.begin(), words.end(), name) != words.end();
}

}  // namespace

Result<bool> are_runs(const std::vector<std::string>& folders) {
  std::error_code ec;
  size_t runs = 0;
  std::string other;
  for (const std::string& f : folders) {
    if (fs::exists(fs::path(f) / "run.db", ec))
      ++runs;
    else
      other = f;
  }
  if (runs == 0) return false;
  if (!other.empty())
    return bad_input(fmt::format("{} is no run folder, and others here are", one_line(other)),
                     "give run folders of `assay audit` alone, or engine folders alone");
  return true;
}

Result<ExitCode> compare_runs(const std::vector<std::string>& folders, const CompareRunsFlags& f) {
  if (folders.size() < 2)
    return bad_input("compare needs two or more run folders", "assay compare RUN_A RUN_B");
  report::MachinesOptions options;
  options.across_threads = f.across_threads;
  options.margin = f.margin;
  std::vector<report::Machine> machines;
  for (size_t i = 0; i < folders.size(); ++i) {
    ASSAY_TRY(report::Machine m, report::load_machine(folders[i], i));
    machines.push_back(std::move(m));
  }
  const report::MachinesReport r = report::compare_machines(std::move(machines), options);
  const std::string text = printed(r, f);
  if (f.out.empty())
    fmt::print("{}", text);
  else
    ASSAY_CHECK(write_file_atomic(f.out, text));
  if (r.rows.empty() && fails_on(f.fail_on, Verdict::inconclusive)) {
    fmt::print(stderr, "--fail-on inconclusive: no recipe is on two of these runs\n");
    return ExitCode::verdict;
  }
  for (const report::MachineRow& row : r.rows)
    for (const report::MachinePair& p : row.pairs)
      if (fails_on(f.fail_on, p.verdict)) return ExitCode::verdict;
  return ExitCode::ok;
}

}  // namespace assay::cli
