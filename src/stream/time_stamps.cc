// SPDX-License-Identifier: Apache-2.0
#include "stream/time_stamps.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "stream/scenario.h"

namespace assay::stream {
namespace {

struct Unit {
  std::string_view name;
  int power;  // of ten, to ns
};
constexpr std::array<Unit, 4> kUnits = {{{"s", 9}, {"ms", 6}, {"us", 3}, {"ns", 0}}};

const Unit* find_unit(std::string_view s) {
  for (const Unit& u : kUnits)
    if (u.name == s) return &u;
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

// The unit that a column's name ends in, set off by a mark: "time_ms", "t (ms)", "ms".
const Unit* unit_of_name(std::string_view name) {
  name = trimmed(name);
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
    name = trimmed(name.substr(1, name.size() - 2));
  if (!name.empty() && (name.back() == ')' || name.back() == ']')) name.remove_suffix(1);
  const size_t mark = name.find_last_of("_ ([");
  return find_unit(mark == std::string_view::npos ? name : name.substr(mark + 1));
}

enum class Bad { none, no_number, negative, too_large };

// digits[.digits][e[+-]digits] times 10^power, rounded half up to a whole number. Of more than 19
// significant digits the rest is cut: it lies below 1 ns for every value that fits.
Bad to_ns(std::string_view s, int power, int64_t& out) {
  const bool negative = !s.empty() && s.front() == '-';
  if (negative || (!s.empty() && s.front() == '+')) s.remove_prefix(1);
  uint64_t mantissa = 0;
  int64_t exponent = power;
  bool any = false, point = false;
  size_t i = 0;
  for (; i < s.size() && (is_digit(s[i]) || (s[i] == '.' && !point)); ++i) {
    if (s[i] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (mantissa < 1'000'000'000'000'000'000) {
      mantissa = mantissa * 10 + static_cast<uint64_t>(s[i] - '0');
      exponent -= point;
    } else {
      exponent += !point;
    }
  }
  if (!any) return Bad::no_number;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    const bool down = ++i < s.size() && s[i] == '-';
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    int64_t e = 0;
    const size_t from = i;
    for (; i < s.size() && is_digit(s[i]); ++i) e = std::min<int64_t>(e * 10 + (s[i] - '0'), 99999);
    if (i == from) return Bad::no_number;
    exponent += down ? -e : e;
  }
  if (i != s.size()) return Bad::no_number;
  if (negative && mantissa != 0) return Bad::negative;
  for (; exponent > 0 && mantissa != 0; --exponent) {
    if (mantissa > INT64_MAX / 10) return Bad::too_large;
    mantissa *= 10;
  }
  for (; exponent < -1 && mantissa != 0; ++exponent) mantissa /= 10;
  if (exponent < 0) mantissa = mantissa / 10 + (mantissa % 10 >= 5);
  if (mantissa > INT64_MAX) return Bad::too_large;
  out = static_cast<int64_t>(mantissa);
  return Bad::none;
}

class Reader {
 public:
  Reader(std::string_view where, const TimeStampOptions& options)
      : where_(where), options_(options) {}

  Result<std::vector<int64_t>> read(std::string_view text) {
    if (!options_.unit.empty()) {
      unit_ = find_unit(options_.unit);
      if (unit_ == nullptr)
        return bad_input(fmt::format("{}: unit {}", where_, one_line(options_.unit, 20)),
                         "one of s, ms, us, ns");
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::string_view body = trimmed(text);
    ASSAY_CHECK(body.starts_with('[') ? elements(body) : lines(text));
    if (out_.empty()) return wrong("no time stamp in it", "one number a line");
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> wrong(std::string_view what, std::string_view fix) const {
    return bad_input(fmt::format("{}: {}", where_, what), std::string(fix));
  }

  Status state(const Unit* unit, int64_t line) {
    if (unit_ != nullptr && unit_ != unit)
      return wrong(
          fmt::format("line {}: unit {}, but {} was stated before", line, unit->name, unit_->name),
          "state one unit");
    unit_ = unit;
    return {};
  }

  Status add(std::string_view word, std::string_view kind, int64_t number) {
    if (unit_ == nullptr)
      return wrong("no unit is stated", "give the unit, or begin the file with \"# unit: ms\"");
    int64_t value = 0;
    const Bad bad = to_ns(word, unit_->power, value);
    const auto at = [&] { return fmt::format("{} {}: {}", kind, number, one_line(word, 40)); };
    if (bad == Bad::no_number) return wrong(at() + " is no number", "one number a line");
    if (bad == Bad::negative) return wrong(at() + " is negative", "count from the first frame");
    if (out_.empty()) first_ = value;
    if (bad == Bad::too_large || value - first_ > kLongestScheduleNs)
      return wrong(at() + " is too large", "check the unit");
    if (!out_.empty() && value - first_ <= out_.back())
      return wrong(at() + " is not after the one before it",
                   "frames in the order they were taken, each once, from a clock fine enough");
    if (out_.size() == kMostTimeStamps)
      return wrong(fmt::format("more than {} time stamps", kMostTimeStamps), "cut the recording");
    out_.push_back(value - first_);
    return {};
  }

  Status lines(std::string_view text) {
    bool header_may_come = true;
    for (int64_t number = 1; !text.empty(); ++number) {
      const size_t end = text.find('\n');
      const std::string_view line = trimmed(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.empty()) continue;
      if (line.front() == '#') {
        std::string_view rest = trimmed(line.substr(1));
        if (!rest.starts_with("unit:")) continue;
        rest = trimmed(rest.substr(5));
        const Unit* unit = find_unit(rest);
        if (unit == nullptr)
          return wrong(fmt::format("line {}: unit {}", number, one_line(rest, 20)),
                       "one of s, ms, us, ns");
        if (!out_.empty())
          return wrong(fmt::format("line {}: a unit after the first stamp", number),
                       "state the unit before them");
        ASSAY_CHECK(state(unit, number));
        continue;
      }
      const std::string_view field = trimmed(line.substr(0, line.find_first_of(",;\t")));
      int64_t ignored = 0;
      if (header_may_come && to_ns(field, 0, ignored) == Bad::no_number) {
        if (const Unit* unit = unit_of_name(field)) ASSAY_CHECK(state(unit, number));
      } else {
        ASSAY_CHECK(add(field, "line", number));
      }
      header_may_come = false;
    }
    return {};
  }

  // [1, 2.5, 3e1]: scanned here, because a tree of JSON would round 19 digits to 16.
  Status elements(std::string_view text) {
    const auto odd = [&] {
      return wrong(fmt::format("element {}: not a JSON array of numbers", out_.size()),
                   "[0, 33.3, 66.7], with the unit given");
    };
    if (text.size() < 2 || text.back() != ']') return odd();
    text = text.substr(1, text.size() - 2);
    if (trimmed(text).empty()) return {};
    for (bool more = true; more;) {
      const size_t end = text.find(',');
      more = end != std::string_view::npos;
      const std::string_view word = trimmed(text.substr(0, end));
      if (more) text.remove_prefix(end + 1);
      // What JSON has no words for: +1, .5, 5., 01, 0 1.
      const size_t sign = word.starts_with('-') ? 1 : 0;
      if (word.size() <= sign || !is_digit(word[sign])) return odd();
      if (word[sign] == '0' && word.size() > sign + 1 && is_digit(word[sign + 1])) return odd();
      if (const size_t dot = word.find('.');
          dot != std::string_view::npos && (dot + 1 == word.size() || !is_digit(word[dot + 1])))
        return odd();
      ASSAY_CHECK(add(word, "element", std::ssize(out_)));
    }
    return {};
  }

  std::string_view where_;
  const TimeStampOptions& options_;
  const Unit* unit_ = nullptr;
  int64_t first_ = 0;
  std::vector<int64_t> out_;
};

}  // namespace

Result<std::vector<int64_t>> parse_time_stamps(std::string_view text, std::string_view where,
                                               const TimeStampOptions& options) {
  return Reader(where, options).read(text);
}

}  // namespace assay::stream
