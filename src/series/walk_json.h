// SPDX-License-Identifier: Apache-2.0
// JSON as a stream of events with their path, so that a file of any length needs no tree. Numbers
// keep the digits they were written with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "series/collect.h"

namespace assay::series {

struct JsonValue {
  enum class Kind { null, boolean, number, text } kind = Kind::null;
  bool boolean = false;
  Decimal number;
  std::string_view text;  // of a text; of a number as far as known (digits of a fraction)
};

// Receives events. A handler that returns false ends the walk: its error is the result, or none
// when it has seen enough.
class JsonWalker : public Json::json_sax_t {
 public:
  JsonWalker(std::string_view where, const ReadOptions& options)
      : where_(where), options_(options) {}
  // Walks all of `text`; usage error with the byte when it is not JSON or too deep.
  Status walk(std::string_view text);

 protected:
  // depth() is 1 inside the outermost array or object.
  virtual bool on_value(const JsonValue& v) = 0;
  virtual bool on_open(bool /*array*/) { return true; }   // depth() counts it already
  virtual bool on_close(bool /*array*/) { return true; }  // depth() still counts it

  size_t depth() const { return levels_.size(); }
  bool in_array(size_t level) const { return levels_[level - 1].array; }
  const std::string& key(size_t level) const { return levels_[level - 1].key; }
  int64_t index(size_t level) const { return levels_[level - 1].index; }
  std::string path() const { return path(levels_.size()); }  // "results[0].times[3]"
  std::string path(size_t levels) const;
  // Stops with an error.
  bool stop(tl::unexpected<Error> e) {
    error_ = std::move(e.value());
    return false;
  }
  bool wrong(std::string_view found, std::string_view expected, std::string fix);
  // Adds a number to `c`, or stops: "PATH: null, expected ...".
  bool add(Collector& c, const JsonValue& v, const Unit& unit);
  bool refuse(Refusal r, std::string_view text) {
    return r == Refusal::none || stop(refused(r, where_, path(), text, options_));
  }

  const std::string_view where_;
  const ReadOptions& options_;

 private:
  struct Level {
    bool array = false;
    int64_t index = -1;
    std::string key;
  };
  bool value(const JsonValue& v);
  bool open(bool array);
  bool close(bool array);

  bool null() override { return value({}); }
  bool boolean(bool b) override { return value({JsonValue::Kind::boolean, b, {}, {}}); }
  bool number_integer(number_integer_t v) override {
    const auto u = static_cast<uint64_t>(v);
    return value({JsonValue::Kind::number, false, decimal_of(v < 0 ? 0 - u : u, v < 0), {}});
  }
  bool number_unsigned(number_unsigned_t v) override {
    return value({JsonValue::Kind::number, false, decimal_of(v), {}});
  }
  bool number_float(number_float_t, const string_t& s) override;
  bool string(string_t& s) override { return value({JsonValue::Kind::text, false, {}, s}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(false); }
  bool key(string_t& k) override {
    levels_.back().key.assign(k);
    return true;
  }
  bool end_object() override { return close(false); }
  bool start_array(size_t) override { return open(true); }
  bool end_array() override { return close(true); }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& e) override;

  std::vector<Level> levels_;
  std::optional<Error> error_;
  size_t size_ = 0;
};

}  // namespace assay::series
