// SPDX-License-Identifier: Apache-2.0
#include "diff/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"

namespace assay::diff {
namespace {

TaskSide side_of(const Decision& d, size_t at) {
  TaskSide s;
  s.decision = at;
  s.candidates = d.candidates.size();
  for (size_t i = 0; i < d.candidates.size(); ++i) {
    const Candidate& c = d.candidates[i];
    s.failed += !c.ok;
    if (!s.chosen && (c.chosen || (!d.choice.empty() && c.ok && c.text == d.choice))) s.chosen = i;
  }
  s.choice = !d.choice.empty() ? d.choice : s.chosen ? d.candidates[*s.chosen].text : "";
  if (s.chosen) s.times = times_of(d.candidates[*s.chosen].time_ns);
  if (!s.times || !(s.times->median > 0)) return s;
  for (size_t i = 0; i < d.candidates.size(); ++i) {
    const auto t = d.candidates[i].ok ? times_of(d.candidates[i].time_ns) : std::nullopt;
    if (i == *s.chosen || !t) continue;
    Loser l{i, *t};
    l.gap = t->median / s.times->median - 1;
    l.gap_low = t->low / s.times->high - 1;
    l.gap_high = s.times->low > 0 ? t->high / s.times->low - 1 : HUGE_VAL;
    // One time has no range that could overlap.
    l.near_tie = t->n > 1 && s.times->n > 1 && overlap(*t, *s.times);
    s.losers.push_back(l);
  }
  std::stable_sort(s.losers.begin(), s.losers.end(),
                   [](const Loser& a, const Loser& b) { return a.times.median < b.times.median; });
  return s;
}

// The same candidate's times in another engine's list.
std::optional<Times> times_in(const Decision& d, const std::string& choice) {
  for (const Candidate& c : d.candidates)
    if (c.ok && c.text == choice)
      if (auto t = times_of(c.time_ns)) return t;
  return std::nullopt;
}

// Do the recorded times of the two choices tell them apart, in the engine that measured both?
void judge(std::span<const EngineMap> engines, TaskDiff& t) {
  bool near = false, clear = false, points = false, tried = false;
  std::string text;
  for (size_t e = 0; e < t.sides.size(); ++e) {
    const TaskSide& mine = t.sides[e];
    if (!mine.decision || mine.choice.empty()) continue;
    const Decision& d = engines[e].decisions[*mine.decision];
    std::vector<std::string> judged{mine.choice};  // each other choice once
    for (const TaskSide& other : t.sides) {
      if (!other.decision || other.choice.empty() ||
          std::find(judged.begin(), judged.end(), other.choice) != judged.end())
        continue;
      judged.push_back(other.choice);
      const auto theirs = times_in(d, other.choice);
      if (!theirs || !mine.times) continue;
      tried = true;
      // Two single times say nothing of their scatter.
      if (theirs->n < 2 || mine.times->n < 2) {
        points = true;
        continue;
      }
      const bool close = overlap(*theirs, *mine.times);
      (close ? near : clear) = true;
      if (!text.empty()) text += "; ";
      text += fmt::format("{}: its choice {} [{}, {}], the other {} [{}, {}]", engines[e].label,
                          format_ns(mine.times->median), format_ns(mine.times->low),
                          format_ns(mine.times->high), format_ns(theirs->median),
                          format_ns(theirs->low), format_ns(theirs->high));
    }
  }
  // One clear measurement is enough to say that scatter alone did not turn the choice there.
  t.tie = near ? Tie::near : clear ? Tie::clear : Tie::not_told;
  t.why = near ? (clear ? "recorded times overlap in some engines only: "
                        : "recorded times overlap: ") +
                     text
          : clear  ? "recorded times do not overlap: " + text
          : points ? "both were timed once only: no spread to judge by"
          : tried  ? ""
                   : "no engine timed the choice of another";
}

}  // namespace

std::optional<Times> times_of(const std::vector<double>& ns) {
  std::vector<double> v;
  for (double x : ns)
    if (std::isfinite(x) && x >= 0) v.push_back(x);
  if (v.empty()) return std::nullopt;
  std::sort(v.begin(), v.end());
  const size_t n = v.size();
  const double median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
  return Times{median, v.front(), v.back(), n};
}

bool overlap(const Times& a, const Times& b) { return a.low <= b.high && b.low <= a.high; }

std::string_view word(Tie t) {
  constexpr std::string_view kWords[] = {"near tie", "clear", "not told"};
  return kWords[static_cast<size_t>(t)];
}

std::vector<TaskDiff> compare_decisions(std::span<const EngineMap> engines) {
  std::vector<TaskDiff> out;
  std::map<std::pair<std::string, size_t>, size_t> place;
  for (size_t e = 0; e < engines.size(); ++e) {
    std::map<std::string, size_t> seen;
    for (size_t i = 0; i < engines[e].decisions.size(); ++i) {
      const Decision& d = engines[e].decisions[i];
      const std::pair key{d.layer, seen[d.layer]++};
      const auto [it, fresh] = place.emplace(key, out.size());
      if (fresh) {
        out.emplace_back();
        out.back().task = d.layer;
        out.back().occurrence = key.second;
        out.back().sides.resize(engines.size());
      }
      out[it->second].sides[e] = side_of(d, i);
    }
  }
  for (TaskDiff& t : out) {
    const std::string* first = nullptr;
    bool chosen = false, without = false;  // without: no such task, or no candidate that worked
    for (size_t e = 0; e < engines.size(); ++e) {
      const TaskSide& s = t.sides[e];
      chosen = chosen || !s.choice.empty();
      if (engines[e].decisions.empty() || !s.choice.empty()) continue;
      without = without || !s.decision || !engines[e].decisions[*s.decision].candidates.empty();
    }
    t.differs = chosen && without;
    for (const TaskSide& s : t.sides) {
      if (s.choice.empty()) continue;
      if (!first) first = &s.choice;
      t.differs = t.differs || s.choice != *first;
    }
    if (t.differs) judge(engines, t);
  }
  return out;
}

}  // namespace assay::diff
