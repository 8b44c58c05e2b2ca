// SPDX-License-Identifier: Apache-2.0
#include "stream/cell.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "stream/strict_json.h"

namespace assay::stream {
namespace {

constexpr std::array<std::string_view, 3> kModes = {"processes", "threads", "one-server"};
constexpr std::array<std::string_view, 3> kCoRunners = {"none", "memory", "cache"};
constexpr std::array<std::string_view, 3> kCaches = {"warm", "cold", "memory"};
constexpr int64_t kMostCpus = 4096;

Json without_id(const Cell& c) {
  Json j;
  j["recipe"] = c.recipe;
  j["compiler"] = c.compiler;
  j["build"] = c.build;
  j["streams"] = c.streams;
  j["cameras"] = c.cameras;
  j["mode"] = c.mode;
  j["scenario"] = word(c.scenario);
  j["policy"] = word(c.policy);
  j["period_ns"] = c.period_ns;
  j["co_runner"] = c.co_runner;
  j["cache"] = c.cache;
  j["priority"] = c.priority;
  j["cpus"] = c.cpus;
  j["oversubscribed"] = c.oversubscribed;
  return j;
}

template <size_t N>
void one_of(StrictObject& o, const char* key, const std::array<std::string_view, N>& words,
            std::string& out) {
  o.text(key, out);
  if (std::find(words.begin(), words.end(), out) == words.end())
    o.wrong(key, fmt::format("{}, expected one of {}", one_line(out, 40),
                             fmt::join(words.begin(), words.end(), ", ")));
}

// "other", "nice:-20" .. "nice:19", "fifo:1" .. "fifo:99".
bool is_priority(std::string_view s) {
  if (s == "other") return true;
  const bool nice = s.starts_with("nice:"), fifo = s.starts_with("fifo:");
  if (!nice && !fifo) return false;
  s.remove_prefix(5);
  int value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc{} && end == s.data() + s.size() &&
         (nice ? value >= -20 && value <= 19 : value >= 1 && value <= 99);
}

}  // namespace

std::string cell_id(const Cell& cell) { return content_id(dump_json(without_id(cell))); }

Json to_json(const Cell& cell) {
  Json j;
  const Json rest = without_id(cell);
  j["id"] = content_id(dump_json(rest));
  for (const auto& [key, value] : rest.items()) j[key] = value;
  return j;
}

Result<Cell> cell_from_json(const Json& j, std::string_view where) {
  Cell c;
  StrictObject o(j, where);
  o.need_all();
  o.text("id", c.id);
  o.text("recipe", c.recipe);
  o.text("compiler", c.compiler);
  o.integer("build", 0, 1'000'000, c.build);
  o.integer("streams", 1, 4096, c.streams);
  o.integer("cameras", 1, 4096, c.cameras);
  one_of(o, "mode", kModes, c.mode);
  o.word("scenario", scenario_from, c.scenario);
  o.word("policy", policy_from, c.policy);
  o.integer("period_ns", 0, kLongestDurationNs, c.period_ns);
  one_of(o, "co_runner", kCoRunners, c.co_runner);
  one_of(o, "cache", kCaches, c.cache);
  o.text("priority", c.priority);
  if (!is_priority(c.priority)) o.wrong("priority", "expected other, nice:N or fifo:N");
  o.integers("cpus", 0, kMostCpus - 1, kMostCpus, c.cpus);
  o.boolean("oversubscribed", c.oversubscribed);
  ASSAY_CHECK(o.end());
  if (c.id != cell_id(c)) o.wrong("id", "is not that of the rest: the cell was changed");
  ASSAY_CHECK(o.end());
  return c;
}

}  // namespace assay::stream
