// SPDX-License-Identifier: Apache-2.0
// Is a candidate's accuracy lower by less than a margin fixed beforehand? Paired: both engines saw
// the same n independent inputs. Source: statistics.md section 7.3.
#pragma once

#include <cstdint>
#include <string>

namespace assay::stats {

// b: reference right, candidate wrong; c: the other way round; loss (b-c)/n. The interval is the
// score interval of a paired difference (Tango, Statist. Med. 17, 1998), two-sided at 1-2 alpha, so
// each limit is one-sided at alpha. It is asymptotic; where discordant inputs are few (b+c < 10)
// the conservative exact one stands instead: Clopper-Pearson of b and of c, each at alpha/2 on its
// side.
struct AccuracyLoss {
  double loss = 0, lower = -1, upper = 1;  // fractions, positive: the candidate is worse
  bool noninferior = false;                // upper < margin
  std::string method;  // "score" | "exact" | "none" (n < 1 or counts that do not fit)
};
AccuracyLoss accuracy_loss(int64_t b, int64_t c, int64_t n, double margin, double alpha = 0.05);

}  // namespace assay::stats
