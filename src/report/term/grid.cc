// SPDX-License-Identifier: Apache-2.0
#include "report/term/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::report::term {
namespace {

// Bits of the braille block: dots 1-3 and 7 on the left, 4-6 and 8 on the right, top to bottom.
constexpr uint8_t kDots[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

std::string braille(uint8_t dots) {  // U+2800 + dots
  return {'\xe2', static_cast<char>(0xa0 + (dots >> 6)), static_cast<char>(0x80 + (dots & 0x3f))};
}

int place(double share, int dots) {
  return std::clamp(static_cast<int>(std::lround(share * (dots - 1))), 0, dots - 1);
}

}  // namespace

Grid::Grid(int columns, int rows, bool unicode)
    : columns_(std::max(columns, 1)),
      rows_(std::max(rows, 1)),
      unicode_(unicode),
      cells_(static_cast<size_t>(columns_) * static_cast<size_t>(rows_)) {}

void Grid::set(int x, int y, const Pen& pen) {
  const int column = x / 2, row = y / 4;
  if (pen.every_second && (column + row) % 2) return;
  Cell& cell = at(column, row);
  if (!pen.sign.empty() || !cell.used || !cell.pen.sign.empty()) cell.dots = 0;
  cell.used = true;
  cell.pen = pen;
  cell.dots |= kDots[x % 2][y % 4];
}

void Grid::dot(double x, double y, const Pen& pen) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  set(place(x, 2 * columns_), place(1 - y, 4 * rows_), pen);
}

void Grid::line(double x1, double y1, double x2, double y2, const Pen& pen) {
  const double dx = x2 - x1, dy = y2 - y1;
  if (!std::isfinite(x1 + y1) || !std::isfinite(dx + dy)) return;
  const double dots = std::max(std::fabs(dx) * 2 * columns_, std::fabs(dy) * 4 * rows_);
  // A segment that leaves the area by far is not worth more dots than this.
  const int steps = static_cast<int>(std::clamp(std::ceil(dots), 1.0, 20'000.0));
  constexpr double kSlack = 1e-9;
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps, x = x1 + t * dx, y = y1 + t * dy;
    if (x >= -kSlack && x <= 1 + kSlack && y >= -kSlack && y <= 1 + kSlack) dot(x, y, pen);
  }
}

void Grid::column(double x, double low, double high, const Pen& pen) { line(x, low, x, high, pen); }

void Grid::row(double y, const Pen& pen) { line(0, y, 1, y, pen); }

void Grid::fill(double x1, double x2, double y1, double y2, const Pen& pen) {
  if (!std::isfinite(x1 + x2 + y1 + y2)) return;
  const int from = place(x1, columns_), to = place(x2, columns_);
  const int top = place(1 - y2, rows_), bottom = place(1 - y1, rows_);
  for (int r = top; r <= bottom; ++r) {
    for (int c = from; c <= to; ++c) {
      Cell& cell = at(c, r);
      if (!cell.used) cell = {0xff, pen, true};
    }
  }
}

std::string Grid::text(int row, bool colour) const {
  std::string out;
  int last = columns_ - 1, now = 0;
  const auto cell = [&](int c) -> const Cell& {
    return cells_[static_cast<size_t>(row * columns_ + c)];
  };
  while (last >= 0 && !cell(last).used) --last;
  for (int c = 0; c <= last; ++c) {
    const Cell& x = cell(c);
    if (colour && x.used && x.pen.colour != now) {
      now = x.pen.colour;
      out += fmt::format("\x1b[{}m", now);
    }
    if (!x.used)
      out += ' ';
    else if (!unicode_)
      out += x.pen.ascii;
    else if (x.pen.sign.empty())
      out += braille(x.dots);
    else
      out += x.pen.sign;
  }
  if (now != 0) out += "\x1b[0m";
  return out;
}

}  // namespace assay::report::term
