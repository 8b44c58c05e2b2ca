// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "stats/equality.h"
#include "stats/equality_design.h"
#include "stats/gate.h"
#include "stats/intervals.h"
#include "stats/noninferiority.h"
#include "stats/quantiles.h"
#include "stats/screening.h"
#include "stats/sequential.h"
#include "stats/variance.h"
#include "stats_cli.h"

namespace rivals {

namespace stats = assay::stats;

namespace {

std::optional<double> real(std::optional<int64_t> v) {
  return v ? std::optional<double>(static_cast<double>(*v)) : std::nullopt;
}
double real(int64_t v) { return static_cast<double>(v); }

Answer ranks(const Request& r) {
  const int64_t n = r.integer("n");
  const double q = r.number("q"), confidence = r.number("confidence");
  const auto two = stats::quantile_ranks(n, q, confidence);
  return {{"upper", real(stats::upper_rank(n, q, confidence))},
          {"lower", real(stats::lower_rank(n, q, confidence))},
          {"two_upper", real(two.upper)},
          {"two_lower", real(two.lower)},
          {"n_needed", real(stats::quantile_n_needed(q, confidence))}};
}

Answer effective_ranks(const Request& r) {
  const int64_t n = r.integer("n");
  const double q = r.number("q"), c = r.number("confidence"), e = r.number("effective");
  return {{"upper", real(stats::upper_rank(n, q, c, e))},
          {"lower", real(stats::lower_rank(n, q, c, e))}};
}

Answer quantile_point(const Request& r) {
  auto x = r.integers("x");
  std::ranges::sort(x);
  return {{"value", real(stats::quantile_point(x, r.number("q")))}};
}

Answer clopper_pearson(const Request& r) {
  const int64_t hits = r.integer("hits"), n = r.integer("n");
  const double c = r.number("confidence");
  const auto both = stats::clopper_pearson(hits, n, c);
  return {{"lower", both.lower},
          {"upper", both.upper},
          {"one_sided", stats::clopper_pearson_upper(hits, n, c)}};
}

Answer holm(const Request& r) {
  Answer out;
  for (const double p : stats::holm(r.list("p")))
    out.emplace_back("p" + std::to_string(out.size() + 1), p);
  return out;
}

Answer log_ratio(const Request& r) {
  const auto c =
      stats::compare_log_ratio(r.list("a"), r.list("b"), r.number("margin"), r.number("alpha"));
  return {{"ratio", c.ratio},
          {"lower", c.lower},
          {"upper", c.upper},
          {"tost_lower", c.tost_lower},
          {"tost_upper", c.tost_upper},
          {"p", c.p_difference},
          {"p_equivalence", c.p_equivalence}};
}

Answer log_ratio_paired(const Request& r) {
  const auto c = stats::compare_log_ratio_paired(r.list("a"), r.list("b"), r.number("margin"),
                                                 r.number("alpha"));
  return {{"ratio", c.ratio},
          {"lower", c.lower},
          {"upper", c.upper},
          {"p", c.p_difference},
          {"p_equivalence", c.p_equivalence}};
}

Answer variance_split(const Request& r) {
  const auto split =
      stats::variance_split(r.list("x"), r.integers("repetitions"), {}, r.number("confidence"));
  Answer out = {
      {"mean", split.mean}, {"mean_lower", split.mean_lower}, {"mean_upper", split.mean_upper}};
  for (size_t i = 0; i < split.levels.size(); ++i) {
    const auto level = "_" + std::to_string(i + 1);
    out.emplace_back("s2" + level, split.levels[i].s2);
    out.emplace_back("t2" + level, split.levels[i].t2);
    out.emplace_back("share" + level, split.levels[i].share);
  }
  return out;
}

}  // namespace

void add_counts(Calls& calls) {
  calls["ranks"] = ranks;
  calls["effective_ranks"] = effective_ranks;
  calls["quantile_point"] = quantile_point;
  calls["clopper_pearson"] = clopper_pearson;
  calls["holm"] = holm;
  calls["log_ratio"] = log_ratio;
  calls["log_ratio_paired"] = log_ratio_paired;
  calls["variance_split"] = variance_split;
  calls["mcnemar"] = [](const Request& r) -> Answer {
    return {{"p", stats::mcnemar_p(r.integer("b"), r.integer("c"))}};
  };
  calls["dkw"] = [](const Request& r) -> Answer {
    return {{"half", stats::dkw_half_width(r.integer("n"), r.number("confidence"))}};
  };
  calls["aa"] = [](const Request& r) -> Answer {
    const auto a = stats::aa_half_width(r.list("x"), r.number("margin"), r.number("alpha"));
    return {{"half_width", a.half_width}, {"ratio", a.ratio}};
  };
  calls["tost_n"] = [](const Request& r) -> Answer {
    return {{"n", real(stats::tost_n_per_group(r.number("cv"), r.number("margin"),
                                               r.number("alpha"), r.number("power")))}};
  };
  calls["mann_whitney"] = [](const Request& r) -> Answer {
    const auto test = stats::mann_whitney(r.list("a"), r.list("b"));
    return {{"statistic", test.statistic}, {"p", test.p}};
  };
  calls["accuracy_loss"] = [](const Request& r) -> Answer {
    const auto loss = stats::accuracy_loss(r.integer("b"), r.integer("c"), r.integer("n"), .01,
                                           r.number("alpha"));
    return {{"loss", loss.loss}, {"lower", loss.lower}, {"upper", loss.upper}};
  };
  calls["martingale"] = [](const Request& r) -> Answer {
    const int64_t s = r.integer("s"), t = r.integer("t");
    return {{"pass", stats::log_pass_martingale(s, t, r.number("p0"))},
            {"fail", stats::log_fail_martingale(s, t, r.number("p0"))}};
  };
  calls["requirement_n"] = [](const Request& r) -> Answer {
    return {
        {"n", real(stats::requirement_min_n(r.integer("s"), r.number("p0"), r.number("alpha")))}};
  };
  calls["mlperf_n"] = [](const Request& r) -> Answer {
    return {
        {"n", real(stats::mlperf_min_n(r.integer("t"), r.number("p"), r.number("confidence")))}};
  };
  calls["sd_upper_factor"] = [](const Request& r) -> Answer {
    return {{"factor", stats::sd_upper_factor(r.integer("k"), r.number("confidence"))}};
  };
  calls["tolerance_builds"] = [](const Request& r) -> Answer {
    return {{"n", real(stats::builds_for_tolerance(r.number("coverage"), r.number("confidence")))}};
  };
}

}  // namespace rivals
