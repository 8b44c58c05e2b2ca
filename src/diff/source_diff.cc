// SPDX-License-Identifier: Apache-2.0
#include "diff/source_diff.h"

#include <algorithm>
#include <unordered_map>

#include "diff/edit_script.h"

namespace assay::diff {
namespace {

std::vector<std::string_view> lines_of(std::string_view text, int most, int& unread) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (static_cast<int>(out.size()) < most)
      out.push_back(text.substr(0, end));
    else
      ++unread;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Every line of both in order of the script: removed before added.
std::vector<SourceLine> merged(const std::vector<std::string_view>& a,
                               const std::vector<std::string_view>& b,
                               const std::vector<Match>& matches) {
  std::vector<SourceLine> out;
  size_t i = 0, j = 0;
  const auto number = [](size_t at) { return static_cast<int>(at) + 1; };
  const auto until = [&](size_t end_a, size_t end_b) {
    for (; i < end_a; ++i) out.push_back({'-', number(i), 0, a[i]});
    for (; j < end_b; ++j) out.push_back({'+', 0, number(j), b[j]});
  };
  for (const Match& m : matches) {
    until(m.a, m.b);
    out.push_back({' ', number(i), number(j), a[i]});
    ++i, ++j;
  }
  until(a.size(), b.size());
  return out;
}

}  // namespace

SourceDiff diff_sources(std::string_view a, std::string_view b, const SourceLimits& limits) {
  SourceDiff out;
  const auto lines_a = lines_of(a, limits.max_input, out.unread);
  const auto lines_b = lines_of(b, limits.max_input, out.unread);
  std::unordered_map<std::string_view, uint32_t> ids;
  const auto numbered = [&](const std::vector<std::string_view>& lines) {
    std::vector<uint32_t> v;
    for (std::string_view l : lines)
      v.push_back(ids.emplace(l, static_cast<uint32_t>(ids.size())).first->second);
    return v;
  };
  const auto ids_a = numbered(lines_a), ids_b = numbered(lines_b);
  const EditScript script = edit_script(ids_a, ids_b, limits.max_edits);
  out.minimal = script.exact;
  const auto all = merged(lines_a, lines_b, script.matches);
  // Distance to the nearest change decides what is shown.
  std::vector<bool> shown(all.size(), false);
  const auto context = static_cast<size_t>(std::max(limits.context, 0));
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].mark == ' ') continue;
    (all[i].mark == '+' ? out.added : out.removed) += 1;
    const size_t end = std::min(all.size(), i + context + 1);
    for (size_t k = i - std::min(i, context); k < end; ++k) shown[k] = true;
  }
  int used = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!shown[i]) continue;
    if (used == limits.max_lines) {
      ++out.cut;
      continue;
    }
    if (i == 0 || !shown[i - 1]) out.hunks.emplace_back();
    SourceHunk& h = out.hunks.back();
    if (h.a == 0) h.a = all[i].a;
    if (h.b == 0) h.b = all[i].b;
    h.lines.push_back(all[i]);
    ++used;
  }
  return out;
}

}  // namespace assay::diff
