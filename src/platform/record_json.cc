// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/text.h"
#include "platform/record.h"

namespace assay::platform {
namespace {

constexpr std::string_view kKinds[] = {"gauge", "counter", "mask"};
constexpr size_t kLongestName = 200;

tl::unexpected<Error> bad(std::string_view what) {
  return bad_input(fmt::format("record of the machine: {}", what),
                   "the record is damaged or was not written by assay; measure again");
}

// A member that is absent, or a whole number from `least`.
Result<int64_t> whole(const Json& j, const char* key, int64_t least, int64_t most) {
  const auto it = j.find(key);
  if (it == j.end()) return 0;
  const bool fits = it->is_number_integer() &&
                    (!it->is_number_unsigned() || it->get<uint64_t>() <= uint64_t(INT64_MAX));
  if (!fits || it->get<int64_t>() < least || it->get<int64_t>() > most) {
    return bad(fmt::format("{} is {}, expected a whole number from {} to {}", key,
                           one_line(dump_json(*it), 40), least, most));
  }
  return it->get<int64_t>();
}

Result<std::vector<int64_t>> numbers(const Json& j, std::string_view where, bool gaps) {
  if (!j.is_array()) return bad(fmt::format("{} is no list", where));
  std::vector<int64_t> out;
  out.reserve(j.size());
  for (const auto& v : j) {
    if (v.is_null() && gaps) {
      out.push_back(kUnknown);
    } else if (v.is_number_integer() &&
               (!v.is_number_unsigned() || v.get<uint64_t>() <= uint64_t(INT64_MAX)) &&
               v.get<int64_t>() != kUnknown) {
      out.push_back(v.get<int64_t>());
    } else {
      return bad(fmt::format("{}[{}] is {}, expected a whole number{}", where, out.size(),
                             one_line(dump_json(v), 40), gaps ? " or null" : ""));
    }
  }
  return out;
}

Result<Channel> channel_of(const Json& j) {
  Channel c;
  c.name = get_string(j, "name");
  if (c.name.empty() || c.name.size() > kLongestName || one_line(c.name) != c.name) {
    return bad(fmt::format(
        "a channel's name is {}, expected one line of at most {} bytes",
        j.is_object() && j.contains("name") ? one_line(dump_json(j["name"]), 60) : "absent",
        kLongestName));
  }
  const auto kind = get_string(j, "kind");
  const auto found = std::find(std::begin(kKinds), std::end(kKinds), kind);
  if (found == std::end(kKinds)) {
    return bad(fmt::format("channel {}: kind \"{}\", expected gauge, counter or mask", c.name,
                           one_line(kind, 40)));
  }
  c.kind = static_cast<Kind>(found - std::begin(kKinds));
  ASSAY_TRY(c.wrap, whole(j, "wrap", 0, INT64_MAX));
  ASSAY_TRY(const int64_t refresh, whole(j, "refresh_ms", 0, INT32_MAX));
  ASSAY_TRY(const int64_t least, whole(j, "least_interval_ms", 0, INT32_MAX));
  c.refresh_ms = static_cast<int>(refresh);
  c.least_interval_ms = static_cast<int>(least);
  return c;
}

}  // namespace

Json to_json(const Record& record) {
  Json j{{"interval_ms", record.interval_ms}, {"real", record.real}, {"t_ns", record.t_ns}};
  Json channels = Json::array();
  for (size_t k = 0; k < record.channels.size(); ++k) {
    const Channel& c = record.channels[k];
    Json one{{"name", c.name}, {"kind", kKinds[static_cast<int>(c.kind)]}};
    if (c.wrap) one["wrap"] = c.wrap;
    if (c.refresh_ms) one["refresh_ms"] = c.refresh_ms;
    if (c.least_interval_ms) one["least_interval_ms"] = c.least_interval_ms;
    Json values = Json::array();
    if (k < record.columns.size()) {
      for (const int64_t v : record.columns[k]) {
        values.push_back(v == kUnknown ? Json(nullptr) : Json(v));
      }
    }
    one["values"] = std::move(values);
    channels.push_back(std::move(one));
  }
  j["channels"] = std::move(channels);
  Json missing = Json::array();
  for (const auto& m : record.missing) missing.push_back({{"what", m.what}, {"why", m.why}});
  j["missing"] = std::move(missing);
  return j;
}

Result<Record> record_from_json(const Json& j) {
  if (!j.is_object()) return bad("no object");
  for (const char* key : {"interval_ms", "real", "t_ns", "channels", "missing"}) {
    if (!j.contains(key)) return bad(fmt::format("has no \"{}\"", key));
  }
  Record record;
  ASSAY_TRY(const int64_t interval, whole(j, "interval_ms", 0, INT32_MAX));
  record.interval_ms = static_cast<int>(interval);
  if (!j["real"].is_boolean()) return bad("\"real\" is neither true nor false");
  record.real = j["real"].get<bool>();
  ASSAY_TRY(record.t_ns, numbers(j["t_ns"], "t_ns", false));
  if (!std::is_sorted(record.t_ns.begin(), record.t_ns.end())) return bad("its moments fall");
  if (!record.t_ns.empty() && record.t_ns.front() < 0) return bad("a moment is below 0");
  if (!j["channels"].is_array() || !j["missing"].is_array()) {
    return bad("\"channels\" or \"missing\" is no list");
  }
  std::set<std::string> names;
  for (const auto& one : j["channels"]) {
    ASSAY_TRY(auto channel, channel_of(one));
    if (!names.insert(channel.name).second) {
      return bad(fmt::format("channel {} stands twice", channel.name));
    }
    const auto where = fmt::format("values of {}", channel.name);
    const auto values = one.find("values");
    if (values == one.end()) return bad(fmt::format("channel {} has no values", channel.name));
    ASSAY_TRY(auto column, numbers(*values, where, true));
    if (column.size() != record.t_ns.size()) {
      return bad(fmt::format("channel {} has {} values for {} moments", channel.name, column.size(),
                             record.t_ns.size()));
    }
    record.channels.push_back(std::move(channel));
    record.columns.push_back(std::move(column));
  }
  for (const auto& m : j["missing"]) {
    record.missing.push_back(
        {one_line(get_string(m, "what")), one_line(get_string(m, "why"), 4000)});
  }
  return record;
}

}  // namespace assay::platform
