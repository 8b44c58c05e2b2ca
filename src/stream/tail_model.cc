// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "stats/gpd.h"
#include "stream/deadlines.h"

namespace assay::stream {
namespace {

// 1e-2 to 1e-12, ten a decade: bounds fall as p rises, so the smallest p whose bound lies below
// the deadline bounds the chance to miss it.
std::vector<double> grid() {
  std::vector<double> p;
  for (int i = 20; i <= 120; ++i) p.push_back(std::pow(10.0, -i / 10.0));
  return p;
}

std::optional<double> smallest_p(const stats::Pwcet& w, double deadline) {
  std::optional<double> best;
  for (const stats::PwcetPoint& p : w.points)
    if (p.bound_ns && *p.bound_ns <= deadline && (!best || p.p < *best)) best = p.p;
  return best;
}

}  // namespace

void add_model(DeadlineResult& d, std::span<const int64_t> responses, const stats::Pwcet& pwcet,
               Trust trust, const AnalyseOptions& options) {
  const auto say = [&](const char* note) { d.model_note.assign(note); };
  if (responses.empty()) return say("no model: no frame was done");
  const int64_t largest = *std::max_element(responses.begin(), responses.end());
  if (d.deadline_ns <= largest)
    return say("no model: responses above the deadline were seen, so the observed rate stands");
  if (!options.pwcet) return say("no model: it was not asked for");
  if (pwcet.refused || !pwcet.fit.ok)
    return say("no model: the tail cannot be modelled (see the pWCET of the response)");
  stats::PwcetOptions how;
  how.confidence = options.confidence;
  how.bootstrap = options.bootstrap;
  how.seed = options.seed;
  how.p = grid();
  const stats::Pwcet curve = stats::pwcet(responses, trust, how);
  if (curve.refused) return say("no model: the tail cannot be modelled");
  d.model_rate =
      curve.zeta * stats::gpd_exceedance(static_cast<double>(d.deadline_ns - curve.threshold_ns),
                                         curve.fit.sigma, curve.fit.xi);
  d.model_upper = smallest_p(curve, static_cast<double>(d.deadline_ns));
  if (!d.model_upper)
    say("model, of frames that are served; its upper bound is above 1e-2 and not given");
  else if (*d.model_upper < 1 / (100 * static_cast<double>(responses.size())))
    say("model, of frames that are served; an extrapolation beyond what n frames show");
  else
    say("model, of frames that are served");
}

}  // namespace assay::stream
