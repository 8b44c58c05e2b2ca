// SPDX-License-Identifier: Apache-2.0
// What a child says: its log into files of limited size, its events as lines of limited length.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "worker/spawn.h"

namespace assay::worker {

// One captured stream: everything is read, the first `limit` bytes are kept.
class LogSink {
 public:
  static Result<LogSink> create(const fs::path& path, int64_t limit);
  void take(std::string_view bytes);
  bool cut() const { return cut_; }
  bool write_failed() const { return failed_; }

 private:
  Fd file_;
  int64_t left_ = 0;
  bool cut_ = false, failed_ = false;
};

// Splits bytes into lines. A line longer than the limit is delivered cut to it, the rest of it
// dropped; past `total_limit` bytes nothing more is delivered. Both set overflow().
class LineSink {
 public:
  LineSink(int64_t line_limit, int64_t total_limit, std::function<void(std::string_view)> deliver);
  void take(std::string_view bytes);
  void end();  // delivers an unfinished last line
  bool overflow() const { return overflow_; }

 private:
  void deliver();
  std::string line_;
  int64_t line_limit_, left_;
  bool overflow_ = false;
  std::function<void(std::string_view)> deliver_;
};

}  // namespace assay::worker
