// SPDX-License-Identifier: Apache-2.0
#include "report/svg/canvas.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/escape.h"

namespace assay::report::svg {

std::string num(double v) {
  if (!std::isfinite(v)) return "0";
  std::string s = fmt::format("{:.1f}", v);
  if (s.ends_with(".0")) s.resize(s.size() - 2);
  return s == "-0" ? "0" : s;
}

double Scale::operator()(double value) const {
  // Not by std::clamp, which wants low <= high.
  return beyond(std::min(std::max(value, range_.low), range_.high));
}

double Scale::beyond(double value) const {
  double low = range_.low, high = range_.high;
  if (range_.log) {
    low = std::log(low);
    high = std::log(high);
    value = std::log(value);
  }
  return high > low ? from_ + (value - low) / (high - low) * (to_ - from_) : (from_ + to_) / 2;
}

std::vector<double> nice_ticks(AxisRange range, int about) {
  std::vector<double> out;
  if (!(range.high > range.low) || !std::isfinite(range.high - range.low)) return out;
  if (range.log && range.low > 0) {
    const double decades = std::log10(range.high / range.low);
    const std::vector<double> steps = decades > about ? std::vector<double>{1}
                                      : decades > 2.2 ? std::vector<double>{1, 3}
                                      : decades > 1   ? std::vector<double>{1, 2, 5}
                                                      : std::vector<double>{1, 1.5, 2, 3, 4, 5, 7};
    for (double d = std::floor(std::log10(range.low)); d <= std::log10(range.high); ++d)
      for (double s : steps)
        if (const double v = s * std::pow(10, d); v >= range.low && v <= range.high)
          out.push_back(v);
    if (out.size() >= 2) return out;
    out.clear();
  }
  const double raw = (range.high - range.low) / std::max(about, 1);
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double m = raw / power;
  const double step = (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10) * power;
  // Counted, not added up: from 2^53 steps on, k + 1 is k.
  const double first = std::ceil(range.low / step - 1e-9);
  for (int i = 0; i <= 2 * std::max(about, 1) + 2; ++i) {
    const double v = (first + i) * step;
    if (!(v <= range.high + step * 1e-9)) break;
    if (out.empty() || v > out.back()) out.push_back(v);
  }
  return out;
}

Unit time_unit(double ns) {
  return ns < 2e3   ? Unit{1, "ns"}
         : ns < 2e6 ? Unit{1e3, "us"}
         : ns < 2e9 ? Unit{1e6, "ms"}
                    : Unit{1e9, "s"};
}
Unit byte_unit(double b) {
  return b < 2048                  ? Unit{1, "B"}
         : b < 2048. * 1024        ? Unit{1024, "KiB"}
         : b < 2048. * 1024 * 1024 ? Unit{1024. * 1024, "MiB"}
                                   : Unit{1024. * 1024 * 1024, "GiB"};
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks, Unit unit) {
  std::vector<std::string> out;
  for (int decimals = 0; decimals <= 9; ++decimals) {
    out.clear();
    bool exact = true;
    for (double t : ticks) {
      out.push_back(fmt::format("{:.{}f}", t / unit.scale + 0.0, decimals));
      const double back = std::stod(out.back()) * unit.scale;
      exact = exact && std::fabs(back - t) <= 1e-6 * std::max(std::fabs(t), 1e-300);
    }
    if (exact) break;
  }
  return out;
}

void Canvas::line(double x1, double y1, double x2, double y2, std::string_view css) {
  body_ += fmt::format(R"(<path class="{}" d="M{} {}L{} {}"/>)", css, num(x1), num(y1), num(x2),
                       num(y2));
}
void Canvas::rect(double x, double y, double w, double h, std::string_view css,
                  std::string_view title) {
  body_ += fmt::format(R"(<rect class="{}" x="{}" y="{}" width="{}" height="{}")", css, num(x),
                       num(y), num(w), num(h));
  body_ += title.empty() ? "/>" : fmt::format("><title>{}</title></rect>", html(title));
}
void Canvas::circle(double x, double y, double r, std::string_view css) {
  body_ +=
      fmt::format(R"(<circle class="{}" cx="{}" cy="{}" r="{}"/>)", css, num(x), num(y), num(r));
}
void Canvas::path(std::string_view d, std::string_view css, std::string_view title) {
  body_ += fmt::format(R"(<path class="{}" d="{}")", css, d);
  body_ += title.empty() ? "/>" : fmt::format("><title>{}</title></path>", html(title));
}
void Canvas::text(double x, double y, std::string_view text, std::string_view anchor,
                  std::string_view css) {
  body_ += fmt::format(R"(<text x="{}" y="{}")", num(x), num(y));
  if (anchor != "start") body_ += fmt::format(R"( text-anchor="{}")", anchor);
  if (!css.empty()) body_ += fmt::format(R"( class="{}")", css);
  body_ += fmt::format(">{}</text>", html(text));
}
void Canvas::open_group(std::string_view title) {
  body_ += fmt::format("<g><title>{}</title>", html(title));
}
void Canvas::open_link(std::string_view href) {
  if (!href.empty()) body_ += fmt::format(R"(<a href="{}">)", html(href));
}
void Canvas::close_link(std::string_view href) {
  if (!href.empty()) body_ += "</a>";
}

void Canvas::x_axis(const Scale& x, double y, double top, Unit unit, std::string_view name,
                    int about) {
  const auto ticks = nice_ticks(x.range(), about);
  const auto labels = tick_labels(ticks, unit);
  double free_from = x.from() - 40;
  for (size_t i = 0; i < ticks.size(); ++i) {
    const double at = x(ticks[i]);
    line(at, top, at, y + 4, "grid");
    // Labels that would touch the one before are left out (log axes crowd at the right).
    const double half = 3.4 * static_cast<double>(labels[i].size());
    if (at - half < free_from) continue;
    text(at, y + 16, labels[i], "middle", "tick");
    free_from = at + half + 6;
  }
  line(x.from(), y, x.to(), y, "axis");
  text((x.from() + x.to()) / 2, y + 32,
       fmt::format("{}{}{}{}", name, unit.name.empty() ? "" : ", ", unit.name,
                   x.range().log ? " (log scale)" : ""),
       "middle", "name");
}

void Canvas::y_axis(const Scale& y, double x, double right, const std::vector<double>& ticks,
                    const std::vector<std::string>& labels) {
  for (size_t i = 0; i < ticks.size() && i < labels.size(); ++i) {
    line(x, y(ticks[i]), right, y(ticks[i]), "grid");
    text(x - 6, y(ticks[i]) + 4, labels[i], "end", "tick");
  }
  line(x, y.from(), x, y.to(), "axis");
}

std::string Canvas::finish(std::string_view label, std::string_view css) const {
  return fmt::format(
      R"(<svg class="{}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>)",
      css.empty() ? "chart" : css, num(width_), num(height_), num(width_), num(height_),
      html(label), body_);
}

}  // namespace assay::report::svg
