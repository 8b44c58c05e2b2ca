// SPDX-License-Identifier: Apache-2.0
// A small SVG writer. Colours and fonts are classes that the page styles, so that one drawing
// serves light, dark and paper. Coordinates are CSS pixels, printed with one decimal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/curve.h"

namespace assay::report::svg {

std::string num(double v);  // one decimal at most: "12", "12.5", "-0.3"

// Maps values to pixels. `from`, `to`: pixels of range.low and range.high.
class Scale {
 public:
  Scale(AxisRange range, double from, double to) : range_(range), from_(from), to_(to) {}
  double operator()(double value) const;  // values outside land on the nearer end
  double beyond(double value) const;      // values outside land outside
  const AxisRange& range() const { return range_; }
  double from() const { return from_; }
  double to() const { return to_; }

 private:
  AxisRange range_;
  double from_, to_;
};

// Round values inside the range, about `about` of them: 1, 2, 5 times powers of ten; on a log axis
// decades, with steps between when there are few decades.
std::vector<double> nice_ticks(AxisRange range, int about);

struct Unit {
  double scale = 1;  // value / scale is what is printed
  std::string_view name;
};
Unit time_unit(double largest_ns);
Unit byte_unit(double largest_bytes);
// Labels of `ticks`, just as many decimals as tell them apart.
std::vector<std::string> tick_labels(const std::vector<double>& ticks, Unit unit);

class Canvas {
 public:
  Canvas(double width, double height) : width_(width), height_(height) {}
  void line(double x1, double y1, double x2, double y2, std::string_view css);
  void rect(double x, double y, double w, double h, std::string_view css,
            std::string_view title = "");
  void circle(double x, double y, double r, std::string_view css);
  void path(std::string_view d, std::string_view css, std::string_view title = "");
  // `anchor`: start, middle or end. Text is escaped here.
  void text(double x, double y, std::string_view text, std::string_view anchor,
            std::string_view css = "");
  void open_group(std::string_view title);  // <g> with a tooltip
  void close_group() { body_ += "</g>"; }
  void open_link(std::string_view href);  // "#s12"; nothing when empty
  void close_link(std::string_view href);
  // Axis below the plot: line, ticks with grid lines up to `top`, labels, name with unit.
  void x_axis(const Scale& x, double y, double top, Unit unit, std::string_view name,
              int about = 6);
  // Axis left of the plot: ticks at `ticks` with grid lines up to `right`, `labels` beside.
  void y_axis(const Scale& y, double x, double right, const std::vector<double>& ticks,
              const std::vector<std::string>& labels);
  // <svg role="img"> with `label` for those who cannot see it.
  std::string finish(std::string_view label, std::string_view css = "") const;

 private:
  double width_, height_;
  std::string body_;
};

}  // namespace assay::report::svg
