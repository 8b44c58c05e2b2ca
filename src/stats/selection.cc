// SPDX-License-Identifier: Apache-2.0
#include "stats/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/json.h"
#include "stats/special.h"

namespace assay::stats {
namespace {

using Outcome = SelectionCandidate::Outcome;

double median(std::vector<double>& v) {
  const auto half = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), half, v.end());
  if (v.size() % 2 == 1) return *half;
  return (*half + *std::max_element(v.begin(), half)) / 2;
}

// Mean and variance over the first n sessions of what each pair shows.
struct Pair {
  double mean = 0, variance = 0;
};

// Bounds at one look: half widths of the mean log ratio of each pair.
class LookAt {
 public:
  LookAt(std::span<const SessionTimes> sessions, int64_t n, std::vector<size_t> alive, double step)
      : alive_(std::move(alive)), n_(n), pairs_(alive_.size() * alive_.size()) {
    double pool = 0;
    const size_t k = alive_.size();
    for (size_t i = 0; i < k; ++i)
      for (size_t j = i + 1; j < k; ++j) {
        const Pair p = pair(sessions, alive_[i], alive_[j]);
        pairs_[i * k + j] = p;
        pairs_[j * k + i] = {-p.mean, p.variance};
        pool += p.variance;
      }
    const auto own = static_cast<double>(n - 1), others = static_cast<double>(k) - 1;
    pool_ = k > 1 ? pool / (static_cast<double>(k) * others / 2) : 0;
    df_ = own * std::max(others, 1.0);
    for (const size_t c : alive_) {
      double shortest = INFINITY;
      for (int64_t s = 0; s < n; ++s)
        for (const int64_t t : sessions[static_cast<size_t>(s)][c])
          shortest = std::min(shortest, static_cast<double>(t));
      rounding_.push_back(step / 2 / shortest);
    }
  }
  const std::vector<size_t>& alive() const { return alive_; }
  double mean(size_t i, size_t j) const { return pairs_[i * alive_.size() + j].mean; }
  // Half width of a one-sided bound, `factor` being that of its level.
  double factor(double level) const { return t_critical(2 * level, df_); }
  double half(size_t i, size_t j, double factor) const {
    const double variance = std::max(pairs_[i * alive_.size() + j].variance, pool_);
    return factor * std::sqrt(variance / static_cast<double>(n_)) + rounding_[i] + rounding_[j];
  }

 private:
  Pair pair(std::span<const SessionTimes> sessions, size_t a, size_t b) const {
    std::vector<double> each;
    for (int64_t s = 0; s < n_; ++s) {
      const SessionTimes& t = sessions[static_cast<size_t>(s)];
      std::vector<double> rounds;
      for (size_t r = 0; r < t[a].size(); ++r)
        rounds.push_back(std::log(static_cast<double>(t[a][r]) / static_cast<double>(t[b][r])));
      each.push_back(median(rounds));
    }
    Pair out;
    out.mean = std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(n_);
    for (const double d : each) out.variance += (d - out.mean) * (d - out.mean);
    out.variance /= static_cast<double>(n_ - 1);
    return out;
  }

  std::vector<size_t> alive_;
  int64_t n_;
  std::vector<Pair> pairs_;
  std::vector<double> rounding_;
  double pool_ = 0, df_ = 1;
};

Status check(std::span<const SessionTimes> sessions, std::span<const std::string> hashes,
             const SelectionPlan& plan) {
  if (!(plan.margin >= 0) || !std::isfinite(plan.margin) || !(plan.alpha > 0) ||
      !(plan.alpha < 0.5) || plan.sessions < 1)
    return bad_input(
        fmt::format("selection: margin {}, alpha {}, sessions {}; expected margin >= "
                    "0, alpha in (0, 0.5), sessions >= 1",
                    plan.margin, plan.alpha, plan.sessions));
  if (sessions.empty() || hashes.empty())
    return bad_input("selection: no session or no candidate; expected at least one of each");
  for (size_t s = 0; s < sessions.size(); ++s) {
    if (sessions[s].size() != hashes.size())
      return bad_input(fmt::format("selection: session {} has {} candidates, expected {}", s,
                                   sessions[s].size(), hashes.size()));
    size_t rounds = 0;
    for (size_t c = 0; c < hashes.size(); ++c) {
      const std::vector<int64_t>& t = sessions[s][c];
      if (t.empty()) continue;
      if (rounds == 0) rounds = t.size();
      if (t.size() != rounds)
        return bad_input(
            fmt::format("selection: candidate {} of session {} has {} rounds, others "
                        "have {}; expected equally many",
                        c, s, t.size(), rounds));
      if (s > 0 && sessions[s - 1][c].empty())
        return bad_input(fmt::format(
            "selection: candidate {} is measured in session {} but not in the one before", c, s));
      for (const int64_t v : t)
        if (v <= 0)
          return bad_input(
              fmt::format("selection: candidate {} of session {} has the time {} ns; "
                          "expected more than 0",
                          c, s, v));
    }
  }
  return {};
}

double clock_step(std::span<const SessionTimes> sessions) {
  int64_t step = 0;
  for (const SessionTimes& s : sessions)
    for (const auto& c : s)
      for (const int64_t t : c) step = std::gcd(step, t);
  return static_cast<double>(step);
}

class Decider {
 public:
  Decider(std::span<const SessionTimes> sessions, std::span<const std::string> hashes,
          const SelectionPlan& plan)
      : sessions_(sessions), hashes_(hashes), plan_(plan), step_(clock_step(sessions)) {
    out_.candidates.resize(hashes.size());
    for (size_t c = 0; c < hashes.size(); ++c) measured(c);
    for (const auto& t : sessions.front()) family_ += t.empty() ? 0 : 1;
  }

  Selection run(bool last) {
    const auto n = static_cast<int64_t>(sessions_.size());
    last = last || n >= plan_.sessions;
    std::vector<int64_t> looks = selection_looks(plan_.sessions);
    std::erase_if(looks, [&](int64_t at) { return at > n; });
    if (last && n > 1 && (looks.empty() || looks.back() != n)) looks.push_back(n);
    for (const int64_t at : looks) {
      look(at);
      if (out_.status != SelectionStatus::open) break;
    }
    drop_failed(n);
    const std::vector<size_t> left = left_now();
    if (out_.status == SelectionStatus::open && left.size() == 1)
      out_.status = SelectionStatus::decided;
    if (out_.status == SelectionStatus::open && (last || left.empty()))
      out_.status = SelectionStatus::undecided;
    if (out_.status != SelectionStatus::open && !left.empty())
      out_.chosen = static_cast<int64_t>(lowest_hash(left));
    if (out_.looks.empty()) without_look(left);
    return std::move(out_);
  }

 private:
  void measured(size_t c) {
    double sum = 0;
    int64_t count = 0;
    for (const SessionTimes& s : sessions_) {
      if (s[c].empty()) break;
      std::vector<double> logs;
      for (const int64_t t : s[c]) logs.push_back(std::log(static_cast<double>(t)));
      sum += median(logs);
      ++count;
    }
    out_.candidates[c].sessions = count;
    out_.candidates[c].against = c;
    if (count > 0) out_.candidates[c].time_ns = std::exp(sum / static_cast<double>(count));
  }
  std::vector<size_t> left_now() const {
    std::vector<size_t> out;
    for (size_t c = 0; c < hashes_.size(); ++c)
      if (out_.left(c)) out.push_back(c);
    return out;
  }
  void drop_failed(int64_t n) {
    for (SelectionCandidate& c : out_.candidates)
      if (c.outcome == Outcome::left && c.sessions < n) c.outcome = Outcome::dropped;
  }
  size_t lowest_hash(const std::vector<size_t>& of) const {
    return *std::min_element(of.begin(), of.end(), [&](size_t a, size_t b) {
      return hashes_[a] != hashes_[b] ? hashes_[a] < hashes_[b] : a < b;
    });
  }
  size_t fastest(const std::vector<size_t>& of) const {
    return *std::min_element(of.begin(), of.end(), [&](size_t a, size_t b) {
      return out_.candidates[a].time_ns < out_.candidates[b].time_ns;
    });
  }
  double spent(int64_t n) const {
    const double share = static_cast<double>(n) / static_cast<double>(plan_.sessions);
    return plan_.alpha * std::min(1.0, share * share);
  }

  void look(int64_t n) {
    drop_failed(n);
    SelectionLook l;
    l.sessions = n;
    l.alpha = spent(n) - (out_.looks.empty() ? 0 : spent(out_.looks.back().sessions));
    l.level = l.alpha / static_cast<double>(std::max<int64_t>(family_ - 1, 1));
    const LookAt at(sessions_, n, left_now(), step_);
    l.left_before = static_cast<int64_t>(at.alive().size());
    eliminate(at, l);
    const std::vector<size_t> left = left_now();
    l.left_after = static_cast<int64_t>(left.size());
    out_.looks.push_back(l);
    if (left.size() == 1) out_.status = SelectionStatus::decided;
    if (left.size() > 1) judge(at, left, l);
  }

  void eliminate(const LookAt& at, const SelectionLook& l) {
    const std::vector<size_t>& alive = at.alive();
    const double limit = std::log1p(plan_.margin), factor = at.factor(l.level);
    for (size_t i = 0; i < alive.size(); ++i) {
      double most = limit;
      for (size_t j = 0; j < alive.size(); ++j) {
        if (i == j) continue;
        const double half = at.half(i, j, factor), lower = at.mean(i, j) - half;
        if (!(lower > most)) continue;
        most = lower;
        SelectionCandidate& c = out_.candidates[alive[i]];
        c.outcome = Outcome::eliminated;
        c.eliminated_at = l.sessions;
        bounds(c, alive[j], at.mean(i, j), half);
      }
    }
  }
  static void bounds(SelectionCandidate& c, size_t against, double mean, double half) {
    c.against = against;
    c.ratio = std::exp(mean);
    c.lower = std::exp(mean - half);
    c.upper = std::exp(mean + half);
  }

  void judge(const LookAt& at, const std::vector<size_t>& left, const SelectionLook& l) {
    const double limit = std::log1p(plan_.margin);
    const double pair = at.factor(l.level), claim = at.factor(l.alpha);
    const size_t chosen = lowest_hash(left), reference = fastest(left);
    bool held = true, all = true;  // the chosen against each; each against each
    for (size_t i = 0; i < at.alive().size(); ++i)
      for (size_t j = 0; j < at.alive().size(); ++j) {
        const size_t a = at.alive()[i], b = at.alive()[j];
        if (a == b || !out_.left(a) || !out_.left(b)) continue;
        const bool within = at.mean(i, j) + at.half(i, j, claim) < limit;
        all = all && within;
        if (a == chosen) held = held && within;
        if (b == reference) bounds(out_.candidates[a], b, at.mean(i, j), at.half(i, j, pair));
      }
    out_.candidates[reference].against = reference;
    out_.candidates[reference].ratio = out_.candidates[reference].lower =
        out_.candidates[reference].upper = 1;
    if (held) out_.status = all ? SelectionStatus::equivalent : SelectionStatus::decided;
  }
  // Too few sessions for a bound: the estimates stand without one.
  void without_look(const std::vector<size_t>& left) {
    if (left.empty()) return;
    const size_t reference = fastest(left);
    for (const size_t c : left) {
      if (c == reference) continue;
      SelectionCandidate& x = out_.candidates[c];
      x.against = reference;
      x.ratio = x.time_ns / out_.candidates[reference].time_ns;
      x.lower = 0;
      x.upper = INFINITY;
    }
  }

  std::span<const SessionTimes> sessions_;
  std::span<const std::string> hashes_;
  SelectionPlan plan_;
  double step_;
  int64_t family_ = 0;
  Selection out_;
};

}  // namespace

std::string_view selection_word(SelectionStatus s) {
  switch (s) {
    case SelectionStatus::decided:
      return "decided";
    case SelectionStatus::equivalent:
      return "equivalent";
    case SelectionStatus::undecided:
      return "undecided";
    case SelectionStatus::open:
      break;
  }
  return "open";
}

std::vector<int64_t> selection_looks(int64_t most_sessions) {
  std::vector<int64_t> out;
  for (int64_t n = 3; n < most_sessions; n *= 2) out.push_back(n);
  if (most_sessions > 1) out.push_back(most_sessions);
  return out;
}

Result<Selection> decide(std::span<const SessionTimes> sessions,
                         std::span<const std::string> source_sha256, const SelectionPlan& plan,
                         bool last) {
  ASSAY_CHECK(check(sessions, source_sha256, plan));
  return Decider(sessions, source_sha256, plan).run(last);
}

Json to_json(const SelectionCandidate& c) {
  static constexpr const char* kWords[] = {"left", "eliminated", "dropped"};
  return {{"outcome", kWords[static_cast<int>(c.outcome)]},
          {"sessions", c.sessions},
          {"time_ns", number(c.time_ns)},
          {"ratio", number(c.ratio)},
          {"lower", number(c.lower)},
          {"upper", number(c.upper)},
          {"eliminated_at", c.eliminated_at > 0 ? Json(c.eliminated_at) : Json(nullptr)}};
}

Json to_json(const SelectionLook& l) {
  return {{"sessions", l.sessions},
          {"alpha", number(l.alpha)},
          {"level", number(l.level)},
          {"left_before", l.left_before},
          {"left_after", l.left_after}};
}

}  // namespace assay::stats
