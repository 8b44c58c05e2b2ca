// SPDX-License-Identifier: Apache-2.0
// stats_cli: requests on stdin, one a line, "id call key=v,v,v key=v"; answers on stdout, "id
// key=v key=none". A call that it does not know is answered by nothing. See rivals_test.py.
#include "stats_cli.h"

#include <cstdio>
#include <iostream>
#include <sstream>

namespace {

std::vector<double> numbers(const std::string& text) {
  std::vector<double> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');)
    out.push_back(std::strtod(part.c_str(), nullptr));
  return out;
}

}  // namespace

int main() {
  rivals::Calls calls;
  rivals::add_counts(calls);
  rivals::add_series(calls);
  rivals::add_tails(calls);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string id, call;
    words >> id >> call;
    const auto found = calls.find(call);
    if (found == calls.end()) continue;
    std::map<std::string, std::vector<double>> arguments;
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals != std::string::npos)
        arguments[word.substr(0, equals)] = numbers(word.substr(equals + 1));
    }
    std::printf("%s", id.c_str());
    for (const auto& [key, value] : found->second(rivals::Request(std::move(arguments)))) {
      if (value)
        std::printf(" %s=%.17g", key.c_str(), *value);
      else
        std::printf(" %s=none", key.c_str());
    }
    std::printf("\n");
  }
  return 0;
}
