// SPDX-License-Identifier: Apache-2.0
// Progress on stderr: one line that rewrites itself on a terminal, a line a job elsewhere.
#pragma once

#include <unistd.h>

#include "audit/audit.h"
#include "base/text.h"

namespace assay::cli {

class ProgressLine {
 public:
  void show(const audit::Progress& p) {
    if (!p.note.empty()) {
      clear();
      fmt::print(stderr, "  {}\n", one_line(p.note, 300));
      return;
    }
    const std::string left =
        p.left_s > 0 ? fmt::format(", about {} left", format_ns(p.left_s * 1e9)) : "";
    const std::string line = fmt::format("[{}/{}] {} ({}{})", p.done, p.total, p.now,
                                         format_ns(p.elapsed_s * 1e9), left);
    if (terminal_) {
      clear();
      fmt::print(stderr, "{}", one_line(line, 110));
      std::fflush(stderr);
      shown_ = true;
    } else {
      fmt::print(stderr, "{}\n", one_line(line, 300));
    }
  }
  void clear() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
    shown_ = false;
  }
  ~ProgressLine() { clear(); }

 private:
  bool terminal_ = isatty(STDERR_FILENO);
  bool shown_ = false;
};

// The same for work without a count: one line of text.
class StatusLine {
 public:
  void show(const std::string& text) {
    if (text == last_) return;
    last_ = text;
    if (terminal_) {
      clear();
      fmt::print(stderr, "{}", one_line(text, 110));
      std::fflush(stderr);
      shown_ = true;
    } else {
      // A log gets one line a step, not one a trial.
      const std::string step = text.substr(0, text.find(':'));
      if (step != step_) fmt::print(stderr, "{}\n", one_line(text, 300));
      step_ = step;
    }
  }
  void clear() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
    shown_ = false;
  }
  ~StatusLine() { clear(); }

 private:
  bool terminal_ = isatty(STDERR_FILENO);
  bool shown_ = false;
  std::string last_, step_;
};

}  // namespace assay::cli
