// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/select.h"

#include <algorithm>
#include <map>
#include <set>

#include "audit/lock/select_internal.h"
#include "base/text.h"
#include "stats/random.h"

namespace assay::audit {
namespace {

using stats::SelectionStatus;

Status check(const std::vector<RecordedCandidate>& recorded, const SelectOptions& o) {
  const auto bounded = [](int64_t v) { return v >= 1 && v <= 1000; };
  if (!bounded(o.rounds) || !bounded(o.sessions) || !bounded(o.candidates))
    return bad_input(
        fmt::format("selection: rounds {}, sessions {}, candidates {}; expected 1 to 1000 of each",
                    o.rounds, o.sessions, o.candidates));
  if (!(o.margin >= 0 && o.margin <= 1) || !(o.alpha > 0 && o.alpha < 0.5) ||
      !(o.floor >= 0 && o.floor <= 1))
    return bad_input(
        fmt::format("selection: margin {}, alpha {}, floor {}; expected margin and floor in [0, "
                    "1], alpha in (0, 0.5)",
                    o.margin, o.alpha, o.floor));
  std::set<CandidateName> seen;
  for (const RecordedCandidate& c : recorded)
    if (c.name.number < 0 || !seen.insert(c.name).second)
      return bad_input(fmt::format(
          "selection: candidate {} of layer \"{}\" {}", c.name.number, one_line(c.name.layer, 80),
          c.name.number < 0 ? "has a negative number; expected 0 or more"
                            : "is recorded twice; expected one record of each"));
  return {};
}

bool is_sha256(const std::string& s) {
  return s.size() == 64 && std::all_of(s.begin(), s.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class Selector {
 public:
  Selector(const std::vector<RecordedCandidate>& recorded, const SelectOptions& options,
           const MeasureSession& measure,
           const std::function<void(const SelectProgress&)>& progress)
      : options_(options), measure_(measure), progress_(progress) {
    std::map<std::string, size_t> of_layer;
    for (const RecordedCandidate& c : recorded) {
      const auto [at, fresh] = of_layer.try_emplace(c.name.layer, tasks_.size());
      if (fresh) tasks_.emplace_back().layer = c.name.layer;
      tasks_[at->second].recorded.push_back(&c);
    }
    for (SelectTask& t : tasks_) find_near(t);
  }

  Result<Selected> run() {
    for (int64_t s = 1; s <= options_.sessions && open_tasks() > 0; ++s) {
      ASSAY_TRY(const bool goes_on, session(s));
      if (!goes_on) break;
    }
    for (SelectTask& t : tasks_)
      if (t.status == SelectionStatus::open) ASSAY_CHECK(close(t, true));
    return finish();
  }

 private:
  void find_near(SelectTask& t) const {
    std::vector<stats::RecordedTimes> times;
    for (const RecordedCandidate* c : t.recorded) {
      stats::RecordedTimes& r = times.emplace_back();
      if (c->ok) r.times_ns.assign(c->times_ns.begin(), c->times_ns.end());
      if (!c->source_sha256.empty())
        r.key = "source " + c->source_sha256;
      else if (!c->text.empty())
        r.key = "text " + c->text;
    }
    t.near = stats::near_ties(times, {.most = options_.candidates, .floor = options_.floor});
    t.hashes.resize(t.near.kept.size());
    t.reasons.resize(t.near.kept.size());
    t.merged.resize(t.near.kept.size());
    for (size_t k = 0; k < t.near.kept.size(); ++k)
      t.hashes[k] = t.recorded[t.near.kept[k]]->source_sha256;
    if (t.near.kept.empty()) {
      t.status = SelectionStatus::undecided;
      t.rule = "no candidate has a usable time: the builder's own choice stays";
    } else if (t.near.kept.size() == 1) {
      t.status = SelectionStatus::decided;
      choose(t, 0);
      t.rule = "no other candidate's recorded time is near";
    }
  }
  static void choose(SelectTask& t, size_t k) {
    t.chosen = t.recorded[t.near.kept[k]];
    t.chosen_sha256 = t.hashes[k];
  }
  int64_t open_tasks() const {
    return std::count_if(tasks_.begin(), tasks_.end(),
                         [](const SelectTask& t) { return t.status == SelectionStatus::open; });
  }
  static bool wanted(const SelectTask& t, size_t k) {
    return t.status == SelectionStatus::open && t.reasons[k].empty() &&
           (t.result.candidates.empty() || t.result.left(k));
  }

  // False: the session failed twice, and the selection ends with what it has.
  Result<bool> session(int64_t number) {
    std::vector<CandidateName> names;
    for (const SelectTask& t : tasks_)
      for (size_t k = 0; k < t.near.kept.size(); ++k)
        if (wanted(t, k)) names.push_back(t.recorded[t.near.kept[k]]->name);
    if (progress_)
      progress_({number, options_.sessions, open_tasks(), static_cast<int64_t>(tasks_.size()),
                 static_cast<int64_t>(names.size())});
    SelectSession& told = sessions_.emplace_back();
    told.candidates = static_cast<int64_t>(names.size());
    for (told.attempts = 1;; ++told.attempts) {
      told.seed = stats::derived_seed(
          options_.seed, static_cast<uint64_t>(2 * number) + static_cast<uint64_t>(told.attempts));
      stats::Random random(told.seed);
      for (size_t i = names.size(); i > 1; --i)
        std::swap(names[i - 1], names[stats::below(random, i)]);
      Result<std::vector<MeasuredCandidate>> measured = measure_(names, options_.rounds, told.seed);
      if (measured) {
        told.error.clear();
        ASSAY_CHECK(take(*measured));
        return true;
      }
      if (measured.error().code == ExitCode::interrupted)
        return tl::unexpected<Error>(std::move(measured).error());
      told.error = one_line(measured.error().message);
      if (told.attempts == 2) return false;
    }
  }

  Status take(const std::vector<MeasuredCandidate>& measured) {
    std::map<CandidateName, std::vector<const MeasuredCandidate*>> by_name;
    for (const MeasuredCandidate& m : measured) by_name[m.name].push_back(&m);
    for (SelectTask& t : tasks_) {
      if (t.status != SelectionStatus::open) continue;
      stats::SessionTimes times(t.near.kept.size());
      for (size_t k = 0; k < times.size(); ++k) {
        if (!wanted(t, k)) continue;
        const auto found = by_name.find(t.recorded[t.near.kept[k]]->name);
        t.reasons[k] = found == by_name.end() ? "the session told nothing of it"
                                              : fault(found->second, t.hashes[k]);
        if (!t.reasons[k].empty()) continue;
        t.hashes[k] = found->second.front()->source_sha256;
        times[k] = found->second.front()->times_ns;
      }
      t.sessions.push_back(std::move(times));
      if (t.sessions.size() == 1) merge_equal_sources(t);
      ASSAY_CHECK(close(t, false));
    }
    return {};
  }
  // Why a candidate is out; "" when what was told of it can be used.
  std::string fault(const std::vector<const MeasuredCandidate*>& told,
                    const std::string& source) const {
    const MeasuredCandidate& m = *told.front();
    if (told.size() > 1) return fmt::format("the session told of it {} times", told.size());
    if (!m.ok) return one_line(m.error.empty() ? "it failed without a word" : m.error);
    if (m.times_ns.size() != static_cast<size_t>(options_.rounds))
      return fmt::format("{} times; expected {}", m.times_ns.size(), options_.rounds);
    for (const int64_t ns : m.times_ns)
      if (ns <= 0) return fmt::format("a time of {} ns; expected more than 0", ns);
    if (!is_sha256(m.source_sha256))
      return fmt::format("source_sha256 \"{}\"; expected 64 lower-case hex digits",
                         one_line(m.source_sha256, 80));
    if (!source.empty() && m.source_sha256 != source)
      return "its source is not the one it had before: the compiler does not repeat itself";
    return "";
  }
  // Candidates of one source are one candidate: the lowest number stands for all.
  static void merge_equal_sources(SelectTask& t) {
    std::map<std::string, size_t> owner;
    const auto number = [&](size_t k) { return t.recorded[t.near.kept[k]]->name.number; };
    for (size_t k = 0; k < t.hashes.size(); ++k) {
      if (!t.reasons[k].empty()) continue;
      const auto [at, fresh] = owner.try_emplace(t.hashes[k], k);
      if (!fresh && number(k) < number(at->second)) at->second = k;
    }
    for (size_t k = 0; k < t.hashes.size(); ++k) {
      if (!t.reasons[k].empty() || owner[t.hashes[k]] == k) continue;
      t.reasons[k] = fmt::format("its source is that of candidate {}", number(owner[t.hashes[k]]));
      t.merged[k] = true;
      t.sessions.front()[k].clear();
    }
  }

  Status close(SelectTask& t, bool last) const {
    if (t.sessions.empty()) {  // nothing could be measured
      t.status = SelectionStatus::undecided;
      choose(t, 0);
      t.rule = "the fastest recorded: no session could be measured";
      return {};
    }
    ASSAY_TRY(t.result, stats::decide(t.sessions, t.hashes,
                                      {options_.margin, options_.alpha, options_.sessions}, last));
    t.status = t.result.status;
    const auto left = std::count_if(
        t.result.candidates.begin(), t.result.candidates.end(),
        [](const auto& c) { return c.outcome == stats::SelectionCandidate::Outcome::left; });
    if (t.status == SelectionStatus::open && left == 0) t.status = SelectionStatus::undecided;
    if (t.status == SelectionStatus::open) return {};
    if (t.result.chosen < 0) {
      t.rule = "every candidate failed when measured again: the builder's own choice stays";
      return {};
    }
    choose(t, static_cast<size_t>(t.result.chosen));
    if (left == 1)
      t.rule = "the only one left";
    else if (t.status == SelectionStatus::undecided)
      t.rule = fmt::format(
          "lowest source hash of the {} left; the sessions ended before all were decided", left);
    else
      t.rule = fmt::format("lowest source hash of the {} left", left);
    return {};
  }

  Selected finish() {
    Selected out;
    SelectCounts& n = out.counts;
    for (const SelectTask& t : tasks_) {
      ++n.tasks;
      n.lone += t.near.kept.size() == 1;
      n.decided += t.status == SelectionStatus::decided;
      n.equivalent += t.status == SelectionStatus::equivalent;
      n.undecided += t.status == SelectionStatus::undecided;
      n.unchosen += t.chosen == nullptr;
      if (!t.chosen) continue;
      n.changed += t.chosen != t.recorded[t.near.kept.front()];
      out.choices.push_back(t.chosen->name);
    }
    for (const SelectSession& s : sessions_) ++(s.error.empty() ? n.sessions : n.failed_sessions);
    out.json = select_json(tasks_, sessions_, options_, n);
    return out;
  }

  const SelectOptions& options_;
  const MeasureSession& measure_;
  const std::function<void(const SelectProgress&)>& progress_;
  std::vector<SelectTask> tasks_;
  std::vector<SelectSession> sessions_;
};

}  // namespace

Result<Selected> select_stable(const std::vector<RecordedCandidate>& recorded,
                               const SelectOptions& options, const MeasureSession& measure,
                               const std::function<void(const SelectProgress&)>& progress) {
  ASSAY_CHECK(check(recorded, options));
  return Selector(recorded, options, measure, progress).run();
}

}  // namespace assay::audit
