// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>

#include "base/files.h"

namespace assay {
namespace {

// Three significant digits, never in exponent form.
std::string three_digits(double v) {
  const double a = std::fabs(v);
  return a >= 100  ? fmt::format("{:.0f}", v)
         : a >= 10 ? fmt::format("{:.1f}", v)
                   : fmt::format("{:.2f}", v);
}

bool is_number(const std::string& s) {
  char* end = nullptr;
  std::strtod(s.c_str(), &end);
  if (end == s.c_str()) return false;
  // A unit may follow the number: "12.3 ms", "4 %".
  return *end == '\0' || *end == ' ' || *end == '%';
}

// Columns taken on a terminal: code points, not bytes (all text of assay is narrow).
size_t width(std::string_view s) {
  return static_cast<size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

struct Layout {
  std::vector<size_t> widths;
  std::vector<bool> right;
};

Layout layout_of(const std::vector<std::string>& header,
                 const std::vector<std::vector<std::string>>& rows) {
  Layout l{std::vector<size_t>(header.size(), 1), std::vector<bool>(header.size(), !rows.empty())};
  for (size_t c = 0; c < header.size(); ++c) {
    l.widths[c] = width(header[c]);
    bool any = false;
    for (const auto& row : rows) {
      if (c >= row.size()) continue;
      l.widths[c] = std::max(l.widths[c], width(row[c]));
      if (row[c].empty() || row[c] == "-" || row[c] == "unknown") continue;
      any = true;
      if (!is_number(row[c])) l.right[c] = false;
    }
    if (!any) l.right[c] = false;
  }
  return l;
}

std::string pad(const std::string& s, size_t w, bool right) {
  const std::string fill(w > width(s) ? w - width(s) : 0, ' ');
  return right ? fill + s : s + fill;
}

}  // namespace

std::string format_ns(double ns) {
  const double a = std::fabs(ns);
  if (a < 1e3) return fmt::format("{:.0f} ns", ns);
  if (a < 1e6) return three_digits(ns / 1e3) + " us";
  if (a < 1e9) return three_digits(ns / 1e6) + " ms";
  if (a < 60e9) return three_digits(ns / 1e9) + " s";
  const auto s = static_cast<int64_t>(std::llround(ns / 1e9));
  if (s < 3600) return fmt::format("{} min {:02d} s", s / 60, s % 60);
  return fmt::format("{} h {:02d} min", s / 3600, s / 60 % 60);
}

std::string scaled_text(double v, std::string_view unit, int digits) {
  std::string_view prefix;
  for (const auto& [size, name] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (!(v >= size)) continue;
    v /= size;
    prefix = name;
    break;
  }
  const bool apart = !prefix.empty() && unit.size() > 3;  // a word does not take a prefix
  return fmt::format("{:.{}g}{}{}{}{}", v, digits, prefix.empty() && unit.empty() ? "" : " ",
                     prefix, apart ? " " : "", unit);
}

std::string format_bytes(int64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (b < 1024) return fmt::format("{} B", bytes);
  if (b < 1024.0 * 1024) return three_digits(b / 1024) + " KiB";
  if (b < 1024.0 * 1024 * 1024) return three_digits(b / 1024 / 1024) + " MiB";
  return three_digits(b / 1024 / 1024 / 1024) + " GiB";
}

std::string utc_now() {
  const std::time_t t = std::time(nullptr);
  std::tm tm{};
  gmtime_r(&t, &tm);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return out;
}

int64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::string random_id() {
  unsigned char bytes[16];
  size_t got = 0;
  while (got < sizeof bytes) {
    const ssize_t n = getrandom(bytes + got, sizeof bytes - got, 0);
    if (n > 0) got += static_cast<size_t>(n);
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string content_id(std::string_view content) { return sha256_hex(content).substr(0, 32); }

std::string one_line(std::string_view text, size_t max) {
  std::string out;
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) {
      out += (c == '\n' || c == '\t' || c == '\r') ? std::string(" ") : fmt::format("\\x{:02x}", c);
    } else {
      out += static_cast<char>(c);
    }
    if (out.size() > max) {
      // Cut at a code point's start, so that the text stays valid UTF-8.
      size_t end = max > 3 ? max - 3 : 0;
      while (end > 0 && (out[end] & 0xC0) == 0x80) --end;
      return out.substr(0, end) + "...";
    }
  }
  return out;
}

std::string cut_middle(std::string_view text, size_t max) {
  constexpr std::string_view kGap = " ... ";
  if (text.size() <= max || max <= kGap.size()) return std::string(text.substr(0, max));
  const size_t head = (max - kGap.size() + 1) / 2, tail = max - kGap.size() - head;
  return std::string(text.substr(0, head)) + std::string(kGap) +
         std::string(text.substr(text.size() - tail));
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
          out += fmt::format("\\x{:02x}", c);
        else
          out += static_cast<char>(c);
    }
  }
  return out;
}

std::string markdown_escape(std::string_view text) {
  std::string out;
  for (char c : one_line(text, 2000)) {
    if (c == '|' || c == '\\' || c == '`' || c == '*' || c == '_' || c == '<' || c == '>' ||
        c == '[' || c == ']')
      out += '\\';
    out += c;
  }
  return out;
}

std::string Table::text() const {
  const Layout l = layout_of(header_, rows_);
  std::string out;
  auto line = [&](const std::vector<std::string>& row) {
    std::string s;
    for (size_t c = 0; c < header_.size(); ++c) {
      if (c) s += "  ";
      s += pad(c < row.size() ? row[c] : "", l.widths[c], l.right[c]);
    }
    while (!s.empty() && s.back() == ' ') s.pop_back();
    out += s + "\n";
  };
  line(header_);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string Table::markdown() const {
  auto escaped = rows_;
  for (auto& row : escaped)
    for (auto& cell : row) cell = markdown_escape(cell);
  const Layout l = layout_of(header_, escaped);
  std::string out;
  auto line = [&](const std::vector<std::string>& row) {
    out += "|";
    for (size_t c = 0; c < header_.size(); ++c)
      out += " " + pad(c < row.size() ? row[c] : "", l.widths[c], l.right[c]) + " |";
    out += "\n";
  };
  line(header_);
  out += "|";
  for (size_t c = 0; c < header_.size(); ++c)
    out += std::string(l.widths[c] + (l.right[c] ? 1 : 2), '-') + (l.right[c] ? ":|" : "|");
  out += "\n";
  for (const auto& row : escaped) line(row);
  return out;
}

std::string Table::csv() const {
  std::string out;
  auto line = [&](const std::vector<std::string>& row) {
    for (size_t c = 0; c < header_.size(); ++c) {
      if (c) out += ',';
      std::string cell = c < row.size() ? row[c] : "";
      if (cell.find_first_of(",\"\n\r") != std::string::npos) {
        std::string quoted = "\"";
        for (char ch : cell) quoted += ch == '"' ? std::string("\"\"") : std::string(1, ch);
        cell = quoted + "\"";
      }
      out += cell;
    }
    out += "\r\n";
  };
  line(header_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace assay
