// SPDX-License-Identifier: Apache-2.0
// Members of one JSON object, each read once and held against its type and range; whatever was not
// asked for is an error. The first error is kept and later reads do nothing, so that a reader is a
// list of its members. Internal to stream.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace assay::stream {

class StrictObject {
 public:
  // `where` names the object in messages: "plan.toml: release of camera 2".
  StrictObject(const Json& j, std::string_view where) : j_(j), where_(where) {
    if (!j.is_object()) wrong("", std::string("found ") + j.type_name() + ", expected an object");
  }

  // Absent members leave `out` alone, unless they must be there.
  void need_all() { needed_ = true; }
  void integer(const char* key, int64_t low, int64_t high, int64_t& out) {
    if (const Json* v = take(key)) whole(*v, key, low, high, out);
  }
  void integer(const char* key, int64_t low, int64_t high, int& out) {
    int64_t wide = out;
    integer(key, low, high, wide);
    out = static_cast<int>(wide);
  }
  void seed(const char* key, uint64_t& out) {
    const Json* v = take(key);
    if (v == nullptr) return;
    if (v->is_number_integer() && (v->is_number_unsigned() || v->get<int64_t>() >= 0))
      out = v->get<uint64_t>();
    else
      wrong(key, "expected a whole number of 0 or more");
  }
  void boolean(const char* key, bool& out) {
    const Json* v = take(key);
    if (v == nullptr) return;
    if (v->is_boolean())
      out = v->get<bool>();
    else
      wrong(key, "expected true or false");
  }
  void text(const char* key, std::string& out) {
    const Json* v = take(key);
    if (v == nullptr) return;
    if (v->is_string())
      out = v->get<std::string>();
    else
      wrong(key, "expected a string");
  }
  // A word of a table: from(text) is optional<E>.
  template <class E, class From>
  void word(const char* key, From from, E& out) {
    std::string s;
    const Json* v = take(key);
    if (v == nullptr) return;
    const std::optional<E> e = v->is_string() ? from(v->get<std::string>()) : std::nullopt;
    if (e)
      out = *e;
    else
      wrong(key, "no word that is known here");
  }
  template <class T>
  void integers(const char* key, int64_t low, int64_t high, size_t most, std::vector<T>& out) {
    const Json* v = take(key);
    if (v == nullptr) return;
    if (!v->is_array() || v->size() > most) {
      wrong(key, "expected a list of at most " + std::to_string(most) + " whole numbers");
      return;
    }
    out.clear();
    out.reserve(v->size());
    for (const Json& element : *v) {
      int64_t value = 0;
      whole(element, key, low, high, value);
      if (error_) return;
      out.push_back(static_cast<T>(value));
    }
  }
  void wrong(std::string_view key, std::string_view what);
  // The first error, or one that names a member nobody asked for.
  Status end();

 private:
  const Json* take(const char* key) {
    if (error_) return nullptr;
    known_.insert(key);
    const auto it = j_.find(key);
    if (it != j_.end()) return &*it;
    if (needed_) wrong(key, "is not there");
    return nullptr;
  }
  void whole(const Json& v, const char* key, int64_t low, int64_t high, int64_t& out);

  const Json& j_;
  std::string where_;
  bool needed_ = false;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> error_;
};

}  // namespace assay::stream
