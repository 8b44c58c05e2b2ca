// SPDX-License-Identifier: Apache-2.0
// The report as GitHub-flavoured Markdown, short enough for an issue.
#include <fmt/format.h>

#include "report/detections.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/platform/platform.h"
#include "report/report.h"
#include "report/roofline.h"
#include "report/summary.h"

namespace assay::report {
namespace {

// Rows of cells that are not yet escaped.
class Rows {
 public:
  explicit Rows(const std::vector<std::string>& header) {
    line(header);
    out_ += "|";
    for (size_t i = 0; i < header.size(); ++i) out_ += " --- |";
    out_ += "\n";
  }
  void line(const std::vector<std::string>& cells) {
    out_ += "|";
    for (const auto& c : cells) out_ += " " + (c.empty() ? "-" : markdown(c, 400)) + " |";
    out_ += "\n";
    ++rows_;
  }
  bool empty() const { return rows_ < 2; }
  std::string str() const { return out_ + "\n"; }

 private:
  std::string out_;
  size_t rows_ = 0;
};

std::string both(const HeadCell& c) {
  return c.word.empty() ? c.text : c.text.empty() ? c.word : c.word + ": " + c.text;
}

std::string builds_table(const Recipe& r) {
  Rows t({"build", "outcome", "build time", "CPU time", "peak memory", "engine", "p50", "p90",
          "p99", "row"});
  const VerdictRow* v = find_verdict(r, "latency");
  for (const Build& b : r.builds) {
    std::vector<std::string> cells = {std::to_string(b.index),
                                      b.reason.empty() ? b.outcome : b.outcome + ": " + b.reason,
                                      cost_text(b.wall_ns),
                                      cost_text(b.cpu_ns),
                                      bytes_text(b.peak_memory_bytes),
                                      bytes_text(b.engine_bytes)};
    Json of = Json::object();
    if (v && b.counts)
      for (const Json& j : get_array(v->statistic, "builds"))
        if (get_int(j, "build", -1) == b.index) of = j;
    for (const char* q : {"p50", "p90", "p99"}) cells.push_back(interval_text(interval_at(of, q)));
    cells.push_back("build " + b.id.substr(0, 8));
    t.line(cells);
  }
  return t.empty() ? "" : t.str();
}

std::string detections_tables(const Recipe& r) {
  std::vector<std::string> header = {"boxes over", "first", "second"};
  for (std::string& h : pair_header()) header.push_back(std::move(h));
  Rows pairs(header), precision({"build", "mean average precision at IoU 0.5"});
  const std::vector<Detections> all = detections_of(r);
  for (const Detections& d : all)
    for (const DetectionPair& p : d.pairs) {
      std::vector<std::string> cells = {d.verdict->scope, pair_name(d, p, true),
                                        pair_name(d, p, false)};
      for (std::string& c : pair_cells(p)) cells.push_back(std::move(c));
      pairs.line(cells);
    }
  if (!all.empty())
    for (const BuildPrecision& b : all.front().precision)
      precision.line({b.build < 0 ? std::string("unknown") : std::to_string(b.build),
                      b.map ? number_text(*b.map) : std::string("no true box")});
  return (pairs.empty() ? "" : pairs.str()) + (precision.empty() ? "" : precision.str());
}

std::string platform_tables(const ModelInfo& info) {
  if (!has_platform(info)) return "";
  Rows machine(machine_header()), energy(energy_header());
  Notes notes;
  for (const Recipe& r : info.recipes) {
    machine.line(notes.cells(machine_cells(r)));
    for (const auto& cells : energy_rows(r)) energy.line(notes.cells(cells));
  }
  std::string out = "#### Platform\n\n" + machine.str() + energy.str();
  for (const std::string& line : notes.lines()) out += fmt::format("- {}\n", markdown(line, 200));
  return out + (notes.lines().empty() ? "" : "\n");
}

std::string recipe_text(const Model& m, const Recipe& r) {
  std::string out = fmt::format("#### {}\n\n", markdown(recipe_name(m, r.id), 120));
  if (scripted(r)) out += fmt::format("**The clock of this recipe is {}.**\n\n", kScripted);
  Rows t({"subject", "over", "verdict", "statement", "row"});
  for (const VerdictRow& v : r.verdicts)
    t.line({v.subject, v.scope, v.verdict, v.statement, "verdict " + v.id.substr(0, 8)});
  if (!t.empty()) out += t.str();
  if (const std::string line = trust_line(r); !line.empty())
    out += fmt::format("Trust of the latency: {}.\n\n", markdown(line, 600));
  if (const std::string line = roofline_line(r); !line.empty())
    out += fmt::format("Latency: {}.\n\n", markdown(line, 600));
  return out + detections_tables(r) + builds_table(r);
}

}  // namespace

Result<std::string> to_markdown(const Model& m) {
  std::string out = "## assay\n\n" + markdown(tally_text(m), 600) + "\n\n";
  for (const auto& info : m.models) {
    out += fmt::format("### {}\n\n", markdown(info.name, 120));
    Rows t({"recipe", "builds", "outputs over builds",
            has_detector(info) ? "boxes over builds" : "labels over builds",
            "against the reference", "accuracy", "kernels", "p50 over builds", "p99 over builds",
            "build time", "engine", "findings"});
    for (const Recipe& r : info.recipes) {
      const Headline h = headline(m, r);
      t.line({r.label + (r.is_reference ? " (reference)" : ""), h.builds.text, both(h.outputs),
              both(h.labels), both(h.reference), both(h.accuracy), both(h.kernels), both(h.p50),
              h.p99.text, h.build_time.text, h.engine.text, h.findings.text});
    }
    out += t.empty() ? "No recipe is planned for this model.\n\n" : t.str();
    out += platform_tables(info);
  }
  if (!m.findings.empty() || !m.problems.empty()) {
    Rows t({"severity", "where", "hazard", "what to do"});
    for (const auto& p : m.problems)
      t.line({"error", "evidence", p, "restore the run folder or run the audit anew"});
    for (const Finding& f : m.findings)
      t.line({f.severity, recipe_name(m, f.recipe_id), f.text, f.fix});
    out += "### Findings\n\n" + t.str();
  }
  Rows open({"recipe", "claim", "what this run shows", "what would settle it"});
  for (const Open& o : not_established(m))
    open.line(
        {o.recipe, o.subject + (o.scope.empty() ? "" : ", " + o.scope), o.statement, o.needs});
  if (!open.empty()) out += "### Not established\n\n" + open.str();
  for (const auto& info : m.models)
    for (const Recipe& r : info.recipes) out += recipe_text(m, r);
  Rows machine({"started (UTC)", "CPU", "cores", "kernel", "memory", "governor", "boost",
                "virtual machine", "assay"});
  for (const Attempt& a : m.attempts)
    machine.line({a.started_utc, fact(a.machine, "cpu"), fact(a.machine, "cores"),
                  fact(a.machine, "kernel"), bytes_text(get_int(a.machine, "memory_bytes", -1)),
                  fact(a.machine, "governor"), fact(a.machine, "boost"),
                  fact(a.machine, "hypervisor"), a.assay_version});
  if (!machine.empty()) out += "### Machine\n\n" + machine.str();
  out += "### Reproduce\n\n";
  std::string commands;
  for (const Attempt& a : m.attempts) commands += (commands.empty() ? "" : "\n") + command_line(a);
  if (!commands.empty()) out += markdown_block(commands, "sh") + "\n";
  return out + fmt::format("Run {}, seed {}, profile {}, plan {}.\n",
                           markdown(m.run_id.empty() ? "unknown" : m.run_id, 40),
                           markdown(m.seed.empty() ? "unknown" : m.seed, 40),
                           markdown(m.profile.empty() ? "unknown" : m.profile, 40),
                           short_hash(m.plan_sha256));
}

}  // namespace assay::report
