// SPDX-License-Identifier: Apache-2.0
// What a fake library answers, from a text file. A line is KEY and its values; # begins a remark;
// a later line of the same key wins. Values that change:
//   1980            always
//   1980*10 345     ten calls, then 345 for ever
//   1980@500 345    until 500 ms after the library was initialised, then 345
//   !3              the call fails with status 3 (also within a list: 90*4 !15)
//   ramp 1000 7 100 1000, and 7 more every 100 ms since it was initialised
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::fake {

using Time = std::chrono::steady_clock::time_point;

struct Answer {
  int status = 0;
  int64_t value = 0;
};

// The values of one key, and how often they were asked for.
class Values {
 public:
  // False: not of the forms above.
  bool parse(const std::string& text);
  Answer next(Time initialised);

 private:
  struct Item {
    Answer answer;
    int64_t calls = -1, until_ms = -1;  // -1: no end
  };
  std::vector<Item> items_;
  size_t at_ = 0;
  int64_t called_ = 0;
  bool ramp_ = false;
  int64_t start_ = 0, step_ = 0, step_ms_ = 1;
};

using Config = std::map<std::string, std::string>;
Config parse_config(const char* text);

// The file named by `variable`, else "PATH.conf" where PATH is the library that holds `here`, else
// nothing. `defaults` first.
Config load_config(const char* variable, const void* here, const char* defaults);
// Says on stderr what is wrong with a file: a test that misspells a key must not pass.
void complain(const std::string& what);

}  // namespace assay::fake
