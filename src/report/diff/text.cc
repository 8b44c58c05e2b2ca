// SPDX-License-Identifier: Apache-2.0
// The terminal and Markdown: the same tables, two escapes.
#include <fmt/format.h>

#include "diff/source_diff.h"
#include "report/diff/cells.h"
#include "report/escape.h"

namespace assay::report {
namespace {

constexpr size_t kName = 60, kCell = 100;  // characters
constexpr size_t kTasks = 50;              // flips in a table
constexpr size_t kSources = 3;             // in Markdown
constexpr int kSourceLines = 40;

Table layers_table(const DiffReport& report) {
  std::vector<std::string> header{"layer", "change"};
  const bool timed = any_time(report);
  for (const diff::EngineMap& e : report.engines) {
    header.push_back(plain(e.label, 40));
    if (timed) header.emplace_back("time");
  }
  Table t(std::move(header));
  const auto add = [&](size_t i) {
    const diff::RowDiff& r = report.comparison.rows[i];
    std::vector<std::string> row{plain(row_name(report, i), kName), change_words(r)};
    for (size_t e = 0; e < report.engines.size(); ++e) {
      // What is as in the first engine is not written again.
      const bool same =
          e > 0 && r.differs && r.sides[e].variant == r.sides[0].variant && r.sides[e].present;
      row.push_back(same ? "(same)" : plain(side_text(report, i, e), kCell));
      if (timed) row.push_back(time_text(r.sides[e]));
    }
    t.add(std::move(row));
  };
  for (size_t i = 0; i < report.comparison.rows.size(); ++i)
    if (report.all || report.comparison.rows[i].differs) add(i);
  return t;
}

Table tasks_table(const DiffReport& report, size_t& left_out) {
  std::vector<std::string> header{"task", "flip"};
  for (const diff::EngineMap& e : report.engines) header.push_back(plain(e.label, 40));
  Table t(std::move(header));
  size_t shown = 0;
  for (const diff::TaskDiff& task : report.comparison.tasks) {
    if (!task.differs) continue;
    if (shown++ == kTasks) break;
    std::vector<std::string> row{plain(task.task, kName), std::string(diff::word(task.tie))};
    for (size_t e = 0; e < report.engines.size(); ++e)
      row.push_back(plain(task_text(report, task, e), 2 * kCell));
    t.add(std::move(row));
  }
  left_out = report.comparison.tasks_differ - std::min(kTasks, report.comparison.tasks_differ);
  return t;
}

std::string more_tasks(size_t left_out) {
  return fmt::format("{} more choices differ: --format json has all of them", left_out);
}

// Markdown with our own escape: '@' and '#' notify people and link issues where it is pasted.
std::string markdown_table(const Table& t) {
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    out += "|";
    for (const std::string& cell : row) out += " " + markdown(cell, 600) + " |";
    out += "\n";
  };
  line(t.header());
  out += "|";
  for (size_t i = 0; i < t.header().size(); ++i) out += " --- |";
  out += "\n";
  for (const auto& row : t.rows()) line(row);
  return out;
}

std::string sources_markdown(const DiffReport& report) {
  std::string out;
  size_t shown = 0, more = 0;
  for (const SourcePair& p : source_pairs(report)) {
    if (!p.at_hand || shown == kSources) {
      ++more;
      continue;
    }
    ++shown;
    diff::SourceLimits limits;
    limits.max_lines = kSourceLines;
    const diff::SourceDiff d =
        diff_sources(report.engines[p.engine_a].layers[p.layer_a].source_text,
                     report.engines[p.engine_b].layers[p.layer_b].source_text, limits);
    std::string text;
    for (const diff::SourceHunk& h : d.hunks) {
      text += fmt::format("@@ -{} +{} @@\n", h.a, h.b);
      for (const diff::SourceLine& l : h.lines) text += l.mark + plain(l.text, 200) + "\n";
    }
    if (!text.empty()) text.pop_back();
    out += fmt::format(
        "\n<details><summary>Source of {}, {} to {}: {} lines removed, {} added{}</summary>\n\n",
        html(row_name(report, p.rows.front()), 80), html(report.engines[p.engine_a].label, 40),
        html(report.engines[p.engine_b].label, 40), d.removed, d.added,
        d.cut > 0 ? fmt::format(" ({} lines are not shown)", d.cut) : "");
    out += markdown_block(text, "diff") + "\n</details>\n";
  }
  if (more > 0) out += fmt::format("\n{} more sources differ; --html FILE shows them.\n", more);
  return out;
}

}  // namespace

std::string diff_text(const DiffReport& report) {
  const diff::Comparison& c = report.comparison;
  std::string out;
  if (c.differs() || report.all) out += engines_table(report).text() + "\n";
  if (const Table t = layers_table(report); !t.empty()) out += t.text() + "\n";
  size_t left_out = 0;
  if (const Table t = tasks_table(report, left_out); !t.empty()) out += t.text() + "\n";
  if (left_out > 0) out += more_tasks(left_out) + "\n";
  for (const std::string& n : c.notes) out += "note: " + plain(n, 600) + "\n";
  for (const diff::EngineMap& e : report.engines)
    for (const std::string& n : e.notes)
      out += fmt::format("note: {}: {}\n", plain(e.label, 60), plain(n, 600));
  return out + diff_sum(report) + "\n";
}

std::string diff_markdown(const DiffReport& report) {
  const diff::Comparison& c = report.comparison;
  std::string out = "# Engine diff\n\n" + markdown(diff_sum(report), 600) + ".\n\n";
  out += markdown_table(engines_table(report));
  if (const Table t = layers_table(report); !t.empty())
    out += "\n## Layers\n\n" + markdown_table(t);
  size_t left_out = 0;
  if (const Table t = tasks_table(report, left_out); !t.empty())
    out += "\n## Choices of the tuner\n\n" + markdown_table(t);
  if (left_out > 0) out += "\n" + more_tasks(left_out) + ".\n";
  out += sources_markdown(report);
  if (!c.notes.empty()) out += "\n";
  for (const std::string& n : c.notes) out += "- " + markdown(n, 600) + "\n";
  for (const diff::EngineMap& e : report.engines)
    for (const std::string& n : e.notes)
      out += fmt::format("- {}: {}\n", markdown(e.label, 60), markdown(n, 600));
  return out;
}

}  // namespace assay::report
