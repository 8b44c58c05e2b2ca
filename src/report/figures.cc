// SPDX-License-Identifier: Apache-2.0
#include "report/figures.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "base/words.h"
#include "report/escape.h"
#include "report/model.h"
#include "report/summary.h"
#include "report/svg/canvas.h"

namespace assay::report {
namespace {

// Four significant digits without an exponent.
std::string four_digits(double v) {
  const double a = std::fabs(v);
  const int decimals = a >= 1000 ? 0 : a >= 100 ? 1 : a >= 10 ? 2 : 3;
  return fmt::format("{:.{}f}", v, decimals);
}

std::string in_unit(double ns, const svg::Unit& unit) {
  return unit.scale == 1 ? fmt::format("{:.0f}", ns) : four_digits(ns / unit.scale);
}

// The unit in which the value has one to three digits before its point (time_unit changes at 2000).
svg::Unit unit_of(double ns) { return svg::time_unit(ns < 1e3 ? ns : ns * 2); }

std::optional<double> number(const Json& j, const char* key) {
  if (!j.is_object()) return {};
  auto it = j.find(key);
  if (it == j.end() || !it->is_number()) return {};
  return it->get<double>();
}

}  // namespace

std::optional<Interval> interval_from(const Json& j) {
  const auto estimate = number(j, "estimate");
  // Refused: no number, but the n that would do.
  if (!estimate && !number(j, "n_needed")) return {};
  Interval i;
  i.estimate = estimate.value_or(0);
  i.lower = number(j, "lower");
  i.upper = number(j, "upper");
  i.confidence = get_double(j, "confidence", 0.95);
  i.n = get_int(j, "n");
  i.n_needed = get_int(j, "n_needed");
  return i;
}

std::optional<Proportion> proportion_from(const Json& j) {
  if (!number(j, "count") || !number(j, "n")) return {};
  Proportion p;
  p.count = get_int(j, "count");
  p.n = get_int(j, "n");
  p.unit = get_string(j, "unit", "none");
  p.unit_count = get_int(j, "unit_count");
  p.units = get_int(j, "units");
  p.lower = number(j, "lower");
  p.upper = number(j, "upper");
  p.confidence = get_double(j, "confidence", 0.95);
  return p;
}

std::optional<Interval> interval_at(const Json& j, const char* key) {
  return interval_from(get_object(j, key));
}
std::optional<Proportion> proportion_at(const Json& j, const char* key) {
  return proportion_from(get_object(j, key));
}

std::string time_text(double ns) {
  if (!(ns >= 0) || !std::isfinite(ns)) return "unknown";
  if (ns >= 60e9) return format_ns(ns);
  const svg::Unit unit = unit_of(ns);
  return fmt::format("{} {}", in_unit(ns, unit), unit.name);
}

std::string range_text(double low, double high) {
  if (!(low >= 0) || !(high >= low)) return "unknown";
  if (high >= 60e9 || low == high)
    return low == high ? time_text(low) : time_text(low) + " to " + time_text(high);
  const svg::Unit unit = unit_of(high);
  const std::string a = in_unit(low, unit), b = in_unit(high, unit);
  return a == b ? fmt::format("{} {}", a, unit.name) : fmt::format("{} to {} {}", a, b, unit.name);
}

std::string bytes_text(int64_t bytes) { return bytes <= 0 ? "unknown" : format_bytes(bytes); }

std::string cost_text(int64_t ns) {
  return ns <= 0 ? "unknown" : time_text(static_cast<double>(ns));
}

std::string count_text(int64_t n) {
  std::string digits = std::to_string(n < 0 ? -n : n), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i && (digits.size() - i) % 3 == 0 && digits.size() > 4) out += ' ';
    out += digits[i];
  }
  return n < 0 ? "-" + out : out;
}

std::string percent_text(double share) { return fmt::format("{:.3g} %", share * 100); }

std::string number_text(double v) {
  if (std::isnan(v)) return "not a number";
  if (std::isinf(v)) return v < 0 ? "-infinity" : "infinity";
  return fmt::format("{:.4g}", v);
}

bool carried(const Interval& i) { return i.lower && i.upper; }

std::string interval_text(const std::optional<Interval>& i) {
  if (!i) return "unknown";
  if (!carried(*i))
    return i->n_needed > 0 ? fmt::format("not available (n >= {})", count_text(i->n_needed))
                           : "not available";
  const svg::Unit unit = unit_of(i->estimate);
  return fmt::format("{} {} [{}, {}]", in_unit(i->estimate, unit), unit.name,
                     in_unit(*i->lower, unit), in_unit(*i->upper, unit));
}

std::string count_of(const Proportion& p) {
  return fmt::format("{} of {} inputs", count_text(p.count), count_text(p.n));
}

std::string bound_text(const Proportion& p) {
  if (p.unit == "none" || (!p.lower && !p.upper)) return "exact for this fixed set (no bound)";
  const std::string_view unit = p.unit == "cluster" ? "clusters" : "inputs";
  const std::string range = p.unit_count == 0
                                ? "at most " + percent_text(p.upper.value_or(1))
                                : fmt::format("{} to {}", percent_text(p.lower.value_or(0)),
                                              percent_text(p.upper.value_or(1)));
  return fmt::format("{} of {} ({} of {} {} seen, confidence {:g})", range, unit,
                     count_text(p.unit_count), count_text(p.units), unit, p.confidence);
}

std::string short_bound(const Proportion& p) {
  if (p.unit == "none" || (!p.lower && !p.upper)) return "exact, no bound";
  return fmt::format("at most {} of {}s ({:g} %)", percent_text(p.upper.value_or(1)), p.unit,
                     p.confidence * 100);
}

std::string proportion_text(const std::optional<Proportion>& p) {
  return p ? count_of(*p) + "; " + bound_text(*p) : "unknown";
}

std::string short_hash(std::string_view hash) {
  return hash.empty() ? "unknown" : plain(hash.substr(0, 12));
}

std::string scalar_text(const Json& j) {
  if (j.is_null()) return "unknown";
  if (j.is_string()) {
    const std::string s = plain(j.get<std::string>());
    return s.empty() ? "unknown" : s;
  }
  if (j.is_boolean()) return j.get<bool>() ? "yes" : "no";
  if (j.is_number_float()) return number_text(j.get<double>());
  if (j.is_array() && !j.empty() && j.size() <= 8) {
    std::string out;
    for (const Json& e : j) out += (out.empty() ? "" : ", ") + scalar_text(e);
    return out;
  }
  if (j.is_array() && j.empty()) return "none";
  return plain(dump_json(j));
}

std::string fact(const Json& j, const char* key) {
  if (!j.is_object()) return "unknown";
  auto it = j.find(key);
  return it == j.end() ? "unknown" : scalar_text(*it);
}

std::string trust_line(const Recipe& r) {
  const VerdictRow* v = find_verdict(r, "latency");
  if (v == nullptr) return "";
  std::string out = get_string(v->statistic, "trust");
  std::string separator = ": ";
  for (const Json& reason : get_array(v->statistic, "trust_reasons")) {
    if (!reason.is_string()) continue;
    out += separator + one_line(reason.get<std::string>(), 120);
    separator = "; ";
  }
  return out == word(Trust::trusted) || separator == ": " ? "" : out;
}

std::string gpus_text(const Json& machine) {
  const Json& gpus = get_object(machine, "gpus");
  std::string out;
  for (const auto& [group, g] : gpus.items()) {
    if (out.size() > 1000) break;  // of untrusted evidence
    const auto which = gpus.size() > 1 ? fmt::format("{}: ", one_line(group, 20)) : std::string();
    out += fmt::format("{}{}{}, driver {}, power limit {}", out.empty() ? "" : "; ", which,
                       one_line(fact(g, "name"), 60), one_line(fact(g, "driver"), 60),
                       one_line(fact(g, "power limit"), 20));
  }
  return out;
}

}  // namespace assay::report
