// SPDX-License-Identifier: Apache-2.0
#include "series/collect.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace assay::series {

Refusal Collector::add(const Decimal& d, const Unit& unit) {
  bool inexact = false;
  const auto ns = scaled(d, unit.power, inexact);
  if (d.negative && !d.zero()) return Refusal::negative;
  if (!ns) return Refusal::too_large;
  if (static_cast<int64_t>(series_.samples.size()) >= max_samples_) return Refusal::too_many;
  const int64_t place = d.last_place + unit.power;
  finest_ = series_.samples.empty() ? place : std::min(finest_, place);
  zeros_ += *ns == 0;
  rounded_ += inexact;
  units_ |= 1u << (unit.power / 3);
  series_.samples.push_back(*ns);
  return Refusal::none;
}

Series Collector::finish() {
  static constexpr const char* kNames[] = {"ns", "us", "ms", "s"};
  std::string seen;
  for (int i = 0; i < 4; ++i)
    if (units_ & (1u << i)) seen += (seen.empty() ? "" : ", ") + std::string(kNames[i]);
  const bool mixed = seen.find(',') != std::string::npos;
  series_.unit = mixed ? "mixed" : seen;
  series_.tick_ns = std::pow(10.0, static_cast<double>(std::clamp<int64_t>(finest_, 0, 18)));
  if (mixed) note(fmt::format("the units differ between values ({}): each was converted", seen));
  if (zeros_ > 0)
    note(fmt::format("values of 0 ns: {}: the clock or the digits are too coarse", zeros_));
  if (rounded_ > 0) note(fmt::format("values rounded to whole ns: {}", rounded_));
  const auto& s = series_.samples;
  if (s.size() == 1)
    note("one value: neither spread nor tail can be read from it");
  else if (std::all_of(s.begin(), s.end(), [&](int64_t v) { return v == s.front(); }))
    note(fmt::format("all {} values are equal", s.size()));
  return std::move(series_);
}

tl::unexpected<Error> refused(Refusal why, std::string_view where, std::string_view place,
                              std::string_view text, const ReadOptions& options) {
  const std::string at = fmt::format("{}: {}: ", where, place), shown = one_line(text, 60);
  switch (why) {
    case Refusal::negative:
      return bad_input(at + fmt::format("'{}' is negative, expected a latency of 0 or more", shown),
                       "take the line out, or correct the clock that made it");
    case Refusal::too_many:
      return bad_input(
          at + fmt::format("more than {} values, the limit of one series", options.max_samples),
          "split the file, or raise the limit");
    default:
      return bad_input(
          at + fmt::format("'{}' is more than 2^62 ns (146 years), expected a latency", shown),
          fmt::format("check the unit ({})", kUnitFlag));
  }
}

tl::unexpected<Error> not_finite(NumberKind kind, std::string_view where, std::string_view place,
                                 std::string_view text) {
  return bad_input(
      fmt::format("{}: {}: '{}' is {}, expected a finite latency", where, place, one_line(text, 60),
                  kind == NumberKind::nan ? "not a number" : "infinite"),
      "take out what the tool could not measure; a missing measurement is no latency");
}

Status unit_is_fixed(const ReadOptions& options, const Unit& unit, Format format,
                     std::string_view where) {
  if (options.unit.empty() || parse_unit(options.unit)->name == unit.name) return {};
  return bad_input(fmt::format("{}: values of a {} file are in {}, but {} says {}", where,
                               format_name(format), unit.name, kUnitFlag, options.unit),
                   fmt::format("leave out {}", kUnitFlag));
}

Result<std::vector<Series>> finish_all(std::vector<Collector> collectors, std::string_view where,
                                       const std::vector<std::string>& parts) {
  std::vector<Series> out;
  const bool several =
      std::count_if(collectors.begin(), collectors.end(), [](auto& c) { return c.size() > 0; }) > 1;
  for (size_t i = 0; i < collectors.size(); ++i) {
    if (collectors[i].size() == 0) continue;
    out.push_back(collectors[i].finish());
    if (several && i < parts.size()) out.back().name += "/" + one_line(parts[i], 200);
  }
  if (out.empty())
    return bad_input(fmt::format("{}: holds no values, expected at least one latency", where),
                     "check that the tool that wrote it ended well");
  return out;
}

std::string stem_of(std::string_view where) {
  const size_t slash = where.rfind('/');
  std::string_view name = slash == std::string_view::npos ? where : where.substr(slash + 1);
  const size_t dot = name.rfind('.');
  if (dot != std::string_view::npos && dot > 0) name = name.substr(0, dot);
  return one_line(name, 200);
}

}  // namespace assay::series
