// SPDX-License-Identifier: Apache-2.0
#include "report/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace assay::report {
namespace {

constexpr std::string_view kBad = "\xEF\xBF\xBD";

// Length of the well-formed UTF-8 sequence at `s` (RFC 3629, table of section 4), 0 when there is
// none.
size_t sequence(std::string_view s, uint32_t& code) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char c = at(0);
  if (c < 0x80) {
    code = c;
    return 1;
  }
  const size_t n = c >= 0xF0 && c <= 0xF4  ? 4
                   : c >= 0xE0 && c < 0xF0 ? 3
                   : c >= 0xC2 && c < 0xE0 ? 2
                                           : 0;
  if (n == 0 || s.size() < n) return 0;
  code = c & (0xFFu >> (n + 1));
  for (size_t i = 1; i < n; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
    code = (code << 6) | (at(i) & 0x3Fu);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return overlong || surrogate || code > 0x10FFFF ? 0 : n;
}

bool deceives(uint32_t c) {
  return (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
         c == 0xFFFF;
}

std::string cleaned(std::string_view s, size_t max, bool lines) {
  std::string out;
  out.reserve(std::min(s.size(), 4 * max));
  size_t count = 0;
  while (!s.empty()) {
    if (count++ == max) return out + "...";
    uint32_t code = 0;
    const size_t n = sequence(s, code);
    if (n == 0) {
      out += kBad;
      s.remove_prefix(1);
      continue;
    }
    if (code == '\n' || code == '\t' || code == '\r')
      out += lines && code != '\r' ? static_cast<char>(code) : ' ';
    else if (code < 0x20 || (code >= 0x7f && code < 0xA0))
      out += fmt::format("\\x{:02x}", code);
    else if (deceives(code))
      out += fmt::format("\\u{{{:04x}}}", code);
    else
      out += s.substr(0, n);
    s.remove_prefix(n);
  }
  return out;
}

}  // namespace

std::string plain(std::string_view text, size_t max) { return cleaned(text, max, false); }
std::string plain_lines(std::string_view text, size_t max) { return cleaned(text, max, true); }
std::string html(std::string_view text, size_t max) { return html_escape(plain(text, max)); }
std::string markdown(std::string_view text, size_t max) {
  std::string out;
  // '@' and '#' would notify people and link issues where the text is pasted; '&' is for entities.
  for (char c : markdown_escape(plain(text, max))) {
    if (c == '@' || c == '#')
      out += c == '@' ? "&#64;" : "&#35;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string markdown_block(std::string_view text, std::string_view language) {
  const std::string body = plain_lines(text, 20'000);
  size_t longest = 2, run = 0;
  for (char c : body) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fmt::format("{}{}\n{}\n{}\n", fence, language, body, fence);
}

}  // namespace assay::report
