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
  // Classes of width of DejaVu Sans, the widest of the page's fonts.
  double wide = 0;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80) continue;  // goes with the byte before
    const std::string_view one(&c, 1);
    if (std::string_view(" .,:;'|!()[]/-ijlIftr").find(one) != std::string_view::npos)
      wide += 4.2;
    else if (std::string_view("mwMW%@<>=+").find(one) != std::string_view::npos)
      wide += 10;
    else
      wide += (c >= 'A' && c <= 'Z') || (c & 0x80) ? 7.8 : 6.9;
  }
  return wide;
}

void MarkRows::add(double px, std::string name, std::string css) {
  items_.push_back({px, plain(name, 40), std::move(css)});
}

double MarkRows::arrange(double left, double right) {
  constexpr int kRows = 5;
  constexpr size_t kNames = 40;  // of more marks the lines stay, with tooltips, but no names
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& a, const Item& b) { return a.px < b.px; });
  const size_t n = items_.size();
  const auto covers = [](const Item& m, double px) {
    const double wide = text_width(m.name) + 8;
    return m.end ? px < m.px && px > m.px - wide : px > m.px && px < m.px + wide;
  };
  for (size_t i = n; i-- > 0;) {
    Item& m = items_[i];
    const double wide = text_width(m.name) + 4;
    const bool out = m.px + wide > right + 8;
    const bool meets = i + 1 < n && items_[i + 1].end && covers(m, items_[i + 1].px);
    m.end = (out || meets) && m.px - wide >= left;
    m.row = n > kNames || m.name.empty() ? -1 : 0;
  }
  // A name stands above the names of all lines that it reaches over, so that no line crosses one.
  bool moved = n <= kNames;
  for (int round = 0; moved && round < kRows * 2; ++round) {
    moved = false;
    for (size_t i = n; i-- > 0;) {
      for (size_t j = n; j-- > 0 && items_[i].row >= 0;) {
        const bool same = i < j && items_[i].px == items_[j].px && items_[i].end == items_[j].end;
        if (i == j || items_[j].row < items_[i].row || !(same || covers(items_[i], items_[j].px)))
          continue;
        items_[i].row = items_[j].row + 1;
        moved = true;
      }
      if (items_[i].row >= kRows) items_[i].row = -1;
    }
  }
  int rows = 0;
  for (const Item& m : items_) rows = std::max(rows, m.row + 1);
  return 13.0 * rows;
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
