// SPDX-License-Identifier: Apache-2.0
#include "stats/extremal.h"
#include "stats/gev.h"
#include "stats/gpd.h"
#include "stats/mbpta_cv.h"
#include "stats/threshold.h"
#include "stats_cli.h"

namespace rivals {

namespace stats = assay::stats;

namespace {

Answer gev_mle(const Request& r) {
  const auto& x = r.list("x");
  const auto fit = stats::fit_gev_mle(x);
  const auto gumbel = stats::fit_gumbel(x);
  const auto test = stats::gumbel_test(fit, gumbel);
  return {{"mu", fit.mu},
          {"sigma", fit.sigma},
          {"xi", fit.xi},
          {"nll", fit.nll},
          {"se_mu", std::sqrt(fit.cov[0])},
          {"se_sigma", std::sqrt(fit.cov[4])},
          {"se_xi", std::sqrt(fit.cov[8])},
          {"gumbel_mu", gumbel.mu},
          {"gumbel_sigma", gumbel.sigma},
          {"gumbel_nll", gumbel.nll},
          {"lr", test.statistic},
          {"lr_p", test.p}};
}

Answer gpd_mle(const Request& r) {
  const auto fit = stats::fit_gpd_mle(r.list("x"));
  return {{"sigma", fit.sigma},         {"xi", fit.xi},   {"nll", fit.nll},
          {"var_sigma", fit.var_sigma}, {"cov", fit.cov}, {"var_xi", fit.var_xi}};
}

Answer l_moments(const Request& r) {
  const auto l = stats::sample_lmoments(r.list("x"));
  return {{"l1", l[0]}, {"l2", l[1]}, {"t3", l[2]}, {"t4", l[3]}};
}

Answer gpd_upper(const Request& r) {
  const stats::GpdSample sample(r.list("x"));
  const auto fit = stats::fit_gpd_mle(sample);
  const double a = r.number("a"), confidence = r.number("confidence");
  const auto k = static_cast<double>(sample.y.size());
  const auto upper = stats::gpd_profile_upper(sample, fit, r.list("a"), confidence,
                                              r.number("weight"), r.number("correction"));
  return {{"profile", upper.empty() ? std::nullopt : upper[0]},
          {"exponential", stats::gpd_exponential_upper(sample.scale, k, a, confidence)}};
}

Answer intervals(const stats::ReturnInterval& delta, const stats::ReturnInterval& profile) {
  return {{"estimate", delta.estimate},
          {"delta_lower", delta.lower},
          {"delta_upper", delta.upper},
          {"profile_lower", profile.lower},
          {"profile_upper", profile.upper}};
}

Answer gpd_return(const Request& r) {
  const stats::GpdSample sample(r.list("x"));
  const auto fit = stats::fit_gpd_mle(sample);
  const double a = r.number("a"), confidence = r.number("confidence");
  return intervals(stats::gpd_delta_interval(fit, a, confidence),
                   stats::gpd_profile_interval(sample, fit, a, confidence));
}

Answer gev_return(const Request& r) {
  const auto& x = r.list("x");
  const auto fit = stats::fit_gev_mle(x);
  const double p = r.number("block_p"), confidence = r.number("confidence");
  return intervals(stats::gev_delta_interval(fit, p, confidence),
                   stats::gev_profile_interval(x, fit, p, confidence));
}

Answer extremal(const Request& r) {
  const auto times = stats::exceedance_times(r.integers("x"), r.integer("u"));
  return {{"intervals", stats::extremal_index(times)},
          {"runs", stats::extremal_index_runs(times, r.integer("run"))}};
}

}  // namespace

void add_tails(Calls& calls) {
  calls["gev_mle"] = gev_mle;
  calls["gpd_mle"] = gpd_mle;
  calls["l_moments"] = l_moments;
  calls["gpd_upper"] = gpd_upper;
  calls["gpd_return"] = gpd_return;
  calls["gev_return"] = gev_return;
  calls["extremal"] = extremal;
  calls["gpd_lmoments"] = [](const Request& r) -> Answer {
    const auto fit = stats::fit_gpd_lmoments(r.list("x"));
    return {{"sigma", fit.sigma}, {"xi", fit.xi}};
  };
  calls["gev_lmoments"] = [](const Request& r) -> Answer {
    const auto fit = stats::fit_gev_lmoments(r.list("x"));
    return {{"mu", fit.mu}, {"sigma", fit.sigma}, {"xi", fit.xi}};
  };
  calls["gpd_law"] = [](const Request& r) -> Answer {
    const double y = r.number("y"), sigma = r.number("sigma"), xi = r.number("xi");
    return {{"exceedance", stats::gpd_exceedance(y, sigma, xi)},
            {"quantile", stats::gpd_quantile(r.number("p"), sigma, xi)},
            {"nll", stats::gpd_nll(r.list("y"), sigma, xi)}};
  };
  calls["gev_law"] = [](const Request& r) -> Answer {
    return {{"quantile", stats::gev_quantile(r.number("p"), r.number("mu"), r.number("sigma"),
                                             r.number("xi"))}};
  };
  calls["goodness"] = [](const Request& r) -> Answer {
    const double a2 = stats::anderson_darling_uniform(r.list("x"));
    return {{"a2", a2},
            {"w2", stats::cramer_von_mises_uniform(r.list("x"))},
            {"a2_p", stats::anderson_darling_case0_p(a2)}};
  };
  calls["residual_cv"] = [](const Request& r) -> Answer {
    const auto cv = stats::residual_cv(r.list("x"));
    return {{"cv", cv.cv}, {"cv_unbiased", cv.cv_unbiased}, {"xi", cv.xi}, {"z", cv.z}};
  };
  calls["horizon"] = [](const Request& r) -> Answer {
    return {{"p",
             stats::horizon_probability(r.number("p"), r.number("inferences"), r.number("theta"))}};
  };
}

}  // namespace rivals
