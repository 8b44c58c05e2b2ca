// SPDX-License-Identifier: Apache-2.0
// Cells of a plot in a terminal. Lines are drawn on a raster of 2 x 4 dots a cell (braille); series
// that must be told apart without colour have a sign instead. Who draws later stands on top.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::report::term {

struct Pen {
  std::string_view sign;      // one code point; "" draws braille dots
  char ascii = '*';           // without Unicode
  int colour = 0;             // of ANSI, 31 .. 37; 0: the terminal's own
  bool every_second = false;  // signs in every second cell, so that what lies below shows
};

class Grid {
 public:
  Grid(int columns, int rows, bool unicode);
  int columns() const { return columns_; }
  int rows() const { return rows_; }
  // Places are shares of the area: x from the left, y from the bottom, 0 .. 1.
  void dot(double x, double y, const Pen& pen);
  // What lies outside the area is left out.
  void line(double x1, double y1, double x2, double y2, const Pen& pen);
  void column(double x, double low, double high, const Pen& pen);         // upright line
  void row(double y, const Pen& pen);                                     // over the whole width
  void fill(double x1, double x2, double y1, double y2, const Pen& pen);  // only empty cells
  std::string text(int row, bool colour) const;  // row 0 is the top one; no spaces at the end

 private:
  struct Cell {
    uint8_t dots = 0;
    Pen pen{};
    bool used = false;
  };
  void set(int dot_x, int dot_y, const Pen& pen);
  Cell& at(int column, int row) { return cells_[static_cast<size_t>(row * columns_ + column)]; }
  int columns_, rows_;
  bool unicode_;
  std::vector<Cell> cells_;
};

}  // namespace assay::report::term
