// SPDX-License-Identifier: Apache-2.0
#include "stream/findings_compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace assay::stream {
namespace {

bool same_condition(const Slowdown& a, const Slowdown& b) {
  return a.recipe == b.recipe && a.mode == b.mode && a.co_runner == b.co_runner &&
         a.cache == b.cache && a.policy == b.policy && a.priority == b.priority &&
         a.cpus == b.cpus && a.task == b.task && a.stage == b.stage && a.q == b.q &&
         a.oversubscribed == b.oversubscribed;
}

bool largest_of_its_kind(const Results& results, const Slowdown& s) {
  return std::none_of(results.slowdowns.begin(), results.slowdowns.end(), [&](const Slowdown& o) {
    return same_condition(o, s) && o.streams > s.streams;
  });
}

// What is not the default; CPUs where the run compares several sets of them.
template <class Row>
std::string condition(const Results& results, const Row& s) {
  std::string out;
  if (s.mode != "processes") out += ", " + s.mode;
  if (s.policy != Policy::queue) out += fmt::format(", {}", word(s.policy));
  if (s.co_runner != "none") out += ", beside a co-runner on " + s.co_runner;
  if (s.cache != "warm") out += ", cache " + s.cache;
  if (s.priority != "other") out += ", " + s.priority;
  if (std::any_of(results.cells.begin(), results.cells.end(), [&](const CellResult& c) {
        return c.cell.cpus != results.cells.front().cell.cpus;
      }))
    out += fmt::format(", CPUs {}", fmt::join(s.cpus, " "));
  return out;
}

const char* outcome_text(stats::Equality e) {
  switch (e) {
    case stats::Equality::equivalent:
      return "the same";
    case stats::Equality::different:
      return "different";
    default:
      return "neither shown to be the same nor different";
  }
}

}  // namespace

void say_slowdowns(const Results& results, std::vector<std::string>& out) {
  std::vector<std::pair<std::string, std::string>> sentences;  // beginning, stages so far
  for (const Slowdown& s : results.slowdowns) {
    if (s.stage != Stage::response && s.stage != Stage::infer) continue;
    if (!largest_of_its_kind(results, s) || !(s.ratio.lower > 0)) continue;
    if (s.ratio.lower <= 1 && s.ratio.upper >= 1) continue;  // nothing shown
    const std::string begin = fmt::format("{}{}: under {} streams{}, against one camera ({})",
                                          s.recipe, condition(results, s), s.streams,
                                          s.oversubscribed ? " (oversubscribed)" : "", s.task);
    if (sentences.empty() || sentences.back().first != begin) sentences.emplace_back(begin, "");
    std::string& stages = sentences.back().second;
    stages +=
        fmt::format("{}p{:g} of {} is {:.3g} times ({:.3g} to {:.3g})", stages.empty() ? "" : ", ",
                    s.q * 100, word(s.stage), s.ratio.ratio, s.ratio.lower, s.ratio.upper);
    if (s.ratio.n_a < 2) stages += " within single runs";
    if (s.trust == Trust::rejected)
      stages += fmt::format(", from a series that is {}", word(s.trust));
  }
  for (const auto& [begin, stages] : sentences) out.push_back(begin + ": " + stages);
}

void say_equalities(const Results& results, std::vector<std::string>& out) {
  // Stages with one outcome in one condition share a sentence.
  std::map<std::string, std::vector<std::string>> stages;
  std::vector<std::string> order;
  for (const StageEquality& e : results.equalities) {
    std::string rest = fmt::format(
        "{}{} over {}{} within {:g} % of the median ({} stream{}{}, {}: {})",
        outcome_text(e.all.equality),
        e.trust == Trust::rejected ? fmt::format(" (a series is {})", word(e.trust)) : "", e.over,
        e.compiler.empty() ? "" : " of " + e.compiler, 100 * e.margin, e.streams,
        e.streams == 1 ? "" : "s", condition(results, e), e.task, fmt::join(e.sides, ", "));
    auto& own = stages[rest];
    own.emplace_back(word(e.stage));
    if (own.size() == 1) order.push_back(std::move(rest));
  }
  for (const std::string& rest : order)
    out.push_back(fmt::format("{}: {}", fmt::join(stages[rest], ", "), rest));
}

}  // namespace assay::stream
