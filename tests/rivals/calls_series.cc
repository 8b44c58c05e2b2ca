// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "stats/dependence.h"
#include "stats/independence.h"
#include "stats/intervals.h"
#include "stats/stationarity.h"
#include "stats/trend.h"
#include "stats_cli.h"

namespace rivals {

namespace stats = assay::stats;

namespace {

using Named = std::optional<double>;

Named statistic(const stats::TestValue& t) { return t.computed ? Named(t.statistic) : Named(); }
Named p(const stats::TestValue& t) { return t.computed ? Named(t.p) : Named(); }

Answer acf(const Request& r) {
  Answer out;
  const auto all = stats::autocorrelation(r.list("x"), static_cast<int>(r.integer("lags")));
  for (size_t k = 1; k < all.size(); ++k) out.emplace_back("r" + std::to_string(k), all[k]);
  return out;
}

Answer exceedance_tau(const Request& r) {
  const auto x = r.integers("x");
  auto sorted = x;
  std::ranges::sort(sorted);
  const int64_t u = stats::quantile_point(sorted, r.number("q"));
  return {{"tau", stats::exceedance_tau(x, u)}};
}

Answer ljung_box(const Request& r) {
  const auto x = r.integers("x");
  const int64_t lags = r.integer("lags");
  const auto value = stats::ljung_box_values(x, lags);
  const auto rank = stats::ljung_box_ranks(x, lags);
  const auto above = stats::ljung_box_above_p95(x, lags);
  return {{"q", statistic(value)},       {"p", p(value)},
          {"rank_q", statistic(rank)},   {"rank_p", p(rank)},
          {"above_q", statistic(above)}, {"above_p", p(above)}};
}

std::vector<std::vector<double>> groups_of(const Request& r) {
  std::vector<std::vector<double>> groups;
  auto at = r.list("x").begin();
  for (const int64_t size : r.integers("sizes")) {
    groups.emplace_back(at, at + size);
    at += size;
  }
  return groups;
}

std::vector<std::vector<double>> blocks_of(const Request& r) {
  std::vector<std::vector<double>> blocks;
  const auto& x = r.list("x");
  const auto k = r.integer("treatments");
  for (auto at = x.begin(); at != x.end(); at += k) blocks.emplace_back(at, at + k);
  return blocks;
}

Answer pair(const stats::TestValue& t, const char* name) {
  return {{name, statistic(t)}, {"p", p(t)}};
}

}  // namespace

void add_series(Calls& calls) {
  calls["acf"] = acf;
  calls["exceedance_tau"] = exceedance_tau;
  calls["ljung_box"] = ljung_box;
  calls["kpss"] = [](const Request& r) {
    return pair(stats::kpss_level(r.integers("x")), "statistic");
  };
  calls["kpss_lags"] = [](const Request& r) -> Answer {
    return {{"statistic", statistic(stats::kpss_level(r.integers("x"), r.integer("lags")))}};
  };
  calls["runs"] = [](const Request& r) {
    return pair(stats::runs_about_median(r.integers("x")), "z");
  };
  calls["pettitt"] = [](const Request& r) -> Answer {
    const auto t = stats::pettitt(stats::mid_ranks(r.integers("x")));
    return {{"k", statistic(t)}, {"at", static_cast<double>(t.at)}, {"p", p(t)}};
  };
  calls["ks"] = [](const Request& r) {
    return pair(stats::ks_split(stats::mid_ranks(r.integers("x")), r.integer("split")), "d");
  };
  calls["mann_kendall"] = [](const Request& r) {
    return pair(stats::mann_kendall(r.integers("x")), "tau");
  };
  calls["sup_f"] = [](const Request& r) -> Answer {
    const auto t = stats::sup_f(r.integers("x"), r.number("trim"));
    return {{"f", statistic(t)}, {"at", static_cast<double>(t.at)}};
  };
  calls["ols_cusum"] = [](const Request& r) {
    return pair(stats::ols_cusum(r.integers("x")), "statistic");
  };
  calls["mser5"] = [](const Request& r) -> Answer {
    const auto w = stats::mser5(stats::mid_ranks(r.integers("x")));
    return {{"cut", static_cast<double>(w.cut)}};
  };
  calls["exceedance_slices"] = [](const Request& r) {
    return pair(
        stats::exceedance_slices(stats::mid_ranks(r.integers("x")), r.integer("slices")).test,
        "statistic");
  };
  calls["bds"] = [](const Request& r) {
    return pair(stats::bds(r.list("x"), r.integer("m"), r.number("eps")), "statistic");
  };
  calls["fisher_tail"] = [](const Request& r) -> Answer {
    return {{"p", stats::fisher_g_tail(r.number("g"), r.integer("m"))}};
  };
  calls["fisher_g"] = [](const Request& r) {
    return pair(stats::fisher_g(stats::mid_ranks(r.integers("x"))).test, "g");
  };
  calls["level_shape"] = [](const Request& r) -> Answer {
    const auto s = stats::level_shape(stats::mid_ranks(r.integers("x")));
    return {{"step_r2", s.step_r2},
            {"step_at", static_cast<double>(s.step_at)},
            {"line_r2", s.line_r2},
            {"slope", s.line_slope}};
  };
  calls["jonckheere"] = [](const Request& r) -> Answer {
    const auto groups = groups_of(r);
    const auto t = stats::jonckheere_terpstra(groups);
    return {{"j", t.statistic}, {"z", t.z}, {"p_up", t.p_up}, {"p_down", t.p_down}, {"p", t.p}};
  };
  calls["page"] = [](const Request& r) -> Answer {
    const auto t = stats::page(blocks_of(r));
    return {{"l", t.statistic}, {"p_up", t.p_up}, {"p_down", t.p_down}};
  };
}

}  // namespace rivals
