// SPDX-License-Identifier: Apache-2.0
// What the plots share: paths of series, names of marks above the plot, legend below it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/plot_data.h"
#include "report/svg/canvas.h"

namespace assay::report::svg {

// Paths of finite points (after cut()); "" for none.
// Steps from `base` up to each y at its x (an ECDF), on to the right end of the plot.
std::string rise_path(std::span<const Point> points, const Scale& x, const Scale& y,
                      double base = 0);
// Steps down to each y, then on to its x (a survival function).
std::string fall_path(std::span<const Point> points, const Scale& x, const Scale& y);
// Straight lines, clipped to the range of x and of y.
std::string line_path(std::span<const Point> points, const Scale& x, const Scale& y);
// A dot a point (round caps of lines without length).
std::string dot_path(std::span<const Point> points, const Scale& x, const Scale& y);
// Area between the steps of y + half and y - half, both within 0 .. 1, over the whole plot.
std::string band_path(std::span<const Point> points, const Scale& x, const Scale& y, double half);

// Vertical lines with their names in rows above the plot; no name is crossed by another's line.
class MarkRows {
 public:
  void add(double px, std::string name, std::string css);
  // Height of the rows of names; call once, after the last add.
  double arrange(double left, double right);
  void draw(Canvas& canvas, double top, double bottom) const;

 private:
  struct Item {
    double px = 0;
    std::string name, css;
    int row = 0;
    bool end = false;
  };
  std::vector<Item> items_;
};

// Signs and names below a plot, wrapped to its width.
class Legend {
 public:
  enum class Sign { kLine, kFill, kDot };
  Legend(double left, double right) : left_(left), right_(right) {}
  void add(Sign sign, std::string css, std::string name);
  double height() const { return items_.empty() ? 0 : 18.0 * (row_ + 1); }
  void draw(Canvas& canvas, double top) const;

 private:
  struct Item {
    Sign sign;
    std::string css, name;
    double px;
    int row;
  };
  double left_, right_, at_ = 0;
  int row_ = 0;
  std::vector<Item> items_;
};

double text_width(std::string_view text);  // of 11 px text, a little more than it takes

}  // namespace assay::report::svg
