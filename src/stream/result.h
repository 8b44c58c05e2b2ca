// SPDX-License-Identifier: Apache-2.0
// What a response run comes to, derived from frame records alone (analyse.h) and printed by
// report/response. All times in ns.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/words.h"
#include "stats/equality.h"
#include "stats/gate.h"
#include "stats/intervals.h"
#include "stats/paper_wcet.h"
#include "stats/pwcet.h"
#include "stats/quantiles.h"
#include "stats/trend.h"
#include "stream/record.h"

namespace assay::stream {

// ---- what was measured -----------------------------------------------------------------------

// A condition that is measured: one point of the grid.
struct Cell {
  std::string id;        // stable hash of the rest
  std::string recipe;    // "openvino fp32", or "openvino fp32 build 2"
  std::string compiler;  // groups recipes over builds
  int build = 0;
  int streams = 1;  // N: cameras x tasks
  int cameras = 1;
  std::string mode = "processes";  // processes | threads | one-server
  Scenario scenario = Scenario::single_stream;
  Policy policy = Policy::queue;
  int64_t period_ns = 0;
  std::string co_runner = "none";  // none | memory | cache
  std::string cache = "warm";      // warm | cold | memory
  std::string priority = "other";
  std::vector<int> cpus;
  bool oversubscribed = false;  // more inference threads than CPUs they may use
};

// The frames of one stream in one repetition of a cell.
struct StreamLog {
  std::string name;  // "camera 0 / detect"
  std::string task;
  int camera = 0;
  int64_t deadline_ns = 0;           // 0: none
  int64_t planned = 0;               // frames that should have come
  std::vector<FrameRecord> records;  // in the order they were decided
  stats::MachineEvidence machine;
};
// What scaled decoding gains and costs on pictures of the run, decoded both ways beforehand.
struct ScaledDecode {
  int64_t pictures = 0, smaller = 0;                 // smaller: below full size
  int64_t decode_full_ns = 0, decode_scaled_ns = 0;  // medians
  std::optional<double> max_levels, mean_levels;     // of the tensors, in grey levels
  int64_t changed = 0;                               // pictures with another answer
};
struct Repetition {
  int index = 0;
  std::vector<StreamLog> streams;
  int64_t wall_ns = 0;                 // from t0 to the last completion
  bool started = true;                 // false: never let go, so that no frame was released
  std::string outcome = "ok", reason;  // of the worst process
  std::optional<ScaledDecode> scaled;
};
struct CellLog {
  Cell cell;
  std::vector<Repetition> repetitions;
};

// ---- what it comes to ------------------------------------------------------------------------

struct StageResult {
  Stage stage = Stage::response;
  int64_t n = 0;
  double mean = 0, sd = 0;  // for comparison with the paper only
  int64_t min = 0, max = 0;
  std::vector<stats::QuantileRow>
      quantiles;              // p50 p90 p99 p999, pooled in time order; refused rows kept
  stats::Gate gate;           // worst over streams and repetitions; a stage that takes no time in
                              // any frame (no second task, say) is trusted: nothing to judge
  double share_mean = 0;      // of the mean response
  double share_variance = 0;  // cov(stage, R) / var(R); they sum to 1
  double share_tail = 0;      // mean share of R over its slowest 1 % of frames (at least 10)
};

struct Accounting {  // every planned frame is in exactly one of these
  int64_t planned = 0, done = 0, dropped = 0, skipped = 0, failed = 0, pending = 0, lost = 0;
  std::map<std::string, int64_t> faults;  // word -> frames
  int64_t stopped_cameras = 0;
  bool balanced() const {
    return planned == done + dropped + skipped + failed + pending && lost == 0;
  }
};

struct MissRate {  // frames late, dropped, skipped, failed or censored past their deadline
  int64_t n = 0, misses = 0;
  double tau = 1;  // of the miss indicator
  std::optional<double> rate, lower, upper;
  std::string refusal;
};
struct Replay {  // the measured services under other rates, by the queue itself
  double fps = 0;
  std::optional<double> rate;          // none when unstable, or nothing was measured
  std::optional<double> lower, upper;  // block bootstrap, never narrower than the exact interval
  bool unstable = false;               // then there is no stationary rate to state
};
struct DeadlineResult {
  int64_t deadline_ns = 0;
  MissRate observed;
  std::vector<Replay> replays;
  std::optional<double> model_rate, model_upper;  // tail model when D > max; per frame
  std::string model_note;
  int64_t max_consecutive = 0;
  struct Window {
    int64_t k = 0, worst = 0;  // most misses in any k frames of one stream
    double at_least_two = 0;   // share of windows with 2 or more
  };
  std::vector<Window> windows;  // k = 10, 100
  int64_t frames_for_1e6 = 0;   // clean frames that would show p <= 1e-6 at 95 %
};

struct Stability {                           // is there a stationary law at all
  std::optional<double> utilisation, upper;  // sum E[S]/T over the streams of a server; 95 % upper
  bool unstable = false;                     // upper >= 1
  std::string note;
};

struct Composition {  // joint against what stages alone would say, at quantile q
  double q = .99;
  std::optional<double> joint, joint_upper, boole_upper, sum_of_quantiles, convolution;
  bool boole_holds = true;  // joint upper <= Boole upper
  struct Pair {
    Stage a = Stage::read, b = Stage::infer;
    double chi = 0;  // P(B > q | A > q)
    double rank_correlation = 0;
  };
  std::vector<Pair> pairs;  // strongest first
  std::string note;
};

struct WcetResult {  // equation 1, the largest seen, and the tail model, side by side
  // decode is part of pre, the parts of a cascade's second task are part of pre, inference and
  // post. With one camera paper_wcet_single, else with one camera as "alone".
  stats::PaperWcet paper;
  // sum_c1, c2, c3, inference, and with more cameras epsilon_pre, epsilon_post, delta_inference.
  // largest: over all repetitions, what `paper` adds up; mean: over repetitions, of the largest in
  // each, with its t interval (growth: paired by the index of the repetition).
  struct Term {
    std::string name;
    double largest = 0;
    std::optional<double> mean, lower, upper;
    int64_t repetitions = 0;
  };
  std::vector<Term> terms;
  std::optional<double> epsilon_pre, epsilon_post;  // growth of the maxima against one camera
  int64_t observed_max = 0;
  stats::Pwcet pwcet;    // of the response; refused with reasons
  std::string dominant;  // word of the stage with the largest mean share, decode counted to pre
  std::string sentence;
  std::string note;  // why `paper` is absent, or what it leaves out
};

struct StreamResult {
  std::string name, task;
  int64_t n = 0;
  double median = 0;
  std::vector<stats::QuantileRow> quantiles;
};
struct TaskResult {
  std::string task;
  std::vector<StageResult> stages;  // kStages, then response
  Accounting accounting;
  std::optional<DeadlineResult> deadline;
  Composition composition;                     // at .99
  std::optional<Composition> composition_999;  // at .999, when n carries the joint quantile
  WcetResult wcet;
  struct Release {  // open loop: start - release while idle
    int64_t n = 0, p50 = 0, p99 = 0, max = 0;
  };
  std::optional<Release> release_jitter;
  std::optional<StageResult> after_idle;  // response of frames first after idle
  int64_t own_allocations = 0, compiler_allocations = 0;
  double objects_per_frame = 0;
};

struct CellResult {
  Cell cell;
  std::vector<std::string> refusals;  // what could not be said, and why
  std::vector<TaskResult> tasks;
  std::vector<StreamResult> streams;  // worst first
  Stability stability;
  StageResult frame_set;  // max over all streams of the same frame number
  Accounting frame_sets;
  std::optional<DeadlineResult> frame_set_deadline;
  double throughput_fps = 0;  // done frames over the time they took
  double fairness = 1;        // largest over smallest median of streams
  bool valid = true;          // MLPerf: VALID or INVALID, with reasons
  std::vector<std::string> invalid_reasons;
  int64_t repetitions = 0, failed_repetitions = 0;
  std::string failure;                 // "crashed: REASON" of the first that did not end well
  std::optional<ScaledDecode> scaled;  // of the first repetition that has it
};

// A stage under N streams against N = 1 of the same recipe, over repetitions.
struct Slowdown {
  std::string recipe, mode, co_runner, cache, task;
  Policy policy = Policy::queue;
  std::string priority = "other";
  std::vector<int> cpus;
  Stage stage = Stage::infer;
  int streams = 1;
  double q = .5;
  stats::LogRatio ratio;  // N over 1: unit = repetition
  double p_trend = 1;     // Jonckheere-Terpstra over all N, rising; over those that are not
                          // oversubscribed where there are two of them
  bool oversubscribed = false;
  Trust trust = Trust::trusted;  // worst of both sides; REJECTED: inconclusive, whatever the ratio
  std::string note;
};
// Is a stage the same for all compilers (builds)? TOST on repetition medians, every pair. A side
// that several engines stand for has one value an engine: their repetitions do not vary freely.
struct StageEquality {
  Stage stage = Stage::read;
  std::string task, mode, co_runner, cache;
  Policy policy = Policy::queue;
  std::string priority = "other";
  std::vector<int> cpus;
  std::string compiler;  // over builds: of which
  int streams = 1;
  std::string over = "compilers";  // compilers | builds
  stats::AllEqual all;
  double margin = .05;
  std::vector<std::string> sides;
  double ratio_low = 1, ratio_high = 1;  // of medians, over all pairs: smallest and largest
  Trust trust = Trust::trusted;          // worst of all sides, as for Slowdown
};

struct Results {
  std::string name;
  std::vector<CellResult> cells;  // in the order of the grid
  std::vector<Slowdown> slowdowns;
  std::vector<StageEquality> equalities;
  std::vector<std::string> findings;  // sentences for people, most important first
  std::vector<std::string> notes;
};
Json to_json(const Results& results);  // docs/response.md lists the members

}  // namespace assay::stream
