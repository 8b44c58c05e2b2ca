// SPDX-License-Identifier: Apache-2.0
#include "series/walk_json.h"

#include "base/text.h"

namespace assay::series {
namespace {

constexpr size_t kMaxDepth = 64;  // as base/json.cc

std::string shown(const JsonValue& v) {
  switch (v.kind) {
    case JsonValue::Kind::null:
      return "null";
    case JsonValue::Kind::boolean:
      return v.boolean ? "true" : "false";
    case JsonValue::Kind::text:
      return fmt::format("\"{}\"", one_line(v.text, 60));
    case JsonValue::Kind::number:
      break;
  }
  if (!v.text.empty()) return one_line(v.text, 60);
  return fmt::format("{}{}", v.number.negative ? "-" : "", v.number.mantissa);
}

}  // namespace

Status JsonWalker::walk(std::string_view text) {
  levels_.reserve(kMaxDepth);
  size_ = text.size();
  Json::json_sax_t* const events = this;
  const bool done = Json::sax_parse(text.data(), text.data() + text.size(), events);
  if (!done && error_) return tl::unexpected<Error>(std::move(*error_));
  return {};
}

bool JsonWalker::value(const JsonValue& v) {
  if (!levels_.empty() && levels_.back().array) ++levels_.back().index;
  return on_value(v);
}

bool JsonWalker::open(bool array) {
  if (!levels_.empty() && levels_.back().array) ++levels_.back().index;
  if (levels_.size() >= kMaxDepth)
    return stop(bad_input(fmt::format("{}: JSON is nested deeper than {}", where_, kMaxDepth),
                          "check the file: no tool writes latencies so"));
  levels_.push_back({array, -1, {}});
  return on_open(array);
}

bool JsonWalker::close(bool array) {
  if (!on_close(array)) return false;
  levels_.pop_back();
  return true;
}

bool JsonWalker::number_float(number_float_t, const string_t& s) {
  JsonValue v{JsonValue::Kind::number, false, {}, s};
  size_t length = 0;
  scan_number(s, v.number, length);
  return value(v);
}

bool JsonWalker::parse_error(size_t position, const std::string& token,
                             const nlohmann::detail::exception&) {
  const bool cut = position >= size_;
  return stop(bad_input(
      fmt::format("{}: not JSON at byte {}{}", where_, position,
                  cut ? ", where the file ends: truncated?"
                      : fmt::format(" near '{}'", one_line(token, 40))),
      cut ? "write the file again; the tool was stopped while it wrote"
          : "NaN and Infinity are not JSON; take such values out, or write the file again"));
}

std::string JsonWalker::path(size_t levels) const {
  std::string out;
  for (size_t i = 0; i < levels; ++i) {
    const Level& l = levels_[i];
    if (l.array)
      out += fmt::format("[{}]", l.index);
    else
      out += (out.empty() ? "" : ".") + one_line(l.key, 60);
  }
  return out.empty() ? "top level" : out;
}

bool JsonWalker::wrong(std::string_view found, std::string_view expected, std::string fix) {
  return stop(bad_input(fmt::format("{}: {}: {}, expected {}", where_, path(), found, expected),
                        std::move(fix)));
}

bool JsonWalker::add(Collector& c, const JsonValue& v, const Unit& unit) {
  if (v.kind != JsonValue::Kind::number)
    return wrong(shown(v), "a number", "a missing measurement is no latency: take it out");
  const Refusal r = c.add(v.number, unit);
  return r == Refusal::none || refuse(r, shown(v));
}

}  // namespace assay::series
