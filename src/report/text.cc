// SPDX-License-Identifier: Apache-2.0
// The report for a terminal.
#include <fmt/format.h>

#include "base/text.h"
#include "base/words.h"
#include "report/detections.h"
#include "report/escape.h"
#include "report/figures.h"
#include "report/platform/platform.h"
#include "report/report.h"
#include "report/roofline.h"
#include "report/summary.h"

namespace assay::report {
namespace {

std::string coloured(std::string s, bool colour) {
  if (!colour) return s;
  static constexpr std::pair<std::string_view, std::string_view> kColours[] = {
      {"INCONCLUSIVE", "\x1b[33m"}, {"DIFFERENT", "\x1b[1;31m"}, {"SAME", "\x1b[34m"},
      {"REJECTED", "\x1b[1;31m"},   {"DEGRADED", "\x1b[33m"},    {"TRUSTED", "\x1b[34m"}};
  for (const auto& [word, code] : kColours) {
    size_t at = 0;
    while ((at = s.find(word, at)) != std::string::npos) {
      const std::string shown = fmt::format("{}{}\x1b[0m", code, word);
      s.replace(at, word.size(), shown);
      at += shown.size();
    }
  }
  return s;
}

std::string indented(const std::string& text) {
  std::string out = "  ";
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size()) out += "  ";
  }
  return out;
}

std::string word_of(const HeadCell& c) {
  return c.word.empty() ? plain(c.text, 24) : plain(c.word, 24);
}

std::string latency_word(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "latency");
  if (!v) return "unknown";
  const std::string trust = get_string(v->statistic, "trust");
  return plain(v->verdict + (trust.empty() ? "" : " (" + trust + ")"), 40);
}

std::string platform_text(const ModelInfo& info) {
  if (!has_platform(info)) return "";
  Table machine(machine_header()), energy(energy_header());
  Notes notes;
  const auto add = [&](Table& t, std::vector<std::string> cells) {
    cells = notes.cells(std::move(cells));
    for (std::string& cell : cells) cell = plain(cell, 160);
    t.add(std::move(cells));
  };
  for (const Recipe& r : info.recipes) {
    add(machine, machine_cells(r));
    for (auto& cells : energy_rows(r)) add(energy, std::move(cells));
  }
  std::string out = "\n  Platform\n" + indented(machine.text()) + "\n" + indented(energy.text());
  for (const std::string& line : notes.lines()) out += fmt::format("  {}\n", plain(line, 200));
  return out;
}

std::string model_text(const Model& m, const ModelInfo& info) {
  std::string out = fmt::format("\n{} ({})\n", plain(info.name, 80), bytes_text(info.bytes));
  for (const DataSet& d : info.datasets)
    out += fmt::format(
        "  data set {}: {} inputs, sampling {}{}, {}\n", plain(d.name, 60), count_text(d.n),
        plain(d.sampling, 20),
        d.sampling == "clustered" ? fmt::format(" ({} clusters)", count_text(d.clusters)) : "",
        truth_of(info, d));
  for (const Recipe& r : info.recipes)
    if (const Roofline of = roofline_of(r); of.told) {
      out += fmt::format("  one inference: {}\n", plain(of.work, 300));
      break;
    }
  Table verdicts({"recipe", "builds ok", "outputs", has_detector(info) ? "boxes" : "labels",
                  "vs reference", "kernels", "latency"});
  Table figures({"recipe", "p50 over builds", "p99 over builds", "accuracy", "build time", "engine",
                 "findings"});
  for (const Recipe& r : info.recipes) {
    const Headline h = headline(m, r);
    const std::string name = plain(r.label, 40) + (r.is_reference ? " *" : "");
    verdicts.add({name, fmt::format("{}/{}", r.builds_ok, r.builds_asked), word_of(h.outputs),
                  word_of(h.labels), word_of(h.reference), word_of(h.kernels), latency_word(r)});
    figures.add({name, h.p50.text, h.p99.text, h.accuracy.text, h.build_time.text, h.engine.text,
                 h.findings.text});
  }
  if (verdicts.empty()) return out + "  no recipe is planned\n";
  out += "\n" + indented(verdicts.text()) + "\n" + indented(figures.text());
  for (const Recipe& r : info.recipes)
    if (r.is_reference) out += "  * the reference\n";
  out += platform_text(info);
  for (const Recipe& r : info.recipes) {
    bool first = true;
    for (const VerdictRow& v : r.verdicts) {
      if (v.verdict == word(Verdict::same)) continue;
      if (first) out += fmt::format("\n  {}\n", plain(r.label, 60));
      first = false;
      out += fmt::format("    {}{}: {}: {} [verdict {}]\n", plain(v.subject, 30),
                         v.scope.empty() ? "" : " over " + plain(v.scope, 30), plain(v.verdict, 30),
                         plain(v.statement, 400), plain(v.id, 8));
    }
    if (const std::string line = trust_line(r); !line.empty())
      out += fmt::format("{}    trust of {}: {}\n", first ? "\n" : "", plain(r.label, 60),
                         plain(line, 600));
    if (const std::string line = roofline_line(r); !line.empty())
      out += fmt::format("{}    latency of {}: {}\n", first ? "\n" : "", plain(r.label, 60),
                         plain(line, 400));
    if (scripted(r)) out += fmt::format("    latency of {}: {}\n", plain(r.label, 60), kScripted);
  }
  return out;
}

}  // namespace

Result<std::string> to_text(const Model& m, bool colour) {
  std::string out = tally_text(m) + "\n";
  for (const auto& p : m.problems) out += "evidence: " + plain(p) + "\n";
  if (!m.findings.empty()) out += "\nFindings\n";
  for (const Finding& f : m.findings) {
    const std::string where = recipe_name(m, f.recipe_id);
    out += fmt::format("  {}: {}{}\n", plain(f.severity, 20),
                       where.empty() || f.text.starts_with(where) ? "" : plain(where, 80) + ": ",
                       plain(f.text, 400));
    if (!f.fix.empty()) out += fmt::format("    do: {}\n", plain(f.fix, 400));
  }
  for (const auto& info : m.models) out += model_text(m, info);
  const auto open = not_established(m);
  if (!open.empty()) out += "\nNot established\n";
  for (const Open& o : open)
    out += fmt::format("  {}, {}{}: needs {}\n", plain(o.recipe, 80), plain(o.subject, 30),
                       o.scope.empty() ? "" : " over " + plain(o.scope, 30), plain(o.needs));
  if (!m.attempts.empty()) {
    const Attempt& a = m.attempts.back();
    out += fmt::format(
        "\nMachine: {}, {} cores, kernel {}, memory {}, governor {}, boost {}, virtual machine "
        "{}\n",
        fact(a.machine, "cpu"), fact(a.machine, "cores"), fact(a.machine, "kernel"),
        bytes_text(get_int(a.machine, "memory_bytes", -1)), fact(a.machine, "governor"),
        fact(a.machine, "boost"), fact(a.machine, "hypervisor"));
    if (const std::string gpus = gpus_text(a.machine); !gpus.empty())
      out += fmt::format("GPU:     {}\n", plain(gpus, 400));
    out += fmt::format("Again:   {}\n", command_line(a));
  }
  out += fmt::format("Run:     {}, seed {}, profile {}\n",
                     m.run_id.empty() ? "unknown" : plain(m.run_id, 40),
                     m.seed.empty() ? "unknown" : plain(m.seed, 40),
                     m.profile.empty() ? "unknown" : plain(m.profile, 40));
  return coloured(std::move(out), colour);
}

}  // namespace assay::report
