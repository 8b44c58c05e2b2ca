// SPDX-License-Identifier: Apache-2.0
#include "response/run.h"

#include <sched.h>

#include <algorithm>
#include <random>

#include "base/text.h"
#include "response/record.h"

namespace assay::response {
namespace {

// Keeps the calling thread, and those it starts, on one CPU while it lives.
class Aside {
 public:
  explicit Aside(const std::vector<int>& cpus) {
    if (cpus.size() < 2 || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpus.back(), &one);  // cells begin at the front
    moved_ = sched_setaffinity(0, sizeof one, &one) == 0;
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  ~Aside() {
    if (moved_) sched_setaffinity(0, sizeof before_, &before_);
  }

 private:
  cpu_set_t before_{};
  bool moved_ = false;
};

// The cells of one repetition in their seeded random order (Fisher and Yates), the same everywhere.
std::vector<size_t> order_of(size_t cells, uint64_t seed, int repetition) {
  std::mt19937_64 random(seed * 1'000'003 + static_cast<uint64_t>(repetition));
  std::vector<size_t> out(cells);
  for (size_t i = 0; i < cells; ++i) out[i] = i;
  for (size_t i = cells; i > 1; --i) std::swap(out[i - 1], out[random() % i]);
  return out;
}

// Loading and warming up cost seconds; a closed loop is taken for 20 ms a frame.
double block_estimate_s(const Plan& plan, const stream::Cell& cell, double run_s) {
  const auto servers = cell.mode == "one-server" ? 1.0 : static_cast<double>(cell.streams);
  const double shared =
      std::max(1.0, servers / static_cast<double>(std::max<size_t>(1, cell.cpus.size())));
  if (run_s <= 0)
    run_s = .02 * static_cast<double>(plan.frames) * shared *
            (cell.mode == "one-server" ? static_cast<double>(cell.streams) : 1.0);
  const double co_runner_s = cell.co_runner == "none" ? 0 : 3;  // to fill its memory
  return co_runner_s + 0.6 + 0.6 * shared + .02 * static_cast<double>(plan.warmup_frames) * shared +
         run_s;
}

std::string block_text(const stream::Cell& c, int repetition, int64_t repetitions) {
  std::string out = fmt::format("{}/{} {}, {} camera{}, {}", repetition + 1, repetitions, c.recipe,
                                c.cameras, c.cameras == 1 ? "" : "s", c.mode);
  if (c.policy != stream::Policy::queue) out += fmt::format(", {}", stream::word(c.policy));
  if (c.co_runner != "none") out += fmt::format(", co-runner {}", c.co_runner);
  if (c.cache != "warm") out += fmt::format(", cache {}", c.cache);
  if (c.priority != "other") out += fmt::format(", {}", c.priority);
  return out;
}

class Walk {
 public:
  Walk(const Plan& plan, const Prepared& prepared, store::RunFolder& run, const Options& options)
      : plan_(plan), prepared_(prepared), run_(run), options_(options) {}

  Result<RunResult> go() {
    ASSAY_CHECK(open_evidence(plan_, prepared_, run_));
    ASSAY_CHECK(settle_cut(run_));
    ASSAY_TRY(attempt_id_, store_attempt(run_, options_.argv));
    ASSAY_TRY(done_, done_blocks(run_));
    if (!plan_.time_stamps.empty()) {
      ASSAY_TRY(stamps_, read_time_stamps(plan_.time_stamps));
      stamps_.resize(std::min<size_t>(stamps_.size(), static_cast<size_t>(plan_.frames)));
    }
    const Aside aside(prepared_.cpus);
    for (int repetition = 0; repetition < plan_.repetitions; ++repetition) {
      const auto order = order_of(prepared_.cells.size(), plan_.seed, repetition);
      for (size_t position = 0; position < order.size(); ++position) {
        if (cancelled()) break;
        ASSAY_CHECK(block(order[position], repetition, static_cast<int>(position)));
      }
    }
    ASSAY_TRY(FailedBlocks failed, failed_blocks(run_));
    result_.blocks_failed = failed.count;
    result_.first_failure = std::move(failed.first);
    result_.interrupted = cancelled();
    result_.wall_s = static_cast<double>(monotonic_ns() - begin_ns_) / 1e9;
    if (!result_.interrupted) report(total(), "comparing", "");
    return result_;
  }

 private:
  bool cancelled() const { return options_.cancel && options_.cancel->load(); }
  size_t total() const { return prepared_.cells.size() * static_cast<size_t>(plan_.repetitions); }

  const Recipe& recipe_of(const stream::Cell& cell) const {
    return *std::find_if(prepared_.recipes.begin(), prepared_.recipes.end(),
                         [&](const Recipe& r) { return r.name.label == cell.recipe; });
  }

  // What is left: blocks of a cell take as long as they did, else as long as was planned.
  double left_s() const {
    const double run_s = planned_s(plan_, stamps_);
    double left = 0;
    for (const stream::Cell& c : prepared_.cells) {
      const auto seen = took_s_.find(c.id);
      const double each = seen != took_s_.end() ? seen->second : block_estimate_s(plan_, c, run_s);
      for (int r = 0; r < plan_.repetitions; ++r)
        if (!done_.contains({c.id, r})) left += each;
    }
    return left;
  }

  void report(size_t at, std::string now, std::string note) const {
    if (!options_.on_progress) return;
    options_.on_progress({at, total(), static_cast<double>(monotonic_ns() - begin_ns_) / 1e9,
                          left_s(), std::move(now), std::move(note)});
  }

  Status block(size_t index, int repetition, int position) {
    const stream::Cell& cell = prepared_.cells[index];
    const BlockKey key{cell.id, repetition};
    if (done_.contains(key)) {
      ++result_.blocks_resumed;
      ++at_;
      return {};
    }
    const std::string text = block_text(cell, repetition, plan_.repetitions);
    report(at_, text, "");
    auto layouts = layout(plan_, recipe_of(cell), cell, repetition, stamps_);
    // What was found is kept once a condition: results do not change the times, they are written
    // after the run.
    for (ProcessLayout& p : layouts) p.request.outputs = repetition == 0;
    BlockLimits limits;
    limits.run_s = planned_s(plan_, stamps_);
    limits.cpus = prepared_.cpus;
    limits.stall_s += static_cast<double>(cell.period_ns + plan_.idle_gap_ns) / 1e9;
    if (cell.oversubscribed) limits.slack_s *= static_cast<double>(cell.streams);
    const int64_t begin = monotonic_ns();
    ASSAY_TRY(TempDir scratch, TempDir::create(run_.scratch(), "block-"));
    ASSAY_CHECK(mark_begin(run_, key, position, attempt_id_));
    ASSAY_TRY(const BlockEnd end,
              run_block(plan_, cell, layouts, limits, scratch.path(), options_.cancel));
    ASSAY_CHECK(store_block(run_, key, position, attempt_id_, layouts, end));
    const double seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
    result_.children_s += seconds;
    if (end.outcome == "interrupted") return {};
    done_.insert(key);
    took_s_[cell.id] = seconds;
    ++at_;
    ++result_.blocks_run;
    if (end.outcome != "ok")
      report(at_, text, fmt::format("{}: {}: {}", text, end.outcome, end.reason));
    return {};
  }

  const Plan& plan_;
  const Prepared& prepared_;
  store::RunFolder& run_;
  const Options& options_;
  const int64_t begin_ns_ = monotonic_ns();
  std::string attempt_id_;
  std::set<BlockKey> done_;
  std::map<std::string, double> took_s_;
  std::vector<int64_t> stamps_;
  size_t at_ = 0;
  RunResult result_;
};

}  // namespace

double estimate_s(const Plan& plan, const Prepared& prepared) {
  double s = 0;
  std::vector<int64_t> stamps;
  if (!plan.time_stamps.empty())
    if (auto read = read_time_stamps(plan.time_stamps)) {
      stamps = std::move(*read);
      stamps.resize(std::min<size_t>(stamps.size(), static_cast<size_t>(plan.frames)));
    }
  for (const stream::Cell& c : prepared.cells)
    s += block_estimate_s(plan, c, planned_s(plan, stamps)) * static_cast<double>(plan.repetitions);
  return s;
}

Result<RunResult> run_grid(const Plan& plan, const Prepared& prepared, store::RunFolder& run,
                           const Options& options) {
  return Walk(plan, prepared, run, options).go();
}

}  // namespace assay::response
