// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/machines/figures_text.h"
#include "report/machines/internal.h"

namespace assay::report {
namespace {

using machines::figure_text;

std::string row_name(const MachineRow& row) {
  return fmt::format("{} {}", plain(row.model, 40), plain(row.label, 60));
}

// Kinds of use are different things, so each row says which it is.
std::string use_text(const MachineCell& c) {
  const std::string text = figure_text(c.busy, "");
  return c.busy_kind.empty() ? text : fmt::format("{}: {}", c.busy_kind, text);
}

Part machines_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Machines";
  const bool gpus = std::any_of(r.machines.begin(), r.machines.end(),
                                [](const Machine& m) { return !m.gpus.empty(); });
  std::vector<std::string> header{"", "run", "processor", "cores"};
  if (gpus) header.emplace_back("GPU");
  for (const char* h : {"peak", "kernel", "virtual", "profile"}) header.emplace_back(h);
  Table t(header);
  for (const Machine& m : r.machines) {
    const Json& facts = m.model.attempts.front().machine;
    std::string peaks;
    for (const MachinePeak& k : m.peaks)
      peaks += fmt::format("{}{} x {}: {}FLOP/s", peaks.empty() ? "" : "; ", plain(k.device, 20),
                           k.threads, scaled_text(k.flops, "", 3));  // "493 GFLOP/s"
    std::vector<std::string> cells{m.name, plain(m.folder, 60), plain(m.cpu, 60),
                                   m.cores > 0 ? std::to_string(m.cores) : "unknown"};
    if (gpus) cells.push_back(m.gpus.empty() ? "none used" : plain(m.gpus, 300));
    cells.push_back(peaks.empty() ? "unknown" : peaks);
    cells.push_back(plain(fact(facts, "kernel"), 40));
    cells.push_back(plain(fact(facts, "hypervisor"), 20));
    cells.push_back(plain(m.model.profile, 20));
    t.add(std::move(cells));
  }
  p.section.table = std::move(t);
  for (const std::string& n : r.notes) p.section.paragraphs.push_back(n);
  for (const Machine& m : r.machines)
    for (const std::string& n : m.notes) p.section.paragraphs.push_back(m.name + ": " + n);
  return p;
}

Part latency_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Latency: the paper's Table 19";
  if (r.rows.empty()) {
    p.section.paragraphs.emplace_back("No recipe is on two of these machines.");
    return p;
  }
  std::vector<std::string> header{"recipe"};
  for (const Machine& m : r.machines) header.push_back("p50 " + m.name);
  for (const char* h : {"ratio", "verdict"}) header.emplace_back(h);
  Table t(header);
  for (const MachineRow& row : r.rows) {
    for (size_t i = 0; i < row.pairs.size(); ++i) {
      const MachinePair& pair = row.pairs[i];
      std::vector<std::string> cells{i == 0 ? row_name(row) : ""};
      for (const MachineCell& c : row.cells)
        cells.push_back(i > 0        ? ""
                        : !c.present ? "-"
                                     : machines::over_builds_text(c.p50, c.why_no_latency));
      cells.push_back(machines::ratio_text(r, pair));
      cells.emplace_back(word(pair.verdict));
      t.add(std::move(cells));
    }
  }
  p.section.table = std::move(t);
  p.section.notes = {
      "p50: geometric mean over builds, one value a build (over its launches), with Student's 95 % "
      "interval on logs over builds; without one when a machine has 1 build.",
      fmt::format(
          "ratio B/A: latency of B over that of A, Welch's 95 % interval on logs of builds. "
          "SAME: its 90 % interval lies within {}; DIFFERENT: the 95 % interval excludes 1 and "
          "the estimate lies beyond the margin; Holm over all pairs and recipes.",
          percent_text(r.options.margin))};
  return p;
}

Part words_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Is the bigger machine faster?";
  for (const std::string& s : r.compilers) p.section.paragraphs.push_back(s);
  for (const MachineRow& row : r.rows)
    for (const MachinePair& pair : row.pairs)
      p.section.paragraphs.push_back(fmt::format("{}: {}", row_name(row), pair.statement));
  std::string basis;
  for (const MachineRow& row : r.rows)
    for (const MachineCell& c : row.cells)
      if (!c.size_basis.empty() && basis.find(c.size_basis) == std::string::npos)
        basis += (basis.empty() ? "" : ", ") + c.size_basis;
  p.section.notes = {
      fmt::format("Bigger: by {}; machines within 5 % of each other are of the same size.",
                  basis.empty() ? "nothing that is known here" : basis)};
  return p;
}

Part figures_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Tail, energy, use, clock, build time, trust";
  Table t({"recipe", "", "builds", "p99", "energy an inference", "use", "of peak", "clock",
           "build time", "trust"});
  for (const MachineRow& row : r.rows) {
    bool first = true;
    for (size_t m = 0; m < row.cells.size(); ++m) {
      const MachineCell& c = row.cells[m];
      if (!c.present) continue;
      t.add({first ? row_name(row) : "", r.machines[m].name,
             fmt::format("{}/{}", c.recipe->builds_ok, c.recipe->builds_asked),
             machines::over_builds_text(c.p99, c.p99_why), figure_text(c.energy_mj, " mJ"),
             use_text(c), figure_text(c.roofline, ""), figure_text(c.clock_mhz, " MHz"),
             figure_text(c.build_s, " s"), plain(c.trust, 20)});
      first = false;
    }
  }
  p.section.table = std::move(t);
  std::vector<std::string> seen;
  for (const MachineRow& row : r.rows)
    for (const MachineCell& c : row.cells)
      for (const auto& [name, f] : {std::pair{"use", &c.busy},
                                    {"clock", &c.clock_mhz},
                                    {"energy", &c.energy_mj},
                                    {"of peak", &c.roofline}}) {
        if (!c.present) continue;
        std::string note = f->value ? fmt::format("{}: {}", name, f->source)
                                    : fmt::format("{} unknown: {}", name, f->why);
        if (std::find(seen.begin(), seen.end(), note) == seen.end())
          seen.push_back(std::move(note));
      }
  p.section.paragraphs = seen;
  p.section.notes = {"p99 is there only where every launch of every build carries one."};
  return p;
}

Part evidence_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Kernels, artifacts, outputs";
  Table t({"recipe", "pair", "kernels", "artifact", "outputs on the same inputs"});
  for (const MachineRow& row : r.rows)
    for (const MachinePair& pair : row.pairs)
      t.add({row_name(row), fmt::format("{}, {}", r.machines[pair.a].name, r.machines[pair.b].name),
             plain(machines::maps_text(pair.maps), 200),
             pair.same_artifacts > 0
                 ? fmt::format("{} the same on both, bit for bit", pair.same_artifacts)
                 : "each its own",
             plain(machines::outputs_text(pair), 400)});
  p.section.table = std::move(t);
  p.section.notes = {
      "Kernels and outputs are those of the first build of each machine; maps in common are over "
      "all "
      "builds. Compilers that search may build other kernels on one machine too: see each run's "
      "own "
      "report."};
  return p;
}

Part unmatched_part(const MachinesReport& r) {
  Part p;
  p.section.heading = "Not compared";
  Table t({"machine", "model", "recipe", "why"});
  for (const Unmatched& u : r.unmatched)
    t.add(
        {r.machines[u.machine].name, plain(u.model, 40), plain(u.label, 60), plain(u.reason, 300)});
  p.section.table = std::move(t);
  return p;
}

}  // namespace

Document machines_document(const MachinesReport& report) {
  Document d;
  d.title = "Machines compared";
  std::string names;
  for (const Machine& m : report.machines)
    names += fmt::format("{}{}: {}", names.empty() ? "" : "; ", m.name, m.folder);
  d.subtitle = names;
  d.parts.push_back(machines_part(report));
  d.parts.push_back(latency_part(report));
  if (!report.rows.empty()) {
    d.parts.push_back(words_part(report));
    d.parts.push_back(figures_part(report));
    d.parts.push_back(evidence_part(report));
  }
  if (!report.unmatched.empty()) d.parts.push_back(unmatched_part(report));
  return d;
}

}  // namespace assay::report
