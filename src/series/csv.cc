// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "series/collect.h"
#include "series/lines.h"

namespace assay::series {
namespace {

std::string in_marks(std::string_view text) { return fmt::format("'{}'", one_line(text, 60)); }

std::vector<std::string_view> split(std::string_view record, char separator) {
  std::vector<std::string_view> out;
  Fields fields(record, separator);
  for (std::string_view f; fields.next(f);) out.push_back(f);
  return out;
}

// Outside quotes: tab before semicolon before comma, so that "1,5;2,5" is two columns whose decimal
// commas are then named.
char mark_in(std::string_view record) {
  bool open = false, tab = false, semicolon = false, comma = false;
  for (char c : record) {
    open = open != (c == '"');
    if (open) continue;
    tab = tab || c == '\t';
    semicolon = semicolon || c == ';';
    comma = comma || c == ',';
  }
  return tab ? '\t' : semicolon ? ';' : comma ? ',' : '\0';
}

// A heading never starts like a number, so that a misspelled first value is not taken for one.
bool starts_like_number(std::string_view field) {
  const Value v = scan_value(field);
  return v.kind == NumberKind::finite || v.whole();
}

struct Layout {
  char separator = 0;
  std::vector<std::string_view> header;  // empty: none
  std::vector<std::string_view> first;   // fields of the first row of data
  size_t column = 0;
  std::optional<size_t> unit_column;  // of the header, where each row says its unit
  std::optional<Unit> unit;           // of values that carry none
};

tl::unexpected<Error> no_values(std::string_view where) {
  return bad_input(fmt::format("{}: holds no values, expected at least one latency", where),
                   "check that the tool that wrote it ended well");
}
tl::unexpected<Error> open_quote(std::string_view where, int64_t line) {
  return bad_input(
      fmt::format("{}: line {}: a quote is opened and never closed: truncated?", where, line),
      "close the quote, or write the file again");
}

std::string names_of(const std::vector<std::string_view>& header) {
  std::string out;
  for (size_t i = 0; i < header.size() && i < 12; ++i)
    out += (i ? ", " : "") + one_line(header[i], 40);
  return out + (header.size() > 12 ? ", ..." : "");
}

bool is_unit_title(std::string_view title) {
  return title == "unit" || title == "units" || title == "Unit" || title == "time_unit";
}

Result<size_t> column_by_name(const Layout& l, const std::string& wanted, std::string_view where) {
  for (size_t i = 0; i < l.header.size(); ++i)
    if (l.header[i] == wanted) return i;
  const size_t columns = std::max(l.header.size(), l.first.size());
  size_t number = 0;
  const auto [end, ec] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (ec == std::errc() && end == wanted.data() + wanted.size() && number >= 1 && number <= columns)
    return number - 1;
  return bad_input(
      fmt::format("{}: no column {}: {}", where, in_marks(wanted),
                  l.header.empty() ? fmt::format("there is no header and {} columns", columns)
                                   : "the columns are " + names_of(l.header)),
      l.header.empty() ? fmt::format("{} with a number from 1 to {}", kColumnFlag, columns)
                       : fmt::format("{} with one of the names, or a number from 1", kColumnFlag));
}

Result<size_t> only_column(const Layout& l, std::string_view where, int64_t line) {
  if (l.first.size() <= 1 && l.header.size() <= 1) return 0;
  std::vector<size_t> timed, numeric;
  for (size_t i = 0; i < l.first.size(); ++i) {
    const Value v = scan_value(l.first[i]);
    const bool titled = i < l.header.size();
    // By its title whatever its first value is: that may be what is wrong with it.
    if ((v.whole() && v.unit) || (titled && unit_of_name(l.header[i]))) timed.push_back(i);
    if (starts_like_number(l.first[i]) || (titled && l.first[i].empty())) numeric.push_back(i);
  }
  if (timed.size() == 1) return timed[0];
  if (timed.empty() && numeric.size() == 1) return numeric[0];
  const auto& which = timed.empty() ? numeric : timed;
  std::string found;
  for (size_t i : which)
    found += (found.empty() ? "" : ", ") +
             (i < l.header.size() ? one_line(l.header[i], 40) : std::to_string(i + 1));
  if (which.empty())
    return bad_input(
        fmt::format("{}: line {}: no column holds a number, expected a latency", where, line),
        "check the file, or its separator");
  return bad_input(
      fmt::format("{}: {} columns could be the latency ({})", where, which.size(), found),
      fmt::format("choose one: {} {}", kColumnFlag,
                  which[0] < l.header.size() ? one_line(l.header[which[0]], 40)
                                             : std::to_string(which[0] + 1)));
}

Result<Layout> layout_of(std::string_view bytes, std::string_view where,
                         const ReadOptions& options) {
  Lines lines(bytes);
  if (!lines.next()) return lines.unclosed() ? open_quote(where, lines.line()) : no_values(where);
  const std::string_view head = lines.text();
  const int64_t head_line = lines.line();
  const bool more = lines.next();
  if (lines.unclosed()) return open_quote(where, lines.line());
  const std::string_view second = more ? lines.text() : std::string_view();
  Layout l;
  l.separator = mark_in(head);
  if (l.separator == 0 && !scan_value(head).whole() &&
      head.find_first_of(" \t") != std::string_view::npos) {
    // Blanks separate columns unless the first line is the title of one: "latency (ms)".
    const bool title = !starts_like_number(head) && more && scan_value(second).whole();
    l.separator = title ? '\0' : ' ';
  }
  l.first = split(head, l.separator);
  if (std::none_of(l.first.begin(), l.first.end(), starts_like_number)) {
    l.header.swap(l.first);
    if (!more) {
      if (l.header.size() == 1 && l.header[0].find_first_of("0123456789") != std::string_view::npos)
        return bad_input(fmt::format("{}: line {}: {} is not a number, expected a latency", where,
                                     head_line, in_marks(head)),
                         "check the file");
      return no_values(where);
    }
    if (l.header.size() > 2 && l.header[0] == "name" && l.header[1] == "iterations" &&
        l.header[2] == "real_time")
      return bad_input(
          fmt::format("{}: the CSV of Google Benchmark mixes benchmarks and aggregates", where),
          "write it with --benchmark_out_format=json");
    l.first = split(second, l.separator);
  }
  if (options.column.empty()) {
    ASSAY_TRY(l.column, only_column(l, where, l.header.empty() ? head_line : lines.line()));
    const std::string_view behind =
        l.column + 1 < l.first.size() ? l.first[l.column + 1] : std::string_view();
    // "5 min" is not a column of numbers beside a column of words.
    if (l.separator == ' ' && l.header.empty() && !behind.empty() && !starts_like_number(behind))
      return bad_input(fmt::format("{}: line {}: {} behind a number is no unit that is read", where,
                                   head_line, in_marks(behind)),
                       fmt::format("use ns, us, ms or s; if it is a column of its own: {} {}",
                                   kColumnFlag, l.column + 1));
  } else {
    ASSAY_TRY(l.column, column_by_name(l, options.column, where));
  }
  if (l.column < l.header.size()) l.unit = unit_of_name(l.header[l.column]);
  for (size_t i = 0; i < l.header.size() && !l.unit; ++i)
    if (i != l.column && is_unit_title(l.header[i])) l.unit_column = i;
  if (options.unit.empty()) return l;
  const Unit said = *parse_unit(options.unit);
  if (l.unit && l.unit->name != said.name)
    return bad_input(fmt::format("{}: column {} is in {}, but {} says {}", where,
                                 in_marks(l.header[l.column]), l.unit->name, kUnitFlag, said.name),
                     fmt::format("leave out {}, or correct the header", kUnitFlag));
  l.unit = said;
  return l;
}

tl::unexpected<Error> bad_value(const Value& v, std::string_view field, std::string_view where,
                                std::string_view place) {
  if (field.empty())
    return bad_input(fmt::format("{}: {}: the value is missing, expected a latency", where, place),
                     "take the row out, or fill it in");
  const bool comma = v.kind == NumberKind::finite && v.tail.size() > 1 && v.tail[0] == ',' &&
                     v.tail[1] >= '0' && v.tail[1] <= '9';
  return bad_input(
      fmt::format("{}: {}: {} is not a number, expected a latency{}", where, place, in_marks(field),
                  comma ? " with a decimal point" : ""),
      comma ? "write 1.5, not 1,5" : "values are plain decimals, with or without ns, us, ms, s");
}

}  // namespace

Result<std::vector<Series>> parse_csv(std::string_view bytes, std::string_view where,
                                      const ReadOptions& options) {
  ASSAY_TRY(const Layout l, layout_of(bytes, where, options));
  Collector c(Format::csv, stem_of(where), options);
  c.reserve(std::min(count_newlines(bytes) + 1,
                     static_cast<size_t>(std::max<int64_t>(0, options.max_samples))));
  const size_t last = std::max(l.column, l.unit_column.value_or(0));
  Lines lines(bytes);
  if (!l.header.empty()) lines.next();
  while (lines.next()) {
    const auto place = [&] { return fmt::format("line {}", lines.line()); };
    Fields fields(lines.text(), l.separator);
    std::string_view next, field, unit;
    for (size_t i = 0; i <= last; ++i) {
      if (!fields.next(next))
        return bad_input(fmt::format("{}: {}: {} columns, expected a value in column {}", where,
                                     place(), i, i <= l.column ? l.column + 1 : last + 1),
                         "take the row out, or fill it in");
      if (i == l.column) field = next;
      if (i == l.unit_column) unit = next;
    }
    Value v = scan_value(field);
    if (!v.whole()) return bad_value(v, field, where, place());
    if (v.kind != NumberKind::finite) return not_finite(v.kind, where, place(), field);
    if (l.unit_column && !v.unit && !(v.unit = parse_unit(unit)))
      return bad_input(fmt::format("{}: {}: {} is no unit of time, expected ns, us, ms or s", where,
                                   place(), in_marks(unit)),
                       "correct the column of units, or take it out");
    if (v.unit && l.unit && v.unit->name != l.unit->name)
      return bad_input(fmt::format("{}: {}: {} is in {}, but the column in {}", where, place(),
                                   in_marks(field), v.unit->name, l.unit->name),
                       "give the column one unit");
    if (!v.unit && !l.unit)
      return bad_input(fmt::format("{}: {}: {} has no unit, and no header gives one", where,
                                   place(), in_marks(field)),
                       fmt::format("say it, for example {} ms", kUnitFlag));
    const Refusal r = c.add(v.number, v.unit ? *v.unit : *l.unit);
    if (r != Refusal::none) return refused(r, where, place(), field, options);
  }
  if (lines.unclosed()) return open_quote(where, lines.line());
  const size_t columns = std::max(l.header.size(), l.first.size());
  if (columns > 1 && l.column < l.header.size())
    c.note(fmt::format("column {} of {} was read: {}", l.column + 1, columns,
                       one_line(l.header[l.column], 60)));
  else if (columns > 1)
    c.note(fmt::format("column {} of {} was read", l.column + 1, columns));
  std::vector<Collector> all;
  all.push_back(std::move(c));
  return finish_all(std::move(all), where, {});
}

}  // namespace assay::series
