// SPDX-License-Identifier: Apache-2.0
// Paired TOST for the agreement benchmark: lines "RIVAL OURS" (medians of one interleaved pair) on
// stdin, one JSON object on stdout. Usage: bench_tost MARGIN
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/json.h"
#include "stats/equality.h"

int main(int argc, char** argv) {
  const double margin = argc == 2 ? std::atof(argv[1]) : 0;
  if (!(margin > 0)) {
    std::fprintf(stderr, "usage: bench_tost MARGIN < pairs\n");
    return 2;
  }
  std::vector<double> rival, ours;
  for (double a, b; std::cin >> a >> b;) {
    rival.push_back(a);
    ours.push_back(b);
  }
  // IMMATERIAL: certainly not equal, certainly not by more than the margin in the point: no failure
  // (rule 11 fails only DIFFERENT).
  const auto r = assay::stats::compare_log_ratio_paired(rival, ours, margin, 0.05);
  std::printf("%s\n", assay::dump_json({{"ratio", r.ratio},
                                        {"lower", r.lower},
                                        {"upper", r.upper},
                                        {"pairs", r.n_a},
                                        {"word", assay::stats::equality_word(r.equality)}})
                          .c_str());
  return 0;
}
