// SPDX-License-Identifier: Apache-2.0
// Ratios over builds, three-valued verdicts, and what they say of the bigger machine. Unit: the
// build, one value each (the build is the random draw); inferences and launches are never pooled.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "report/figures.h"
#include "report/machines/internal.h"

namespace assay::report::machines {
namespace {

// Capacities closer than this are the same size: peaks are measured.
constexpr double kSameSize = 0.05;
constexpr int64_t kBuildsForClaim = 3;  // below this no word about a platform is more than a hint

// Runs of one machine differ by what they were allowed alone: a peak that was measured twice makes
// no second size.
bool same_size(const MachinesReport& report, const MachinePair& p, const MachineCell& a,
               const MachineCell& b) {
  const Machine &x = report.machines[p.a], &y = report.machines[p.b];
  const auto told = [](const std::string& id) { return !id.empty() && id != "unknown"; };
  return told(x.machine_id) && told(x.boot_id) && x.machine_id == y.machine_id &&
         x.boot_id == y.boot_id && x.cores > 0 && x.cores == y.cores &&
         get_string(a.recipe->regime, "device", "cpu") ==
             get_string(b.recipe->regime, "device", "cpu") &&
         (!report.options.across_threads || a.recipe->threads == b.recipe->threads);
}

std::optional<int> bigger_of(const MachineCell& a, const MachineCell& b) {
  if (!(a.size > 0) || !(b.size > 0)) return std::nullopt;
  double x = a.size, y = b.size;
  if (a.size_basis != b.size_basis) return std::nullopt;  // not the same measure
  if (std::abs(std::log(y / x)) <= std::log1p(kSameSize)) return -1;
  return y > x ? 1 : 0;
}

// Why equality is not claimed though the numbers would allow it; "" when it may be. What was lost
// could have been what differs.
std::string no_equality(const MachinesReport& report, const MachineRow& row, const MachinePair& p) {
  for (const size_t m : {p.a, p.b}) {
    const MachineCell& c = row.cells[m];
    const Recipe& r = *c.recipe;
    const std::string& name = report.machines[m].name;
    if (!c.may_be_equal)
      return "the quick profile claims no equality (audit with --profile standard)";
    if (!trust_from(c.trust))
      return fmt::format("{}: the trust of its latencies is unknown, so equality is not claimed",
                         name);
    if (r.builds_ok < r.builds_asked || r.launches_ok < r.launches_asked)
      return fmt::format(
          "{}: {} of {} builds and {} of {} launches ended well: equality is not claimed", name,
          r.builds_ok, r.builds_asked, r.launches_ok, r.launches_asked);
  }
  return "";
}

// Why no word is possible whatever the numbers are; "" when one is.
std::string hindrance(const MachinesReport& report, const MachineRow& row, const MachinePair& p) {
  for (const size_t m : {p.a, p.b}) {
    const MachineCell& c = row.cells[m];
    const std::string& name = report.machines[m].name;
    if (c.p50_builds.empty()) return fmt::format("{}: {}", name, c.why_no_latency);
    if (c.scripted) return fmt::format("{}: its clock is no clock: not a measurement", name);
    if (c.trust == word(Trust::rejected))
      return fmt::format("{}: its latencies are {}", name, word(Trust::rejected));
  }
  for (const size_t m : {p.a, p.b})
    if (row.cells[m].p50_builds.size() < 2)
      return fmt::format("{} has 1 build: an interval over builds takes 2 on each machine",
                         report.machines[m].name);
  return "";
}

void judge_pair(const MachinesReport& report, const MachineRow& row, MachinePair& p) {
  const MachineCell &a = row.cells[p.a], &b = row.cells[p.b];
  const MachinesOptions& o = report.options;
  p.bigger = same_size(report, p, a, b) ? std::optional(-1) : bigger_of(a, b);
  p.ratio = stats::compare_log_ratio(a.p50_builds, b.p50_builds, o.margin, o.alpha);
  p.has_ratio = a.p50 && b.p50;
  if (p.has_ratio) p.ratio.ratio = b.p50->estimate / a.p50->estimate;
  p.has_interval = a.p50_builds.size() >= 2 && b.p50_builds.size() >= 2 && p.ratio.lower > 0 &&
                   std::isfinite(p.ratio.lower) && std::isfinite(p.ratio.upper);
  p.reason = hindrance(report, row, p);
  if (!p.reason.empty()) return;
  if (!p.has_interval) {
    p.reason = "builds without any scatter carry no interval";
  } else if (p.ratio.equality == stats::Equality::different) {
    p.verdict = Verdict::different;
    p.p = p.ratio.p_difference;
  } else if (p.ratio.equality == stats::Equality::equivalent) {
    p.reason = no_equality(report, row, p);
    if (p.reason.empty()) {
      p.verdict = Verdict::same;
      p.p = p.ratio.p_equivalence;
    }
  } else if (p.ratio.equality == stats::Equality::immaterial) {
    p.reason = fmt::format("they differ by less than {}, which is not shown to hold",
                           percent_text(o.margin));
  } else {
    p.reason = fmt::format("neither a difference nor equality within {} is shown: more builds",
                           percent_text(o.margin));
  }
}

void after_holm(MachinesReport& report) {
  // All that was looked at counts, not only what came out as a word: INCONCLUSIVE enters with 1.
  std::vector<MachinePair*> pairs;
  std::vector<double> p;
  for (MachineRow& row : report.rows)
    for (MachinePair& pair : row.pairs) pairs.push_back(&pair), p.push_back(pair.p);
  const std::vector<double> adjusted = stats::holm(p);
  for (size_t i = 0; i < pairs.size(); ++i) {
    pairs[i]->adjusted_p = adjusted[i];
    if (pairs[i]->verdict == Verdict::inconclusive || adjusted[i] <= report.options.alpha) continue;
    pairs[i]->reason =
        fmt::format("{} beside {} other comparisons it does not hold (p {:.2g} after Holm)",
                    word(pairs[i]->verdict), pairs.size() - 1, adjusted[i]);
    pairs[i]->verdict = Verdict::inconclusive;
  }
}

// One sentence about the pair; the bigger machine is its subject where one is.
std::string sentence(const MachinesReport& report, const MachineRow& row, const MachinePair& p) {
  if (!p.has_ratio) return fmt::format("no ratio: {}", p.reason);
  const bool of_a = p.bigger == 0;  // the subject's latency over the other's
  const std::string& subject = report.machines[of_a ? p.a : p.b].name;
  const std::string& other = report.machines[of_a ? p.b : p.a].name;
  double ratio = p.ratio.ratio, low = p.ratio.lower, high = p.ratio.upper;
  if (of_a) ratio = 1 / ratio, std::swap(low, high), low = 1 / low, high = 1 / high;
  const std::string times =
      p.has_interval
          ? fmt::format("{:.3g} times {}'s latency [{:.3g}, {:.3g}]", ratio, other, low, high)
          : fmt::format("{:.3g} times {}'s latency", ratio, other);
  const std::string hint =
      std::min(row.cells[p.a].p50_builds.size(), row.cells[p.b].p50_builds.size()) < kBuildsForClaim
          ? fmt::format("; fewer than {} builds a machine: a hint", kBuildsForClaim)
          : "";
  const std::string margin = percent_text(report.options.margin);
  if (p.verdict == Verdict::inconclusive)
    return !p.bigger ? fmt::format("{} takes {}; not decided: {}", subject, times, p.reason)
           : *p.bigger < 0
               ? fmt::format("same size; {} takes {}; not decided: {}", subject, times, p.reason)
               : fmt::format("not shown that {}, the bigger, is faster: it takes {}; {}", subject,
                             times, p.reason);
  if (!p.bigger || *p.bigger < 0) {
    const char* size = p.bigger ? "; they are of the same size" : "; which is bigger is unknown";
    if (p.verdict == Verdict::same)
      return fmt::format("equal within {}: {} takes {}{}{}", margin, subject, times, size, hint);
    return fmt::format("{} is {}: it takes {}{}{}", subject, ratio < 1 ? "faster" : "slower", times,
                       size, hint);
  }
  if (p.verdict == Verdict::same)
    return fmt::format("{}, the bigger, is NOT faster: equal within {}, it takes {}{}", subject,
                       margin, times, hint);
  return ratio < 1 ? fmt::format("{}, the bigger, is faster: it takes {}{}", subject, times, hint)
                   : fmt::format("{}, the bigger, is NOT faster but slower: it takes {}{}", subject,
                                 times, hint);
}

// The paper's observation 8, one sentence a compiler.
void say_compilers(MachinesReport& report) {
  struct Count {
    int64_t pairs = 0, faster = 0, same = 0, slower = 0, undecided = 0, no_size = 0, unknown = 0;
  };
  std::map<std::string, Count> counts;
  for (const MachineRow& row : report.rows) {
    Count& c = counts[row.compiler];
    for (const MachinePair& p : row.pairs) {
      ++c.pairs;
      if (!p.bigger || *p.bigger < 0)
        ++c.no_size, c.unknown += !p.bigger;
      else if (p.verdict == Verdict::same)
        ++c.same;
      else if (p.verdict == Verdict::inconclusive)
        ++c.undecided;
      else
        ++((p.ratio.ratio < 1) == (*p.bigger == 1) ? c.faster : c.slower);
    }
  }
  for (const auto& [compiler, c] : counts) {
    if (c.no_size == c.pairs) {  // nothing that could be counted
      report.compilers.push_back(fmt::format("{}: {}", one_line(compiler, 60),
                                             c.unknown == 0 ? "there is no bigger machine"
                                             : c.unknown == c.pairs
                                                 ? "which machine is bigger is unknown"
                                                 : "no machine is known to be bigger"));
      continue;
    }
    std::string text = fmt::format("{}: the bigger machine is faster in {} of {} comparisons",
                                   one_line(compiler, 60), c.faster, c.pairs);
    for (const auto& [n, what] : {std::pair{c.slower, "slower"},
                                  {c.same, "equal"},
                                  {c.undecided, "undecided"},
                                  {c.no_size, "without a bigger one"}})
      if (n > 0) text += fmt::format(", {} {}", n, what);
    report.compilers.push_back(std::move(text));
  }
}

// Which columns are one machine, and what else a reader must know of the whole.
void say_notes(MachinesReport& report) {
  bool several = false, across = report.options.across_threads;
  for (size_t a = 0; a < report.machines.size(); ++a)
    for (size_t b = a + 1; b < report.machines.size(); ++b) {
      const Machine &x = report.machines[a], &y = report.machines[b];
      if (x.model.run_id == y.model.run_id && !x.model.run_id.empty())
        report.notes.push_back(fmt::format("{} and {} are the same run", x.name, y.name));
      else if (x.machine_id == y.machine_id)
        report.notes.push_back(fmt::format(
            "{} and {} are of one machine ({} boot){}", x.name, y.name,
            x.boot_id == y.boot_id ? "the same" : "another",
            across || x.cores != y.cores ? ": an analogue of two machines, not two machines" : ""));
      else
        several = true;
    }
  if (several)
    report.notes.emplace_back(
        "machines are strata: no figure is pooled over them; their runs were not interleaved, so "
        "a ratio holds for the machines as they stood, with all that differs between them");
  std::set<std::string> versions;
  for (const MachineRow& row : report.rows)
    for (const MachinePair& p : row.pairs) {
      const std::string &x = row.cells[p.a].compiler_versions,
                        &y = row.cells[p.b].compiler_versions;
      if (x != y)
        versions.insert(fmt::format(
            "{}: {} has version {}, {} has {}: its ratios are of machine and version together",
            one_line(row.compiler, 60), report.machines[p.a].name, one_line(x, 60),
            report.machines[p.b].name, one_line(y, 60)));
    }
  report.notes.insert(report.notes.end(), versions.begin(), versions.end());
}

}  // namespace

void judge(MachinesReport& report) {
  for (MachineRow& row : report.rows)
    for (MachinePair& pair : row.pairs) judge_pair(report, row, pair);
  after_holm(report);
  for (MachineRow& row : report.rows)
    for (MachinePair& pair : row.pairs) pair.statement = sentence(report, row, pair);
  say_compilers(report);
  say_notes(report);
}

}  // namespace assay::report::machines
