// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report/diff/html_parts.h"
#include "report/escape.h"
#include "report/svg/canvas.h"

namespace assay::report {
namespace {

constexpr size_t kRows = 16;
constexpr size_t kColours = 8;  // of the palette

double largest(const diff::RowDiff& r) {
  double out = 0;
  for (const diff::Side& s : r.sides) out = std::max(out, s.share.value_or(0));
  return out;
}

}  // namespace

std::string share_chart(const DiffReport& report) {
  const auto& rows = report.comparison.rows;
  std::vector<size_t> order;
  for (size_t i = 0; i < rows.size(); ++i)
    if (largest(rows[i]) > 0) order.push_back(i);
  if (order.empty()) return "";
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return largest(rows[a]) > largest(rows[b]); });
  const double all = largest(rows[order.front()]);
  order.resize(std::min(order.size(), kRows));

  const auto engines = static_cast<double>(report.engines.size());
  const double left = 300, right = 760, bar = 13, gap = 9;
  const double step = bar * engines + gap;
  double y = 8;
  svg::Canvas c(860, y + 18 * engines + 8 + step * static_cast<double>(order.size()) + 6);
  for (size_t e = 0; e < report.engines.size(); ++e, y += 18) {
    c.rect(left, y, 12, 11, fmt::format("f{}", e % kColours));
    c.text(left + 18, y + 10, plain(report.engines[e].label, 60), "start", "tick");
  }
  y += 8;
  const double top = y;
  for (size_t i : order) {
    const std::string name = plain(row_name(report, i), 44);
    c.text(left - 8, y + bar * engines / 2 + 4, name, "end", rows[i].differs ? "strong" : "tick");
    for (size_t e = 0; e < report.engines.size(); ++e) {
      const diff::Side& s = rows[i].sides[e];
      const double at = y + bar * static_cast<double>(e);
      if (!s.share) continue;
      const double w = std::max(*s.share / all * (right - left), 1.0);
      c.rect(left, at, w, bar - 1, fmt::format("f{}", e % kColours),
             fmt::format("{} in {}: {}", plain(row_name(report, i), 80),
                         plain(report.engines[e].label, 60), time_text(s)));
      c.text(left + w + 5, at + bar - 3, time_text(s), "start", "tick");
    }
    y += step;
  }
  c.line(left, top - 2, left, y - gap + 2, "axis");
  return c.finish("Share of the engine's time of the layers that take most, one bar an engine");
}

}  // namespace assay::report
