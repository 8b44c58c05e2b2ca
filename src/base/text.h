// SPDX-License-Identifier: Apache-2.0
// Text for people: durations, sizes, aligned tables that paste into an issue, safe escapes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

std::string format_ns(double ns);  // "812 ns", "12.3 us", "4.56 ms", "1.23 s", "2 min 05 s"
// A number with a decimal prefix: "25.2 MB", "25.2 M operations" (units of more than three letters
// are words), "20 B", "1.05 M" (no unit). `digits`: significant ones.
std::string scaled_text(double v, std::string_view unit, int digits);
std::string format_bytes(int64_t bytes);  // "812 B", "12.3 KiB", "4.56 MiB"
std::string utc_now();                    // "2026-01-02T03:04:05Z"
int64_t monotonic_ns();
std::string random_id();                           // 128 random bits, 32 hex digits
std::string content_id(std::string_view content);  // 128 bits of SHA-256, 32 hex digits

// One line without control characters (escaped as \xNN), at most `max` bytes ("..." when cut): for
// terminals.
std::string one_line(std::string_view text, size_t max = 400);
// At most `max` bytes: what is longer loses its middle (" ... "), since long names often differ at
// their end. Cuts between bytes: for ASCII, or before one_line() escapes.
std::string cut_middle(std::string_view text, size_t max);
std::string html_escape(std::string_view text);      // & < > " ' and control characters
std::string markdown_escape(std::string_view text);  // | and other marks, newlines

// Table with a header row. Columns whose cells are all numbers are right-aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string text() const;      // two spaces between columns
  std::string markdown() const;  // aligned pipes
  std::string csv() const;       // RFC 4180
  const std::vector<std::string>& header() const { return header_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace assay
