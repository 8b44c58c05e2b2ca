// SPDX-License-Identifier: Apache-2.0
#include "response/table.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "response/plan.h"

namespace assay::response {

TableReader::TableReader(const Json& table, std::string where)
    : table_(table), where_(std::move(where)) {
  if (!table.is_object()) fault_ = where_ + " is no table";
}

const Json* TableReader::find(const char* key) {
  known_.emplace_back(key);
  if (!table_.is_object() || !fault_.empty()) return nullptr;
  const auto it = table_.find(key);
  return it == table_.end() ? nullptr : &*it;
}

void TableReader::fault(const char* key, const Json& found, const char* expected) {
  if (fault_.empty())
    fault_ = fmt::format("{}: {} is {}, expected {}", where_, key, one_line(dump_json(found), 80),
                         expected);
}

void TableReader::text(const char* key, std::string& out) {
  const Json* v = find(key);
  if (!v) return;
  if (!v->is_string() || v->get_ref<const std::string&>().find('\0') != std::string::npos)
    return fault(key, *v, "a text");
  out = v->get<std::string>();
}

void TableReader::texts(const char* key, std::vector<std::string>& out) {
  const Json* v = find(key);
  if (!v) return;
  std::vector<std::string> read;
  if (v->is_array())
    for (const Json& item : *v)
      if (item.is_string()) read.push_back(item.get<std::string>());
  if (read.empty() || read.size() != v->size()) return fault(key, *v, "a list of texts, not empty");
  out = std::move(read);
}

void TableReader::read_whole(const char* key, int64_t& out, int64_t low, int64_t high) {
  const Json* v = find(key);
  if (!v) return;
  if (!v->is_number_integer() || v->get<int64_t>() < low || v->get<int64_t>() > high)
    return fault(key, *v,
                 high == INT64_MAX
                     ? fmt::format("a whole number of {} or more", low).c_str()
                     : fmt::format("a whole number from {} to {}", low, high).c_str());
  out = v->get<int64_t>();
}

void TableReader::real(const char* key, double& out, double low, double high) {
  const Json* v = find(key);
  if (!v) return;
  const double value = v->is_number() ? v->get<double>() : low - 1;
  if (!(value >= low && value <= high))  // also NaN, which TOML can write
    return fault(key, *v, fmt::format("a number from {:g} to {:g}", low, high).c_str());
  out = value;
}

void TableReader::reals(const char* key, std::vector<double>& out) {
  const Json* v = find(key);
  if (!v) return;
  std::vector<double> read;
  if (v->is_array())
    for (const Json& item : *v)
      if (item.is_number()) read.push_back(item.get<double>());
  if (!v->is_array() || read.size() != v->size()) return fault(key, *v, "a list of numbers");
  out = std::move(read);
}

bool TableReader::read_integers(const char* key, const Json& list, std::vector<int>& out) {
  for (const Json& item : list) {
    if (!item.is_number_integer() || item.get<int64_t>() < 0 || item.get<int64_t>() > 65'535) {
      fault(key, list, "whole numbers from 0 to 65535");
      return false;
    }
    out.push_back(item.get<int>());
  }
  return true;
}

void TableReader::integers(const char* key, std::vector<int>& out) {
  const Json* v = find(key);
  if (!v) return;
  std::vector<int> read;
  if (!v->is_array() || v->empty()) return fault(key, *v, "a list of whole numbers, not empty");
  if (read_integers(key, *v, read)) out = std::move(read);
}

void TableReader::integer_lists(const char* key, std::vector<std::vector<int>>& out) {
  const Json* v = find(key);
  if (!v) return;
  if (!v->is_array() || v->empty()) return fault(key, *v, "a list of lists, as [[0], [0, 1]]");
  std::vector<std::vector<int>> read;
  if (v->front().is_array()) {
    for (const Json& item : *v) {
      if (!item.is_array()) return fault(key, *v, "a list of lists, as [[0], [0, 1]]");
      if (!read_integers(key, item, read.emplace_back())) return;
    }
  } else if (!read_integers(key, *v, read.emplace_back())) {
    return;
  }
  out = std::move(read);
}

void TableReader::flag(const char* key, bool& out) {
  const Json* v = find(key);
  if (!v) return;
  if (!v->is_boolean()) return fault(key, *v, "true or false");
  out = v->get<bool>();
}

void TableReader::time(const char* key, int64_t& out_ns) {
  const Json* v = find(key);
  if (!v) return;
  if (!v->is_string()) return fault(key, *v, "a text with its unit, as \"20ms\"");
  auto ns = parse_time(v->get<std::string>(), fmt::format("{}: {}", where_, key));
  if (ns) {
    out_ns = *ns;
  } else if (fault_.empty()) {
    fault_ = ns.error().message;
    fix_ = ns.error().fix;
  }
}

void TableReader::time_s(const char* key, double& out_s) {
  int64_t ns = 0;
  time(key, ns);
  if (ns > 0) out_s = static_cast<double>(ns) / 1e9;
}

const Json* TableReader::table(const char* key) {
  const Json* v = find(key);
  if (v && !v->is_object()) fault(key, *v, "a table");
  return v && v->is_object() ? v : nullptr;
}

const Json* TableReader::list(const char* key) {
  const Json* v = find(key);
  if (v && !v->is_array()) fault(key, *v, "a list");
  return v && v->is_array() ? v : nullptr;
}

Status TableReader::end() {
  if (!fault_.empty()) return bad_input(fault_, fix_);
  for (const auto& [key, value] : table_.items())
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      return bad_input(fmt::format("{}: unknown key \"{}\"", where_, one_line(key, 80)),
                       fmt::format("known: {}", fmt::join(known_, ", ")));
  return {};
}

}  // namespace assay::response
