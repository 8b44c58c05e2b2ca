// SPDX-License-Identifier: Apache-2.0
// Parts of the JSON of results. snake_case; times end in _ns; what is absent or refused is null.
#pragma once

#include "base/json.h"
#include "stream/result.h"

namespace assay::stream {

// {planned, done, dropped, skipped, failed, pending, lost, stopped_cameras, balanced, faults:
// {word: frames}}
Json to_json(const Accounting& a);
// {stage, n, mean_ns, sd_ns, min_ns, max_ns, share_mean, share_variance, share_tail, quantiles:
// [stats::QuantileRow], gate: stats::Gate}
Json to_json(const StageResult& s);
// {deadline_ns, observed: {n, misses, tau, rate, lower, upper, refusal}, replays: [{fps, rate,
// lower, upper, unstable}], model: {rate, upper, note}, max_consecutive, windows: [{k, worst,
// at_least_two}], frames_for_1e6}
Json to_json(const DeadlineResult& d);
// {utilisation, upper, unstable, note}
Json to_json(const Stability& s);
// {q, joint_ns, joint_upper_ns, boole_upper_ns, boole_holds, sum_of_quantiles_ns, convolution_ns,
// pairs: [{a, b, chi, rank_correlation}], note}
Json to_json(const Composition& c);
// {equation_1: stats::PaperWcet, terms: [{name, largest_ns, mean_ns, lower_ns, upper_ns,
// repetitions}], epsilon_pre_ns, epsilon_post_ns, observed_max_ns, pwcet: stats::Pwcet, dominant,
// sentence, note}
Json to_json(const WcetResult& w);
// {task, accounting, stages, deadline, composition, composition_999, wcet, release_jitter: {n,
// p50_ns, p99_ns, max_ns}, after_idle, own_allocations, compiler_allocations, objects_per_frame}
Json to_json(const ScaledDecode& s);
// As assay-frames tells it (docs/frames.md); absent when `j` is no such object or its counts cannot
// be.
std::optional<ScaledDecode> scaled_from_json(const Json& j);
Json to_json(const TaskResult& t);
// {cell, valid, invalid_reasons, refusals, repetitions, failed_repetitions, tasks, streams: [{name,
// task, n, median_ns, quantiles}], stability, frame_set: {response, accounting, deadline},
// throughput_fps, fairness}
Json to_json(const CellResult& c);
// {recipe, mode, co_runner, cache, task, stage, streams, q, ratio: {ratio, lower, upper,
// tost_lower, tost_upper, equality, p_difference, p_equivalence, n_a, n_b}, p_trend,
// oversubscribed, trust, note}; the numbers of a ratio without interval are null.
Json to_json(const Slowdown& s);
// {stage, task, streams, mode, co_runner, cache, over, compiler, margin, sides, ratio_low,
// ratio_high, trust, all: stats::AllEqual}
Json to_json(const StageEquality& e);

}  // namespace assay::stream
