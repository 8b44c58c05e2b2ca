// SPDX-License-Identifier: Apache-2.0
#include "report/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/words.h"
#include "report/escape.h"

namespace assay::report {
namespace {

constexpr size_t kColumns = 96;
constexpr size_t kLongest = 2000;
constexpr size_t kHanging = 10;  // of later lines of Part::lines

size_t columns(std::string_view s) {
  return static_cast<size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Words wrapped to kColumns; later lines hang by `hang`.
std::string wrapped(const std::string& text, const std::string& first, const std::string& hang) {
  std::string out = first, line_start = hang;
  size_t used = columns(first);
  bool fresh = true;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view w = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!fresh && used + 1 + columns(w) > kColumns) {
      out += "\n" + hang;
      used = columns(hang);
      fresh = true;
    }
    if (!fresh) out += ' ', ++used;
    out += w;
    used += columns(w);
    fresh = false;
  }
  return out + "\n";
}

std::string indented(const std::string& text, std::string_view by) {
  std::string out;
  bool start = true;
  for (char c : text) {
    if (start && c != '\n') out += by;
    out += c;
    start = c == '\n';
  }
  return out;
}

std::string coloured(std::string_view w, bool colour) {
  if (!colour || w.empty()) return std::string(w);
  const auto verdict = verdict_from(w);
  const auto trust = trust_from(w);
  const bool bad =
      verdict == Verdict::different || trust == Trust::rejected || w == "FAIL" || w == "REFUSED";
  const bool good = verdict == Verdict::same || trust == Trust::trusted || w == "PASS";
  return fmt::format("\x1b[{}m{}\x1b[0m", bad ? "1;31" : good ? "34" : "33", w);
}

}  // namespace

std::string to_text(const Document& d, bool colour) {
  std::string out;
  for (const Part& p : d.parts) {
    const Section& s = p.section;
    if (p.page_only) continue;
    if (!out.empty()) out += "\n";
    out += plain(s.heading, 200);
    if (!s.word.empty()) out += "  " + coloured(s.word, colour);
    out += "\n";
    for (const std::string& text : s.paragraphs)
      out += wrapped(plain(text, kLongest), "  ", "    ");
    for (const std::string& line : p.lines)
      out += wrapped(plain(line, kLongest), "  ", std::string(kHanging, ' '));
    if (s.table && !s.table->empty() && p.lines.empty()) {
      if (!s.paragraphs.empty()) out += "\n";
      out += indented(s.table->text(), "  ");
    }
    for (const std::string& plot : p.plots) out += "\n" + indented(plot, "  ");
    for (const std::string& text : p.next)
      out += wrapped(plain(text, kLongest), "  next: ", "        ");
  }
  return out;
}

std::string to_markdown(const Document& d) {
  std::string out = fmt::format("# {}\n", markdown(d.title));
  if (!d.subtitle.empty()) out += "\n" + markdown(d.subtitle) + "\n";
  for (const Part& p : d.parts) {
    const Section& s = p.section;
    out += fmt::format("\n## {}{}\n", markdown(s.heading),
                       s.word.empty() ? "" : fmt::format(" **{}**", s.word));
    if (!s.paragraphs.empty()) out += "\n";
    for (const std::string& text : s.paragraphs) out += "- " + markdown(text, kLongest) + "\n";
    if (s.table && !s.table->empty()) out += "\n" + s.table->markdown();
    for (const std::string& plot : p.plots) out += "\n" + markdown_block(plot, "text");
    if (!p.next.empty()) out += "\n";
    for (const std::string& text : p.next) out += "- Next: " + markdown(text, kLongest) + "\n";
    if (!s.notes.empty()) out += "\n";
    for (const std::string& text : s.notes) out += "> " + markdown(text, kLongest) + "\n>\n";
  }
  return out;
}

std::string to_html(const Document& d) {
  std::vector<Section> sections;
  for (const Part& p : d.parts) {
    Section s = p.section;
    for (const std::string& text : p.next) s.notes.insert(s.notes.begin(), "Next: " + text);
    sections.push_back(std::move(s));
  }
  return stats_page(d.title, sections, d.subtitle);
}

}  // namespace assay::report
