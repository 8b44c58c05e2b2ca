// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "platform/stretch.h"

namespace assay::platform {
namespace {

constexpr double kNsPerS = 1e9, kNsPerMs = 1e6;

struct Reading {
  double t_ns = 0;
  double value = 0;  // counters: mJ since the first reading; gauges: mW
};

double median(std::vector<double> v) {
  if (v.empty()) return 0;
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

std::vector<double> distances(const std::vector<Reading>& readings) {
  std::vector<double> out;
  for (size_t i = 1; i < readings.size(); ++i)
    out.push_back(readings[i].t_ns - readings[i - 1].t_ns);
  return out;
}

struct Span {
  const Record& record;
  int64_t begin_ns, end_ns;
  size_t first, last;  // rounds [first, last)
};

void unknown(Energy& e, std::string reason) {
  Energy nothing;
  nothing.source = std::move(e.source);
  nothing.reason = std::move(reason);
  e = std::move(nothing);
}

void cover(Energy& e, const Span& s, const std::vector<Reading>& readings) {
  const double covered = readings.back().t_ns - readings.front().t_ns;
  e.seconds = covered / kNsPerS;
  e.first_ns = static_cast<int64_t>(readings.front().t_ns);
  e.last_ns = static_cast<int64_t>(readings.back().t_ns);
  e.covered = std::min(1.0, covered / static_cast<double>(s.end_ns - s.begin_ns));
}

// The counter holds the energy of some moment in its last period: E(s) with t - period < s <= t.
// Between two readings the truth differs by less than a period of power at either end. Power that
// no step resolved may be higher than the mean, hence that of the strongest step.
void from_counter(Energy& e, const Span& s, size_t channel, double mj_per_count) {
  const Channel& c = s.record.channels[channel];
  const auto& column = s.record.columns[channel];
  std::vector<Reading> steps;    // readings at which the counter had moved
  std::optional<size_t> before;  // a reading before the stretch tells whether its first is fresh
  size_t known = 0;
  double sum = 0;
  for (size_t i = 0; i < s.last; ++i) {
    if (column[i] == kUnknown) continue;
    const auto grown = before && i >= s.first ? growth(s.record, c.name, *before, i) : std::nullopt;
    // What it did before the stretch is its own affair.
    if (!grown && before && *before >= s.first) return unknown(e, "the counter fell");
    before = i;
    if (i < s.first) continue;
    ++known;
    if (grown && *grown == 0) continue;
    if (!steps.empty() && grown) sum += static_cast<double>(*grown) * mj_per_count;
    steps.push_back({static_cast<double>(s.record.t_ns[i]), sum});
  }
  if (known == 0) return unknown(e, "no reading in this time");
  if (steps.size() < 2)
    return unknown(e, fmt::format("the counter did not move in {} readings", known));
  const double period = median(distances(steps));
  double strongest = 0;  // mJ a ns
  for (size_t i = 1; i < steps.size(); ++i)
    strongest = std::max(strongest, (steps[i].value - steps[i - 1].value) /
                                        std::max(1.0, steps[i].t_ns - steps[i - 1].t_ns));
  const double lag = c.refresh_ms > 0 ? c.refresh_ms * kNsPerMs : period;
  e.mj = steps.back().value;
  e.period_ms = period / kNsPerMs;
  e.error_mj = 2 * lag * strongest;
  cover(e, s, steps);
  e.known = true;
}

// Trapezoids over all readings. A gauge that is renewed once a period shows power up to a period
// late: what is wrong is at most a period of each change (of every change: a late rise is not made
// good by an equally late fall), and a period of power at either end.
void from_gauge(Energy& e, const Span& s, size_t channel) {
  const Channel& c = s.record.channels[channel];
  const auto& column = s.record.columns[channel];
  std::vector<Reading> all, changes;
  for (size_t i = s.first; i < s.last; ++i) {
    if (column[i] == kUnknown || column[i] < 0) continue;
    const Reading r{static_cast<double>(s.record.t_ns[i]), static_cast<double>(column[i])};
    if (all.empty() || all.back().value != r.value) changes.push_back(r);
    all.push_back(r);
  }
  if (all.size() < 2)
    return unknown(e, all.empty() ? "no reading in this time" : "one reading in this time");
  const double read_every = median(distances(all));
  double period = changes.size() > 2 ? median(distances(changes)) : read_every;
  if (c.refresh_ms > 0) period = std::max(read_every, c.refresh_ms * kNsPerMs);
  double varied = 0, highest = 0;  // mW
  for (size_t i = 0; i < all.size(); ++i) {
    highest = std::max(highest, all[i].value);
    if (i == 0) continue;
    e.mj += (all[i].value + all[i - 1].value) / 2 * (all[i].t_ns - all[i - 1].t_ns) / kNsPerS;
    varied += std::abs(all[i].value - all[i - 1].value);
  }
  e.period_ms = period / kNsPerMs;
  e.error_mj = (period + read_every) / kNsPerS * varied + 2 * period / kNsPerS * highest;
  cover(e, s, all);
  e.known = true;
}

bool ends(std::string_view name, std::string_view with) {
  return name.size() > with.size() && name.substr(name.size() - with.size()) == with;
}

std::string stem(const std::string& name) { return name.substr(0, name.rfind('.')); }

}  // namespace

double Energy::mean_mw() const { return known && seconds > 0 ? mj / seconds : 0; }

std::vector<Energy> energies(const Record& record, int64_t begin_ns, int64_t end_ns) {
  std::vector<Energy> out;
  const auto [first, last] = rounds_of(record, begin_ns, end_ns);
  const Span stretch{record, begin_ns, end_ns, first, last};
  std::set<std::string> counted;  // things with a counter that tells
  for (const bool counters : {true, false}) {
    for (size_t i = 0; i < record.channels.size(); ++i) {
      const Channel& c = record.channels[i];
      const bool micro = ends(c.name, ".uj");
      const bool counter = c.kind == Kind::counter && (micro || ends(c.name, ".mj"));
      const bool gauge = c.kind == Kind::gauge && ends(c.name, ".mw");
      if (counters ? !counter : !gauge) continue;
      const std::string thing = stem(c.name);
      if (gauge && counted.count(thing)) continue;
      Energy e;
      e.source = thing;
      if (thing.compare(0, 3, "gpu") == 0) e.source.append(counter ? " counter" : " power");
      if (end_ns <= begin_ns)
        unknown(e, "an empty stretch of time");
      else if (counter)
        from_counter(e, stretch, i, micro ? 1e-3 : 1);
      else
        from_gauge(e, stretch, i);
      if (counter && e.known) counted.insert(thing);
      // A counter that tells nothing leaves the word to the gauge of the same thing.
      const bool gauged =
          std::any_of(record.channels.begin(), record.channels.end(), [&](const Channel& other) {
            return other.kind == Kind::gauge && other.name == thing + ".mw";
          });
      if (counter && !e.known && gauged) continue;
      out.push_back(std::move(e));
    }
  }
  return out;
}

std::vector<InferenceEnergy> inference_energies(const Record& record, int64_t begin_ns,
                                                int64_t end_ns, int64_t idle_begin_ns,
                                                int64_t idle_end_ns, int64_t inferences,
                                                int least_periods) {
  std::vector<InferenceEnergy> out;
  const std::vector<Energy> idle = energies(record, idle_begin_ns, idle_end_ns);
  const auto enough = [&](const Energy& e) {
    return e.known && e.period_ms > 0 && e.seconds * 1e3 >= least_periods * e.period_ms;
  };
  for (const Energy& e : energies(record, begin_ns, end_ns)) {
    InferenceEnergy i;
    i.source = e.source;
    i.inferences = inferences;
    i.covered = e.covered;
    i.period_ms = e.period_ms;
    if (!e.known) {
      i.reason = e.reason;
    } else if (inferences <= 0) {
      i.reason.assign("no inference in this time");
    } else if (!enough(e)) {
      i.reason = fmt::format("{:.3g} ms hold fewer than {} steps of {:.3g} ms", e.seconds * 1e3,
                             least_periods, e.period_ms);
    } else {
      i.known = true;
      // Inferences of the covered part: the loop does nothing else, at an even rate.
      const double n = static_cast<double>(inferences) * e.covered;
      i.gross_mj = e.mj / n;
      i.error_mj = e.error_mj / n;
      i.busy_mw = e.mean_mw();
      for (const Energy& rest : idle) {
        if (rest.source != e.source || !enough(rest)) continue;
        i.net_known = true;
        i.idle_mw = rest.mean_mw();
        i.net_mj = i.gross_mj - i.idle_mw * e.seconds / n;
        i.net_error_mj = i.error_mj + rest.error_mj / rest.seconds * e.seconds / n;
      }
    }
    out.push_back(std::move(i));
  }
  return out;
}

Json to_json(const InferenceEnergy& e) {
  Json j{{"source", e.source}, {"inferences", e.inferences}};
  if (!e.known) {
    j["unknown"] = e.reason;
    return j;
  }
  j["gross_mj"] = e.gross_mj;
  j["error_mj"] = e.error_mj;
  j["busy_mw"] = e.busy_mw;
  j["net_mj"] = e.net_known ? Json(e.net_mj) : Json("unknown");
  j["net_error_mj"] = e.net_known ? Json(e.net_error_mj) : Json("unknown");
  j["idle_mw"] = e.net_known ? Json(e.idle_mw) : Json("unknown");
  j["covered"] = e.covered;
  j["period_ms"] = e.period_ms;
  return j;
}

}  // namespace assay::platform
