// SPDX-License-Identifier: Apache-2.0
// A table of a plan file, read key by key: what has another type, stands outside its range or was
// never asked for is a usage error. The first fault counts; later reads change nothing.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace assay::response {

class TableReader {
 public:
  TableReader(const Json& table, std::string where);

  void text(const char* key, std::string& out);
  void texts(const char* key, std::vector<std::string>& out);  // a list, not empty
  template <class T>
  void whole(const char* key, T& out, int64_t low, int64_t high) {
    int64_t value = static_cast<int64_t>(out);
    read_whole(key, value, low, high);
    out = static_cast<T>(value);
  }
  void real(const char* key, double& out, double low, double high);
  void reals(const char* key, std::vector<double>& out);
  void integers(const char* key, std::vector<int>& out);
  // [[0], [0, 1]], or [0, 1] for a single one.
  void integer_lists(const char* key, std::vector<std::vector<int>>& out);
  void flag(const char* key, bool& out);
  void time(const char* key, int64_t& out_ns);  // "20ms"
  void time_s(const char* key, double& out_s);
  const Json* table(const char* key);
  const Json* list(const char* key);
  // The first fault, or an unknown key.
  Status end();

 private:
  const Json* find(const char* key);
  void read_whole(const char* key, int64_t& out, int64_t low, int64_t high);
  void fault(const char* key, const Json& found, const char* expected);
  bool read_integers(const char* key, const Json& list, std::vector<int>& out);

  const Json& table_;
  std::string where_, fault_, fix_;
  std::vector<std::string> known_;
};

}  // namespace assay::response
