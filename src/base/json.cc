// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

namespace assay {
namespace {

constexpr int kMaxDepth = 64;

const Json& empty_of(Json::value_t type) {
  static const Json object = Json::object(), array = Json::array();
  return type == Json::value_t::object ? object : array;
}

const Json* member(const Json& j, const char* key) {
  if (!j.is_object()) return nullptr;
  auto it = j.find(key);
  return it == j.end() ? nullptr : &*it;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  // Depth is counted beforehand: the parser's callback sees a value only when it is too late to
  // stop cheaply.
  int depth = 0;
  bool in_string = false, escaped = false;
  for (char c : text) {
    if (in_string) {
      if (escaped)
        escaped = false;
      else if (c == '\\')
        escaped = true;
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '"')
      in_string = true;
    else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        return bad_input(fmt::format("{}: JSON is nested deeper than {}", where, kMaxDepth));
      }
    } else if (c == '}' || c == ']')
      --depth;
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    return bad_input(fmt::format("{}: not JSON at byte {}", where, e.byte));
  } catch (const std::exception& e) {
    return bad_input(fmt::format("{}: not JSON: {}", where, e.what()));
  }
}

std::string dump_json(const Json& j, int indent) {
  return j.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string get_string(const Json& j, const char* key, std::string fallback) {
  const Json* m = member(j, key);
  return m && m->is_string() ? m->get<std::string>() : std::move(fallback);
}

int64_t get_int(const Json& j, const char* key, int64_t fallback) {
  const Json* m = member(j, key);
  return m && m->is_number_integer() ? m->get<int64_t>() : fallback;
}

double get_double(const Json& j, const char* key, double fallback) {
  const Json* m = member(j, key);
  return m && m->is_number() ? m->get<double>() : fallback;
}

bool get_bool(const Json& j, const char* key, bool fallback) {
  const Json* m = member(j, key);
  return m && m->is_boolean() ? m->get<bool>() : fallback;
}

const Json& get_object(const Json& j, const char* key) {
  const Json* m = member(j, key);
  return m && m->is_object() ? *m : empty_of(Json::value_t::object);
}

const Json& get_array(const Json& j, const char* key) {
  const Json* m = member(j, key);
  return m && m->is_array() ? *m : empty_of(Json::value_t::array);
}

}  // namespace assay
