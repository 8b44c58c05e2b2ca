// SPDX-License-Identifier: Apache-2.0
#include "stats/json.h"

namespace assay::stats {
namespace {

Json optional_number(const std::optional<double>& v) { return v ? number(*v) : Json(nullptr); }

Json fit_json(const GpdFit& f) {
  if (!f.ok) return nullptr;
  return {{"xi", number(f.xi)},
          {"sigma_ns", number(f.sigma)},
          {"nll", number(f.nll)},
          {"var_sigma", number(f.var_sigma)},
          {"cov", number(f.cov)},
          {"var_xi", number(f.var_xi)},
          {"k", f.k},
          {"method", f.method},
          {"regular", f.regular}};
}

Json fit_json(const GevFit& f) {
  if (!f.ok) return nullptr;
  return {{"mu_ns", number(f.mu)},
          {"sigma_ns", number(f.sigma)},
          {"xi", number(f.xi)},
          {"nll", number(f.nll)},
          {"n", f.n},
          {"method", f.method}};
}

Json threshold_json(const ThresholdChoice& t) {
  Json j = {{"chosen", t.chosen < 0 ? Json(nullptr) : Json(t.chosen)},
            {"candidates", Json::array()}};
  for (const ThresholdCandidate& c : t.candidates)
    j["candidates"].push_back({{"u_ns", c.u},
                               {"k", c.k},
                               {"zeta", number(c.zeta)},
                               {"a2", number(c.goodness.a2)},
                               {"p_a2", number(c.p_a2)},
                               {"w2", number(c.goodness.w2)},
                               {"p_w2", number(c.goodness.p_w2)},
                               {"gap", number(c.goodness.gap)},
                               {"p_gap", number(c.goodness.p_gap)},
                               {"forward", number(c.forward)},
                               {"rejected", c.rejected},
                               {"bootstrap", c.goodness.bootstrap},
                               {"fit", fit_json(c.goodness.fit)}});
  return j;
}

Json point_json(const PwcetPoint& p) {
  return {{"p", number(p.p)},
          {"estimate_ns", optional_number(p.estimate_ns)},
          {"profile_upper_ns", optional_number(p.profile_upper_ns)},
          {"exponential_upper_ns", optional_number(p.exponential_upper_ns)},
          {"bound_ns", optional_number(p.bound_ns)},
          {"block_maxima_ns", optional_number(p.block_maxima_ns)},
          {"order_statistic", p.order_statistic},
          {"extrapolation", p.extrapolation},
          {"below_high_water", p.below_high_water}};
}

Json checks_json(const Pwcet& w) {
  Json stability = {{"agree", w.stability.agree},
                    {"k", w.stability.k},
                    {"xi", Json::array()},
                    {"se", Json::array()}};
  for (double v : w.stability.xi) stability["xi"].push_back(number(v));
  for (double v : w.stability.se) stability["se"].push_back(number(v));
  const BlockMaxima& b = w.block_maxima;
  // What did not run has no value: a default would read as a result.
  const auto when = [](bool ran, const Json& value) { return ran ? value : Json(nullptr); };
  const bool held = w.hold_out.ran, tail = w.k > 0, cv = w.cv.k >= 2 && w.cv.cv > 0,
             blocks = b.blocks >= 30;
  return {{"stability", stability},
          {"hold_out",
           {{"ran", w.hold_out.ran},
            {"pass", w.hold_out.pass},
            {"n_half", w.hold_out.n_half},
            {"expected", when(held, w.hold_out.expected)},
            {"count", when(held, w.hold_out.count)},
            {"critical", when(held, w.hold_out.critical)},
            {"level_ns", when(held, number(w.hold_out.level_ns))}}},
          {"extremal_index",
           {{"theta", when(tail, number(w.theta.theta))},
            {"lower", when(tail, number(w.theta.lower))},
            {"upper", when(tail, number(w.theta.upper))},
            {"exceedances", w.theta.exceedances}}},
          {"residual_cv",
           {{"cv", when(cv, number(w.cv.cv))},
            {"cv_unbiased", when(cv, number(w.cv.cv_unbiased))},
            {"z", when(cv, number(w.cv.z))},
            {"exponential", when(cv, w.cv.exponential)},
            {"heavier", when(cv, w.cv.heavier)},
            {"multiple_p", when(w.cv_multiple.levels > 0, number(w.cv_multiple.p))},
            {"multiple_statistic", when(w.cv_multiple.levels > 0, number(w.cv_multiple.statistic))},
            {"simulations", w.cv_multiple.simulations}}},
          {"block_maxima",
           {{"block", b.block},
            {"blocks", b.blocks},
            {"tau", when(blocks, number(b.tau))},
            {"gev", fit_json(b.gev)},
            {"gumbel", fit_json(b.gumbel)},
            {"gumbel_p", when(b.gev.ok && b.gumbel.ok, number(b.test.p))}}}};
}

}  // namespace

Json to_json(const Pwcet& w) {
  Json j = {{"refused", w.refused},
            {"refusal", w.reasons},
            {"n", w.n},
            {"n_needed", w.n_needed > 0 ? Json(w.n_needed) : Json(nullptr)},
            {"confidence", number(w.confidence)},
            {"high_water_ns", w.n > 0 ? Json(w.high_water_ns) : Json(nullptr)},
            {"seed", w.seed}};
  j["applicability"] = Json::array();
  for (const Applicability& a : w.list)
    j["applicability"].push_back(
        {{"name", a.name}, {"pass", a.pass}, {"required", a.required}, {"detail", a.detail}});
  const bool tail = w.k > 0;
  j["threshold_ns"] = tail ? Json(w.threshold_ns) : Json(nullptr);
  j["k"] = w.k;
  j["distinct"] = w.distinct;
  j["ties"] = tail ? number(w.ties) : Json(nullptr);
  j["tick_ns"] = number(w.tick_ns);
  j["tick_change"] = optional_number(w.tick_change);
  j["zeta"] = tail ? number(w.zeta) : Json(nullptr);
  j["weight"] = tail ? number(w.weight) : Json(nullptr);
  j["fit"] = fit_json(w.fit);
  j["fit_lmoments"] = fit_json(w.fit_lmoments);
  j["points"] = Json::array();
  if (!w.refused)
    for (const PwcetPoint& p : w.points) j["points"].push_back(point_json(p));
  j["checks"] = checks_json(w);
  j["threshold"] = threshold_json(w.threshold);
  return j;
}

Json to_json(const PopulationPwcet& w) {
  Json j = {{"refused", w.refused},
            {"refusal", w.reasons},
            {"confidence", number(w.confidence)},
            {"content", number(w.content)},
            {"builds", static_cast<int64_t>(w.builds.size())},
            {"next_exceeds", number(w.next_exceeds)},
            {"next_exceeds_bound", number(w.next_exceeds_bound)},
            {"wilks_content", number(w.wilks_content)},
            {"builds_needed", w.builds_needed},
            {"wilks", w.wilks}};
  j["points"] = Json::array();
  for (const PopulationPoint& p : w.points)
    j["points"].push_back({{"p", number(p.p)},
                           {"seen_bound_ns", optional_number(p.seen_bound_ns)},
                           {"worst_build", p.worst_build < 0 ? Json(nullptr) : Json(p.worst_build)},
                           {"tolerance_ns", optional_number(p.tolerance_ns)},
                           {"extrapolation", p.extrapolation}});
  j["per_build"] = Json::array();
  for (const BuildPwcet& b : w.builds) {
    Json build = {{"build", b.build},
                  {"launches", b.launches},
                  {"launch_p", number(b.launch_p)},
                  {"launches_alike", b.launches_alike},
                  {"confidence", number(b.confidence)},
                  {"refused", b.refused},
                  {"refusal", b.reasons}};
    build["bound_ns"] = Json::array();
    for (const auto& v : b.bound_ns) build["bound_ns"].push_back(optional_number(v));
    build["joined"] = to_json(b.joined);
    j["per_build"].push_back(std::move(build));
  }
  return j;
}

Json to_json(const PaperWcet& w) {
  auto value = [&](double v) { return w.ok ? number(v) : Json(nullptr); };
  return {{"cameras", w.cameras},
          {"read_ns", value(w.read_ns)},
          {"pre_ns", value(w.pre_ns)},
          {"inference_ns", value(w.inference_ns)},
          {"post_ns", value(w.post_ns)},
          {"delta_inference_ns", value(w.delta_inference_ns)},
          {"epsilon_ns", value(w.epsilon_ns)},
          {"response_ns", value(w.response_ns)},
          {"refusal", w.ok ? Json(nullptr) : Json("terms missing or not usable")}};
}

}  // namespace assay::stats
