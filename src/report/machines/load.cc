// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "report/figures.h"
#include "report/machines/internal.h"
#include "report/response/report.h"

namespace assay::report {
namespace {

// Runs before schema 4 have no peaks.
Status load_peaks(Machine& m) {
  ASSAY_TRY(auto version, m.run->db().first("PRAGMA user_version"));
  if (!version || version->integer(0) < 4) return {};
  ASSAY_TRY(auto rows,
            m.run->db().query("SELECT device, threads, peaks_json FROM peak ORDER BY rowid"));
  for (const auto& r : rows) {
    const auto j = parse_json(r.text(2), "peak.peaks_json");
    const double flops = j ? get_double(*j, "flops_fp32") : 0;
    if (!j)
      m.notes.push_back(fmt::format("peaks of {}: {}", one_line(r.text(0)), j.error().message));
    if (flops > 0 && flops < 1e20 && r.integer(1) > 0)
      m.peaks.push_back({r.text(0), r.integer(1), flops});
  }
  return {};
}

// The GPUs that the audit saw, where a recipe ran on one.
std::string gpus_of(const Machine& m) {
  bool used = false;
  for (const ModelInfo& model : m.model.models)
    for (const Recipe& r : model.recipes) used = used || machines::device_of(r) != "cpu";
  if (!used) return "";
  const std::string out = gpus_text(m.model.attempts.front().machine);
  return out.empty() ? "unknown" : out;
}

}  // namespace

Result<Machine> load_machine(const fs::path& folder, size_t place) {
  Machine m;
  m.name.assign(1, static_cast<char>('A' + place % 26));
  if (place >= 26) m.name += std::to_string(place / 26);
  m.folder = folder.string();
  ASSAY_TRY(store::RunFolder run, store::RunFolder::open_for_reading(folder));
  m.run = std::make_unique<store::RunFolder>(std::move(run));
  if (is_response_run(*m.run))
    return bad_input(fmt::format("{} holds a response run, expected an audit", one_line(m.folder)),
                     "compare runs of `assay audit`");
  ASSAY_TRY(m.model, load_model(*m.run));
  if (m.model.attempts.empty())
    return bad_input(
        fmt::format("{} says nothing of its machine: no attempt is recorded", one_line(m.folder)),
        "give a run folder that `assay audit` filled");
  const Attempt& first = m.model.attempts.front();
  m.cpu = fact(first.machine, "cpu");
  m.cores = std::max<int64_t>(0, get_int(first.machine, "cores"));
  m.machine_id = first.machine_id;
  m.boot_id = first.boot_id;
  std::set<std::string> ids, boots;
  for (const Attempt& a : m.model.attempts) ids.insert(a.machine_id), boots.insert(a.boot_id);
  if (ids.size() > 1)
    m.notes.push_back(
        fmt::format("its evidence was made on {} machines; the first is shown", ids.size()));
  else if (boots.size() > 1)
    m.notes.push_back(fmt::format("its machine was started {} times in between", boots.size()));
  for (const std::string& p : m.model.problems) m.notes.push_back(p);
  if (!m.model.derivation)
    m.notes.emplace_back("nothing is judged yet: its audit did not end (run its command again)");
  m.gpus = gpus_of(m);
  ASSAY_CHECK(load_peaks(m));
  return m;
}

MachinesReport compare_machines(std::vector<Machine> machines, const MachinesOptions& options) {
  MachinesReport report;
  report.options = options;
  report.machines = std::move(machines);
  machines::match(report);
  machines::judge(report);
  for (MachineRow& row : report.rows)
    for (MachinePair& pair : row.pairs) machines::compare_evidence(report, row, pair);
  return report;
}

}  // namespace assay::report
