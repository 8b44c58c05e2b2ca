// SPDX-License-Identifier: Apache-2.0
// Figures of the statistics as JSON, in one place: `assay stats`, `assay wcet` and the statistic of
// a verdict use the same names. snake_case; times end in _ns; what is absent is null. A value that
// was refused is never a number: it is null, and "refusal" (why) and, where there is one,
// "n_needed" stand beside it. Numbers that are not finite are null too (JSON has none), but for an
// interval that is open, whose end is null. Nothing throws.
#pragma once

#include <cstdint>
#include <span>

#include "base/json.h"
#include "stats/bootstrap.h"
#include "stats/equality.h"
#include "stats/gate.h"
#include "stats/intervals.h"
#include "stats/mbpta_cv.h"
#include "stats/paper_wcet.h"
#include "stats/pwcet.h"
#include "stats/pwcet_builds.h"
#include "stats/quantiles.h"
#include "stats/sequential.h"
#include "stats/trend.h"
#include "stats/variance.h"

namespace assay::stats {

Json number(double v);  // null when not finite

// {q, estimate_ns, lower_ns, upper_ns, upper_one_sided_ns, confidence, tau, n_effective, refusal,
// n_needed}; the four values are null unless carried().
Json to_json(const QuantileRow& row);
Json to_json(std::span<const QuantileRow> rows);  // array
// {estimate, lower, upper, confidence, n, n_needed}
Json to_json(const Interval& interval);

// {trust, reasons, n, warm_up, steady, ess_ratio, max_abs_r, max_r_lag, median_shift, p99_shift,
// break_at, tick_ns, distinct, duplicates, repeat, period, burst_at, tests: [...]}
Json to_json(const TestResult& test);
Json to_json(const Gate& gate);
Json to_json(const AaResult& aa);

// {ratio, lower, upper, tost_lower, tost_upper, p_difference, p_equivalence, equality, n_a, n_b}.
// With fewer than 2 values on a side, or values that were not usable, the numbers are null.
Json to_json(const LogRatio& r);
Json to_json(const AllEqual& a);
// {q, ratio, lower, upper, lower_wide, upper_wide, equality, refusal}
Json to_json(const QuantileEquality& r);
Json to_json(const MarginCheck& m);

// Every look: {n, statistic, threshold, decision, exceedances}: an assessor can replay them.
Json to_json(const SequentialResult& r);
Json to_json(const PrecisionResult& r);

Json to_json(const VarianceSplit& v);
Json to_json(const Trend& t);
Json to_json(const BootstrapInterval& b);

// Applicability list, threshold candidates, fits, points. A refused one has no point values.
Json to_json(const Pwcet& w);
Json to_json(const PopulationPwcet& w);
Json to_json(const PaperWcet& w);

}  // namespace assay::stats
