// SPDX-License-Identifier: Apache-2.0
#include "diff/swap_share.h"

#include <cmath>
#include <vector>

#include "base/text.h"
#include "diff/signed_ns.h"
#include "stats/json.h"
#include "stats/mean_interval.h"

namespace assay::diff {
namespace {

Status check(std::span<const double> medians, std::string_view what) {
  for (const double m : medians)
    if (!(m > 0) || !std::isfinite(m))
      return bad_input(fmt::format("a launch median of {} is {}, expected ns above 0", what, m));
  return {};
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

bool holds(const stats::Interval& i, double value) {
  return i.lower && i.upper && *i.lower <= value && value <= *i.upper;
}

SwapEffect judge(const SwapShare& s) {
  if (!s.total.lower) return SwapEffect::undecided;
  if (holds(s.total, 0)) return SwapEffect::no_difference;
  if (!s.share.lower) return SwapEffect::undecided;
  const bool zero = holds(s.share, 0), one = holds(s.share, 1);
  if (zero && one) return SwapEffect::undecided;
  if (zero) return SwapEffect::none;
  if (one) return SwapEffect::all;
  if (*s.share.lower > 1) return SwapEffect::more;
  if (*s.share.upper < 0) return SwapEffect::opposite;
  return SwapEffect::part;
}

}  // namespace

std::string_view word(SwapEffect e) {
  switch (e) {
    case SwapEffect::no_difference:
      return "no difference shown";
    case SwapEffect::all:
      return "all of it";
    case SwapEffect::part:
      return "a part of it";
    case SwapEffect::none:
      return "none of it";
    case SwapEffect::more:
      return "more than all of it";
    case SwapEffect::opposite:
      return "the other way";
    case SwapEffect::undecided:
      return "undecided";
  }
  return "";
}

Result<SwapShare> swap_share(std::span<const double> a, std::span<const double> b,
                             std::span<const double> swapped, double confidence) {
  if (a.empty() || a.size() != b.size() || a.size() != swapped.size())
    return bad_input(fmt::format("{}, {} and {} launches, expected as many of all three", a.size(),
                                 b.size(), swapped.size()));
  ASSAY_CHECK(check(a, "the first engine"));
  ASSAY_CHECK(check(b, "the second engine"));
  ASSAY_CHECK(check(swapped, "the swapped engine"));
  std::vector<double> total, moved;
  for (size_t i = 0; i < a.size(); ++i) {
    total.push_back(b[i] - a[i]);
    moved.push_back(swapped[i] - a[i]);
  }
  SwapShare out;
  out.a_ns = mean(a);
  out.b_ns = mean(b);
  out.swapped_ns = mean(swapped);
  out.total = stats::mean_interval(total, confidence);
  out.moved = stats::mean_interval(moved, confidence);
  out.share = stats::ratio_of_means(moved, total, confidence);
  out.effect = judge(out);
  return out;
}

std::string sentence(const SwapShare& s, std::string_view decision) {
  const std::string task = one_line(decision, 120);
  const std::string facts = fmt::format(
      "with the second engine's decision for {} the first changes by {}; the engines "
      "differ by {}",
      task, signed_ns(s.moved), signed_ns(s.total));
  if (s.effect == SwapEffect::no_difference)
    return facts + ": no difference shown, nothing to share out";
  if (!s.share.lower) return facts + ": undecided";
  return facts + fmt::format(": {}, {:.0f} % [{:.0f} %, {:.0f} %]", word(s.effect),
                             s.share.estimate * 100, *s.share.lower * 100, *s.share.upper * 100);
}

Json to_json(const SwapShare& s, std::string_view decision) {
  return {{"decision", decision},
          {"a_ns", stats::number(s.a_ns)},
          {"b_ns", stats::number(s.b_ns)},
          {"swapped_ns", stats::number(s.swapped_ns)},
          {"total_ns", stats::to_json(s.total)},
          {"moved_ns", stats::to_json(s.moved)},
          {"share", stats::to_json(s.share)},
          {"effect", word(s.effect)},
          {"sentence", sentence(s, decision)}};
}

}  // namespace assay::diff
