// SPDX-License-Identifier: Apache-2.0
#include "report/term/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/escape.h"

namespace assay::report::term {
namespace {

int length(std::string_view text) {  // in code points
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

PlotOptions sane(PlotOptions o) {
  o.width = std::clamp(o.width, 32, 400);
  o.height = std::clamp(o.height, 4, 100);
  return o;
}

int gutter_of(const Frame::Ticks& y) {
  int wide = 0;
  for (const auto& [at, label] : y) wide = std::max(wide, length(label));
  return std::min(wide, 12) + 2;
}

std::string padded(std::string_view text, int wide) {
  return std::string(static_cast<size_t>(std::max(wide - length(text), 0)), ' ') +
         std::string(text);
}

// Texts at columns of a line, in their order; what would touch the one before is left out.
class Line {
 public:
  explicit Line(int width) : width_(width) {}
  bool put(int column, std::string_view text) {
    const int wide = length(text);
    column = std::max(std::min(column, width_ - wide), 0);
    if (column < free_ || wide > width_) return false;
    out_ += std::string(static_cast<size_t>(column - at_), ' ');
    out_ += text;
    at_ = column + wide;
    free_ = at_ + 1;
    return true;
  }
  const std::string& str() const { return out_; }

 private:
  int width_, at_ = 0, free_ = 0;
  std::string out_;
};

}  // namespace

Frame::Frame(const PlotOptions& options, std::string y_name, Ticks y, int most_columns)
    : options_(sane(options)),
      y_name_(std::move(y_name)),
      y_(std::move(y)),
      gutter_(gutter_of(y_)),
      grid_(std::min(options_.width - gutter_, most_columns), options_.height, options_.unicode) {}

std::string Frame::safe(std::string_view name, size_t most) const {
  std::string s = plain(name, most);
  // plain() adds its dots to what it cut.
  if (static_cast<size_t>(length(s)) > most) s = plain(name, most > 3 ? most - 3 : 1);
  if (options_.unicode) return s;
  std::string out;
  for (const char c : s)
    if ((c & 0xc0) != 0x80) out += c & 0x80 ? '?' : c;
  return out;
}

std::string Frame::signed_by(const Pen& pen, std::string_view sign) const {
  if (!options_.colour || pen.colour == 0) return std::string(sign);
  return fmt::format("\x1b[{}m{}\x1b[0m", pen.colour, sign);
}

void Frame::x_axis(Ticks ticks, std::string name) {
  x_ = std::move(ticks);
  x_name_ = std::move(name);
}

void Frame::mark(double x, std::string_view name, const Pen& pen) {
  if (!std::isfinite(x)) return;
  x = std::clamp(x, 0.0, 1.0);
  grid_.column(x, 0, 1, pen);
  marks_.emplace_back(static_cast<int>(std::lround(x * (2 * grid_.columns() - 1))) / 2,
                      safe(name, 40));
}

void Frame::legend(const Pen& pen, std::string_view name) {
  legend_.emplace_back(pen, safe(name, static_cast<size_t>(options_.width - 6)));
}

std::string Frame::text() const {
  const bool u = options_.unicode;
  const std::string_view tick = u ? "┤" : "+", side = u ? "│" : "|", corner = u ? "└" : "+",
                         flat = u ? "─" : "-", down = u ? "┬" : "+";
  std::string out = safe(y_name_, static_cast<size_t>(options_.width)) + "\n";

  // Names of marks: as few lines as they need, four at most; "." shows whose line it is.
  auto marks = marks_;
  std::stable_sort(marks.begin(), marks.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Line> names;
  for (const auto& [column, name] : marks) {
    size_t row = 0;
    while (row < names.size() && !names[row].put(gutter_ + column, name)) ++row;
    if (row == names.size() && row < 4) {
      names.emplace_back(options_.width);
      names.back().put(gutter_ + column, name);
    }
  }
  for (size_t i = names.size(); i-- > 0;) out += names[i].str() + "\n";

  std::vector<std::string> labels(static_cast<size_t>(grid_.rows()));
  for (const auto& [at, label] : y_) {
    const int row = std::clamp(static_cast<int>((1 - at) * (4 * grid_.rows() - 1) + 0.5) / 4, 0,
                               grid_.rows() - 1);
    auto& there = labels[static_cast<size_t>(row)];
    if (there.empty()) there = label;
  }
  for (int r = 0; r < grid_.rows(); ++r) {
    const auto& label = labels[static_cast<size_t>(r)];
    out += padded(label, gutter_ - 2) + " ";
    out += label.empty() ? side : tick;
    out += grid_.text(r, options_.colour) + "\n";
  }
  out += std::string(static_cast<size_t>(gutter_ - 1), ' ');
  out += corner;
  Line below(options_.width);
  std::vector<bool> ticked(static_cast<size_t>(grid_.columns()));
  for (const auto& [at, label] : x_) {
    if (at < 0 || at > 1) continue;
    const int column = std::clamp(static_cast<int>(at * (2 * grid_.columns() - 1) + 0.5) / 2, 0,
                                  grid_.columns() - 1);
    if (below.put(gutter_ + column - length(label) / 2, label))
      ticked[static_cast<size_t>(column)] = true;
  }
  for (const bool t : ticked) out += t ? down : flat;
  out += "\n" + below.str() + "\n";
  const std::string name = safe(x_name_, static_cast<size_t>(options_.width - gutter_));
  out +=
      std::string(static_cast<size_t>(gutter_ + std::max((grid_.columns() - length(name)) / 2, 0)),
                  ' ') +
      name + "\n";

  int used = 0;
  for (const auto& [pen, label] : legend_) {
    const std::string_view one = pen.sign.empty() ? "⠒" : pen.sign;
    std::string sign = u ? std::string(one) : std::string(1, pen.ascii);
    sign += pen.every_second ? " " : sign;
    if (pen.every_second) sign += u ? std::string(one) : std::string(1, pen.ascii);
    const int wide = length(sign) + 1 + length(label);
    if (used > 0 && used + 3 + wide > options_.width) {
      out += "\n";
      used = 0;
    }
    out += (used > 0 ? "   " : "") + signed_by(pen, sign) + " " + label;
    used += (used > 0 ? 3 : 0) + wide;
  }
  if (used > 0) out += "\n";
  return out;
}

Frame::Ticks ticks_of(const AxisRange& range, const svg::Unit& unit, int about) {
  const auto ticks = svg::nice_ticks(range, about);
  const auto labels = svg::tick_labels(ticks, unit);
  Frame::Ticks out;
  for (size_t i = 0; i < ticks.size(); ++i) out.emplace_back(share_of(range, ticks[i]), labels[i]);
  return out;
}

double share_of(const AxisRange& range, double v) { return svg::Scale(range, 0, 1).beyond(v); }

}  // namespace assay::report::term
