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
         a.cache == b.cache && a.task == b.task && a.stage == b.stage && a.q == b.q &&
         a.oversubscribed == b.oversubscribed;
}

bool largest_of_its_kind(const Results& results, const Slowdown& s) {
  return std::none_of(results.slowdowns.begin(), results.slowdowns.end(), [&](const Slowdown& o) {
    return same_condition(o, s) && o.streams > s.streams;
  });
}

std::string condition(const Slowdown& s) {
  std::string out = s.recipe;
  if (s.mode != "processes") out += ", " + s.mode;
  if (s.co_runner != "none") out += ", beside a co-runner on " + s.co_runner;
  if (s.cache != "warm") out += ", cache " + s.cache;
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
    const std::string begin =
        fmt::format("{}: under {} streams{}, against one camera ({})", condition(s), s.streams,
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
  std::vector<std::pair<std::string, std::string>> order;  // key, rest of the sentence
  for (const StageEquality& e : results.equalities) {
    std::string rest = fmt::format(
        "{}{} over {}{} within {:g} % of the median ({} stream{}{}{}, {}: {})",
        outcome_text(e.all.equality),
        e.trust == Trust::rejected ? fmt::format(" (a series is {})", word(e.trust)) : "", e.over,
        e.compiler.empty() ? "" : " of " + e.compiler, 100 * e.margin, e.streams,
        e.streams == 1 ? "" : "s", e.mode == "processes" ? "" : ", " + e.mode,
        e.co_runner == "none" ? "" : ", beside " + e.co_runner, e.task, fmt::join(e.sides, ", "));
    const std::string key = rest + e.cache;
    auto& own = stages[key];
    if (own.empty()) order.emplace_back(key, std::move(rest));
    own.emplace_back(word(e.stage));
  }
  for (const auto& [key, rest] : order)
    out.push_back(fmt::format("{}: {}", fmt::join(stages[key], ", "), rest));
}

}  // namespace assay::stream
