// SPDX-License-Identifier: Apache-2.0
// Requests and answers of stats_cli, the program through which rivals_test.py asks our statistics.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rivals {

// The arguments of one call: lists of numbers by name. A name that is missing is an empty list.
class Request {
 public:
  explicit Request(std::map<std::string, std::vector<double>> arguments)
      : arguments_(std::move(arguments)) {}
  const std::vector<double>& list(const std::string& name) const {
    static const std::vector<double> none;
    const auto found = arguments_.find(name);
    return found == arguments_.end() ? none : found->second;
  }
  std::vector<int64_t> integers(const std::string& name) const {
    std::vector<int64_t> out;
    for (const double v : list(name)) out.push_back(std::llround(v));
    return out;
  }
  double number(const std::string& name) const {
    return list(name).empty() ? std::nan("") : list(name)[0];
  }
  int64_t integer(const std::string& name) const {
    return list(name).empty() ? 0 : std::llround(list(name)[0]);
  }

 private:
  std::map<std::string, std::vector<double>> arguments_;
};

// Absent: there is no such number, and the rival must say so too.
using Answer = std::vector<std::pair<std::string, std::optional<double>>>;
using Calls = std::map<std::string, std::function<Answer(const Request&)>>;

// Absent too when the number is 0.
inline std::optional<double> unless_zero(int64_t v) {
  return v == 0 ? std::nullopt : std::optional<double>(static_cast<double>(v));
}

void add_counts(Calls& calls);  // quantiles, proportions, equality, sequential tests, variance
void add_series(Calls& calls);  // stationarity, independence, trend
void add_tails(Calls& calls);   // extreme values

}  // namespace rivals
