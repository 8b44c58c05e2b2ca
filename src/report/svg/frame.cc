// SPDX-License-Identifier: Apache-2.0
#include "report/svg/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/escape.h"

namespace assay::report::svg {
namespace {

double tenth(double v) { return std::round(v * 10) / 10; }

// A pen that moves in whole tenths: each step is rounded from where it really is, so that errors
// do not add up.
class Pen {
 public:
  void move(double x, double y) {
    x_ = tenth(x);
    y_ = tenth(y);
    d_ += fmt::format("M{} {}", num(x_), num(y_));
  }
  void across(double x) {
    x = tenth(x);
    if (x != x_) d_ += "h" + num(x - x_);
    x_ = x;
  }
  void up(double y) {
    y = tenth(y);
    if (y != y_) d_ += "v" + num(y - y_);
    y_ = y;
  }
  void line(double x, double y) {
    x = tenth(x);
    y = tenth(y);
    if (x != x_ || y != y_) d_ += fmt::format("l{} {}", num(x - x_), num(y - y_));
    x_ = x;
    y_ = y;
  }
  void close() { d_ += "z"; }
  double x() const { return x_; }
  std::string take() { return std::move(d_); }

 private:
  double x_ = 0, y_ = 0;
  std::string d_;
};

// Part of the segment a-b that lies in the box (Liang and Barsky); false when none does.
struct Box {
  double left, right, top, bottom;
};
bool clip(Point& a, Point& b, const Box& box) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  if (!std::isfinite(dx) || !std::isfinite(dy)) return false;
  double from = 0, to = 1;
  const std::pair<double, double> edges[] = {
      {-dx, a.x - box.left}, {dx, box.right - a.x}, {-dy, a.y - box.top}, {dy, box.bottom - a.y}};
  for (const auto& [p, q] : edges) {
    if (p == 0) {
      if (q < 0) return false;
      continue;
    }
    const double t = q / p;
    if (p < 0)
      from = std::max(from, t);
    else
      to = std::min(to, t);
  }
  if (from > to) return false;
  const Point start = a;
  a = {start.x + from * dx, start.y + from * dy};
  b = {start.x + to * dx, start.y + to * dy};
  return true;
}

}  // namespace

std::string rise_path(std::span<const Point> points, const Scale& x, const Scale& y, double base) {
  if (points.empty()) return "";
  Pen pen;
  pen.move(x(points.front().x), y(base));
  for (const Point& p : points) {
    pen.across(x(p.x));
    pen.up(y(p.y));
  }
  if (pen.x() < x.to()) return pen.take() + "H" + num(x.to());
  return pen.take();
}

std::string fall_path(std::span<const Point> points, const Scale& x, const Scale& y) {
  if (points.empty()) return "";
  Pen pen;
  pen.move(x(points.front().x), y(points.front().y));
  for (const Point& p : points) {
    pen.up(y(p.y));
    pen.across(x(p.x));
  }
  return pen.take();
}

std::string line_path(std::span<const Point> points, const Scale& x, const Scale& y) {
  const Box box{std::min(x.from(), x.to()), std::max(x.from(), x.to()), std::min(y.from(), y.to()),
                std::max(y.from(), y.to())};
  Pen pen;
  Point end{HUGE_VAL, HUGE_VAL};
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    Point a{x.beyond(points[i].x), y.beyond(points[i].y)};
    Point b{x.beyond(points[i + 1].x), y.beyond(points[i + 1].y)};
    if (!clip(a, b, box)) continue;
    if (std::fabs(a.x - end.x) > 0.01 || std::fabs(a.y - end.y) > 0.01) pen.move(a.x, a.y);
    pen.line(b.x, b.y);
    end = b;
  }
  return pen.take();
}

std::string dot_path(std::span<const Point> points, const Scale& x, const Scale& y) {
  std::string d;
  for (const Point& p : points) d += fmt::format("M{} {}h0", num(x(p.x)), num(y(p.y)));
  return d;
}

std::string band_path(std::span<const Point> points, const Scale& x, const Scale& y, double half) {
  if (points.empty() || !(half > 0)) return "";
  const auto share = [&](double v) { return y(std::clamp(v, 0.0, 1.0)); };
  Pen pen;
  pen.move(x.from(), share(half));
  for (const Point& p : points) {
    pen.across(x(p.x));
    pen.up(share(p.y + half));
  }
  pen.across(x.to());
  for (size_t i = points.size(); i-- > 0;) {
    pen.up(share(points[i].y - half));
    pen.across(x(points[i].x));
  }
  pen.up(share(0));
  pen.across(x.from());
  pen.close();
  return pen.take();
}

double text_width(std::string_view text) {
  const auto points =
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
  return 6.2 * static_cast<double>(points);
}

void MarkRows::add(double px, std::string name, std::string css) {
  items_.push_back({px, plain(name, 40), std::move(css)});
}

double MarkRows::arrange(double left, double right) {
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& a, const Item& b) { return a.px < b.px; });
  std::vector<double> free_from;
  for (Item& m : items_) {
    const double wide = text_width(m.name) + 6;
    m.end = m.px + wide > right && m.px - wide >= left;
    const double from = m.end ? m.px - wide : m.px, to = from + wide;
    size_t row = 0;
    while (row < free_from.size() && free_from[row] > from) ++row;
    // More than six rows of names: the lines stay, the names go (each line has a tooltip).
    if (row == free_from.size() && row < 6) free_from.push_back(0);
    m.row = row < free_from.size() ? static_cast<int>(row) : -1;
    if (m.row >= 0) free_from[row] = to;
  }
  return 13.0 * static_cast<double>(free_from.size());
}

void MarkRows::draw(Canvas& c, double top, double bottom) const {
  for (const Item& m : items_) {
    const double y = top - 4 - 13.0 * std::max(m.row, 0);
    c.open_group(m.name);
    c.line(m.px, m.row < 0 ? top : y - 9, m.px, bottom, m.css);
    if (m.row >= 0) c.text(m.px + (m.end ? -4 : 4), y, m.name, m.end ? "end" : "start", "tick");
    c.close_group();
  }
}

void Legend::add(Sign sign, std::string css, std::string name) {
  name = plain(name, 60);
  const double wide = 26 + text_width(name) + 16;
  if (at_ > 0 && left_ + at_ + wide - 16 > right_) {
    at_ = 0;
    ++row_;
  }
  items_.push_back({sign, std::move(css), std::move(name), left_ + at_, row_});
  at_ += wide;
}

void Legend::draw(Canvas& c, double top) const {
  for (const Item& i : items_) {
    const double y = top + 18.0 * i.row + 8;
    if (i.sign == Sign::kLine) c.line(i.px, y, i.px + 20, y, i.css);
    if (i.sign == Sign::kFill) c.rect(i.px + 2, y - 5, 16, 10, i.css);
    if (i.sign == Sign::kDot) c.path(fmt::format("M{} {}h0", num(i.px + 10), num(y)), i.css);
    c.text(i.px + 26, y + 4, i.name, "start", "tick");
  }
}

}  // namespace assay::report::svg
