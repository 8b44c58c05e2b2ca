// SPDX-License-Identifier: Apache-2.0
// What the tuners of several engines decided for the same task, what lost and by how much.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "diff/engine_map.h"

namespace assay::diff {

// Recorded times of a candidate: median, least and greatest, in ns.
struct Times {
  double median = 0, low = 0, high = 0;
  size_t n = 0;
};
std::optional<Times> times_of(const std::vector<double>& ns);  // finite values; none: absent
// Do the ranges share a value? A range of one time is a point.
bool overlap(const Times& a, const Times& b);

struct Loser {
  size_t candidate = 0;  // of Decision::candidates
  Times times;
  // Median over the chosen one's, less 1; its least and greatest by the ends of both ranges.
  double gap = 0, gap_low = 0, gap_high = 0;
  bool near_tie = false;  // the ranges overlap
};
// One engine's side of a task.
struct TaskSide {
  std::optional<size_t> decision;  // of EngineMap::decisions; absent: the engine has no such task
  std::string choice;
  std::optional<size_t> chosen;  // candidate
  std::optional<Times> times;    // of the chosen candidate
  std::vector<Loser> losers;     // timed, fastest first; empty when the chosen has no times
  size_t candidates = 0, failed = 0;
};
enum class Tie { near, clear, not_told };  // not_told: no common candidate, or one time only
std::string_view word(Tie t);              // "near tie" "clear" "not told"

struct TaskDiff {
  std::string task;
  size_t occurrence = 0;        // among tasks of this name, from 0
  std::vector<TaskSide> sides;  // one an engine
  bool differs = false;         // two engines that tell their choice chose unlike
  Tie tie = Tie::not_told;      // of the flip; only where `differs`
  std::string why;              // one sentence: what the recorded times say of the flip
};
// Every task of every engine, by name and occurrence, in order of the first engine that has it.
std::vector<TaskDiff> compare_decisions(std::span<const EngineMap> engines);

}  // namespace assay::diff
