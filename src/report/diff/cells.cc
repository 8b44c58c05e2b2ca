// SPDX-License-Identifier: Apache-2.0
#include "report/diff/cells.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "report/escape.h"

namespace assay::report {
namespace {

using diff::Change;

bool has(const diff::RowDiff& r, Change c) {
  return std::find(r.changes.begin(), r.changes.end(), c) != r.changes.end();
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string signed_percent(double v) {
  return std::isfinite(v) ? fmt::format("{:+.1f} %", 100 * v) : "no bound";
}

constexpr size_t kNodes = 4;

// The first few nodes, and `more` when those are not all.
std::string first_of(const std::vector<std::string>& nodes, std::string_view between,
                     std::string_view more) {
  std::string out;
  for (size_t i = 0; i < std::min(nodes.size(), kNodes); ++i) {
    if (i) out += between;
    out += nodes[i];
  }
  return nodes.size() > kNodes ? out + std::string(more) : out;
}

// "#ab12cd34+90ef1234" of the first layers.
std::string code_text(const DiffReport& report, size_t row, size_t engine) {
  std::string out;
  const auto& layers = report.comparison.alignment.rows[row].layers[engine];
  for (size_t i = 0; i < layers.size() && i < 4; ++i) {
    const std::string& sha = report.engines[engine].layers[layers[i]].source_sha256;
    out += (out.empty() ? "#" : "+") + (sha.empty() ? "?" : sha.substr(0, 8));
  }
  return layers.size() > 4 ? out + "+..." : out;
}

// The tensors of one side that are not the same in all: "in0 float32 nchw16c".
std::string tensors(const DiffReport& report, size_t row, size_t engine, bool formats) {
  const auto& aligned = report.comparison.alignment.rows[row].layers;
  const auto text = [&](const diff::TensorRef& t) {
    if (!formats) return fmt::format("{}", fmt::join(t.shape, "x"));
    return t.dtype + (t.format.empty() || t.dtype.empty() ? "" : " ") + t.format;
  };
  std::vector<std::string> out;
  for (const auto& [name, member] :
       {std::pair{"in", &diff::Layer::inputs}, {"out", &diff::Layer::outputs}}) {
    const auto& mine = report.engines[engine].layers[aligned[engine].front()].*member;
    for (size_t i = 0; i < mine.size(); ++i) {
      bool same = true;
      for (size_t e = 0; e < aligned.size(); ++e) {
        if (aligned[e].empty()) continue;
        const auto& other = report.engines[e].layers[aligned[e].front()].*member;
        same = same && i < other.size() && text(other[i]) == text(mine[i]);
      }
      if (!same) out.push_back(fmt::format("{}{} {}", name, i, text(mine[i])));
    }
  }
  if (out.size() > 4) {
    out.resize(4);
    out.emplace_back("...");
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

// Equal in all engines that have the row.
template <class Text>
bool uniform(const diff::RowDiff& r, Text text) {
  std::set<std::string> seen;
  for (const diff::Side& s : r.sides)
    if (s.present) seen.insert(text(s));
  return seen.size() < 2;
}

}  // namespace

std::string diff_sum(const DiffReport& report) {
  const diff::Comparison& c = report.comparison;
  const bool nodes = c.alignment.level == diff::Level::nodes;
  std::string out = fmt::format("{} of {} {} differ", c.rows_differ, c.rows.size(),
                                nodes ? "groups of layers" : "layers");
  std::vector<std::string> parts;
  for (size_t i = 0; i < diff::kChanges; ++i)
    if (c.counts[i] > 0 && static_cast<Change>(i) != Change::name)
      parts.push_back(fmt::format("{} {}", c.counts[i], diff::word(static_cast<Change>(i))));
  if (!parts.empty()) out += fmt::format(": {}", fmt::join(parts, ", "));
  if (c.rows_renamed > 0)
    out += fmt::format("; {} {} another name only", c.rows_renamed,
                       c.rows_renamed == 1 ? "has" : "have");
  if (c.tasks_differ > 0)
    out += fmt::format("; {} of {} choices of the tuner differ ({} near tie{})", c.tasks_differ,
                       c.tasks.size(), c.near_ties, c.near_ties == 1 ? "" : "s");
  return out;
}

Table engines_table(const DiffReport& report) {
  const auto& totals = report.comparison.totals;
  const bool timed = std::any_of(totals.begin(), totals.end(),
                                 [](const diff::Totals& t) { return t.time_ns.has_value(); });
  std::vector<std::string> header{"engine", "compiler", "precision", "layers", "artifact"};
  if (timed) header.emplace_back("time of layers");
  Table t(std::move(header));
  for (size_t e = 0; e < report.engines.size(); ++e) {
    const diff::EngineMap& m = report.engines[e];
    std::string compiler = m.compiler.empty() ? "-" : m.compiler;
    if (!m.version.empty()) compiler += " " + m.version;
    std::vector<std::string> row{plain(m.label, 60), plain(compiler, 60),
                                 m.precision.empty() ? "-" : plain(m.precision, 20),
                                 std::to_string(totals[e].layers),
                                 m.artifact_bytes < 0 ? "-" : format_bytes(m.artifact_bytes)};
    if (timed) row.push_back(totals[e].time_ns ? format_ns(*totals[e].time_ns) : "-");
    t.add(std::move(row));
  }
  return t;
}

std::vector<size_t> diff_rows(const DiffReport& report, bool differs) {
  std::vector<size_t> out;
  for (size_t i = 0; i < report.comparison.rows.size(); ++i)
    if (report.comparison.rows[i].differs == differs) out.push_back(i);
  return out;
}

std::string row_name(const DiffReport& report, size_t row) {
  const diff::RowDiff& r = report.comparison.rows[row];
  for (const diff::Side& s : r.sides) {
    if (!s.present) continue;
    // Several compilers have no layer name in common: the nodes are what they share.
    if (report.comparison.alignment.level == diff::Level::nodes && !s.origin.empty())
      return first_of(s.origin, ", ", fmt::format(" and {} more", s.origin.size() - kNodes));
    return s.layer.empty() ? "(no name)" : s.layer;
  }
  return "";
}

std::string change_words(const diff::RowDiff& row) {
  if (row.changes.empty()) return "-";
  std::string out;
  for (Change c : row.changes) out += (out.empty() ? "" : ", ") + std::string(diff::word(c));
  return out;
}

std::string side_text(const DiffReport& report, size_t row, size_t engine) {
  const diff::RowDiff& r = report.comparison.rows[row];
  const diff::Side& s = r.sides[engine];
  if (!s.present) return "(absent)";
  const auto& layers = report.comparison.alignment.rows[row].layers[engine];
  const auto kernel = [](const diff::Side& x) { return x.kernel; };
  const auto code = [](const diff::Side& x) { return x.code; };
  const auto precision = [](const diff::Side& x) { return x.precision; };
  const bool whole = r.changes.empty() || r.changes.front() == Change::absent;
  std::vector<std::string> parts;
  // Kernels that are named as their layers need no second name.
  if (!uniform(r, kernel) || ((whole || has(r, Change::code)) && s.kernel != s.layer))
    parts.push_back(s.kernel);
  if (has(r, Change::name) && !uniform(r, [](const diff::Side& x) { return x.layer; }))
    parts.push_back(fmt::format("(layer {})", s.layer));
  if ((whole || !uniform(r, code)) && !s.code.empty())
    parts.push_back(code_text(report, row, engine));
  if ((whole || !uniform(r, precision)) && !s.precision.empty()) parts.push_back(s.precision);
  if (layers.size() > 1) parts.push_back(fmt::format("{} layers", layers.size()));
  if (!uniform(r, [](const diff::Side& x) { return first_of(x.origin, "+", "+..."); }))
    parts.push_back("of " + first_of(s.origin, "+", "+..."));
  if (layers.size() == 1) {
    if (has(r, Change::format)) parts.push_back(tensors(report, row, engine, true));
    if (has(r, Change::shape)) parts.push_back(tensors(report, row, engine, false));
  }
  if (has(r, Change::order)) parts.push_back(fmt::format("at {}", layers.front()));
  std::erase(parts, "");
  if (parts.empty()) parts.push_back(s.kernel.empty() ? "(not told)" : s.kernel);
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string time_text(const diff::Side& side) {
  std::string out = side.time ? format_ns(side.time->median) : "";
  if (side.share)
    out += out.empty() ? percent(*side.share) : fmt::format(" ({})", percent(*side.share));
  return out;
}

std::string range_text(const diff::Times& t) {
  if (t.n < 2) return format_ns(t.median);
  return fmt::format("{} [{}, {}]", format_ns(t.median), format_ns(t.low), format_ns(t.high));
}

std::string gap_text(const diff::Loser& l) {
  return fmt::format("{} [{}, {}]{}", signed_percent(l.gap), signed_percent(l.gap_low),
                     signed_percent(l.gap_high), l.near_tie ? ", near tie" : "");
}

std::string task_text(const DiffReport& report, const diff::TaskDiff& task, size_t engine) {
  const diff::TaskSide& s = task.sides[engine];
  if (!s.decision) return "(no such task)";
  std::string out = s.choice.empty() ? "(choice not told)" : plain(cut_middle(s.choice, 80), 80);
  if (s.times) out += ", " + range_text(*s.times);
  if (!s.losers.empty()) {
    const diff::Candidate& next =
        report.engines[engine].decisions[*s.decision].candidates[s.losers.front().candidate];
    out += fmt::format("; next {} {}", plain(cut_middle(next.text, 60), 60),
                       gap_text(s.losers.front()));
  }
  return out;
}

bool any_time(const DiffReport& report) {
  for (const diff::RowDiff& r : report.comparison.rows)
    for (const diff::Side& s : r.sides)
      if (s.time || s.share) return true;
  return false;
}

std::vector<SourcePair> source_pairs(const DiffReport& report) {
  std::vector<SourcePair> out;
  std::map<std::pair<std::string, std::string>, size_t> known;
  for (size_t row = 0; row < report.comparison.rows.size(); ++row) {
    const diff::RowDiff& r = report.comparison.rows[row];
    if (!has(r, Change::code)) continue;
    const auto& layers = report.comparison.alignment.rows[row].layers;
    size_t first = 0;
    while (first < layers.size() && r.sides[first].code.empty()) ++first;
    for (size_t e = first + 1; e < layers.size(); ++e) {
      for (size_t i = 0; i < std::min(layers[first].size(), layers[e].size()); ++i) {
        const diff::Layer& a = report.engines[first].layers[layers[first][i]];
        const diff::Layer& b = report.engines[e].layers[layers[e][i]];
        if (a.source_sha256.empty() || b.source_sha256.empty() ||
            a.source_sha256 == b.source_sha256)
          continue;
        const auto [it, fresh] =
            known.emplace(std::pair{a.source_sha256, b.source_sha256}, out.size());
        if (fresh)
          out.push_back({{},
                         first,
                         layers[first][i],
                         e,
                         layers[e][i],
                         !a.source_text.empty() && !b.source_text.empty()});
        auto& rows = out[it->second].rows;
        if (rows.empty() || rows.back() != row) rows.push_back(row);
      }
    }
  }
  return out;
}

}  // namespace assay::report
