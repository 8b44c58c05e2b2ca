// SPDX-License-Identifier: Apache-2.0
#include "response/block.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "audit/machine.h"
#include "base/text.h"
#include "frames/buffer.h"
#include "response/co_runner.h"
#include "stream/record_check.h"

namespace assay::response {
namespace {

constexpr int64_t start_delay_ns = 250'000'000;  // from the last one ready to the common start

// What the threads that watch children tell the one that waits for them.
struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  void ring() {
    const std::lock_guard lock(mutex);
    rung.notify_all();
  }
  // Until it rings or the time has passed.
  void wait(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex);
    rung.wait_for(lock, most);
  }
};

// A child on a thread of its own.
struct Watched {
  worker::ChildSpec spec;
  audit::EventLog log;
  std::optional<Result<worker::ChildResult>> result;
  std::atomic<bool> cancel{false}, quiet{false}, ended{false};
  bool stalled = false;
  std::optional<frames::FrameBuffer> buffer;
  int64_t written = 0, moved_ns = 0;  // records seen, and when they last grew
  std::thread thread;

  void start(Bell& bell) {
    spec.cancel = &cancel;
    spec.quiet = &quiet;
    spec.on_event = [this](std::string_view line) { log.add(line); };
    thread = std::thread([this, &bell] {
      result.emplace(worker::run_child(spec));
      ended = true;
      bell.ring();
    });
  }
  ~Watched() {
    cancel = true;
    if (thread.joinable()) thread.join();
  }
};

Status prepare_folders(const fs::path& folder) {
  ASSAY_CHECK(make_dirs(folder / "home"));
  return make_dirs(folder / "results");
}

Result<std::unique_ptr<Watched>> make_process(const Plan& plan, const ProcessLayout& p,
                                              const fs::path& folder, double timeout_s) {
  ASSAY_CHECK(prepare_folders(folder));
  auto w = std::make_unique<Watched>();
  ASSAY_TRY(frames::FrameBuffer buffer,
            frames::FrameBuffer::create(static_cast<int64_t>(p.request.streams.size()),
                                        p.request.frames));
  w->buffer.emplace(std::move(buffer));
  frames::FrameRequest request = p.request;
  if (request.outputs) request.results_dir = folder / "results";
  w->spec.argv = {(executable_dir() / "assay-frames").string()};
  w->spec.env = p.env;
  w->spec.stdin_text = dump_json(frames::to_json(request));
  w->spec.scratch = folder / "home";
  w->spec.writable = {folder / "results"};
  w->spec.stdout_file = folder / "stdout";
  w->spec.stderr_file = folder / "stderr";
  w->spec.cpus = p.cpus;
  w->spec.timeout_s = timeout_s;
  w->spec.memory_limit_bytes =
      plan.memory_limit_bytes > 0 ? plan.memory_limit_bytes : audit::default_memory_limit_bytes();
  w->spec.samples_fd = w->buffer->fd();
  return w;
}

bool any_ended(const std::vector<std::unique_ptr<Watched>>& all) {
  return std::any_of(all.begin(), all.end(), [](const auto& w) { return w->ended.load(); });
}
bool all_ended(const std::vector<std::unique_ptr<Watched>>& all) {
  return std::all_of(all.begin(), all.end(), [](const auto& w) { return w->ended.load(); });
}

int64_t records_of(const Watched& w) {
  int64_t n = 0;
  for (int64_t s = 0; s < w.buffer->streams(); ++s) n += w.buffer->written(s);
  return n;
}

class Block {
 public:
  Block(const BlockLimits& limits, const std::atomic<bool>* cancel)
      : limits_(limits), cancel_(cancel) {}

  bool cancelled() const { return cancel_ && cancel_->load(); }

  // All loaded and warmed up. False: one ended before, it took too long, or a person stopped it.
  bool wait_ready(std::string& why) {
    const int64_t begin = monotonic_ns();
    while (!cancelled()) {
      if (any_ended(processes)) return false;
      if (std::all_of(processes.begin(), processes.end(),
                      [](const auto& w) { return w->buffer->ready(); }))
        return true;
      if (static_cast<double>(monotonic_ns() - begin) > limits_.ready_s * 1e9) {
        why = fmt::format("not ready within {}", format_ns(limits_.ready_s * 1e9));
        for (auto& w : processes) w->stalled = !w->buffer->ready();
        return false;
      }
      bell.wait(std::chrono::milliseconds(5));
    }
    return false;
  }

  // Wakes five times a second, and once a second for each process, so that the CPUs belong to what
  // is measured.
  void wait_end() {
    const int64_t begin = monotonic_ns();
    for (auto& w : processes) {
      w->moved_ns = begin;
      w->quiet = true;
    }
    while (!all_ended(processes)) {
      bell.wait(std::chrono::milliseconds(cancel_ ? 200 : 1000));
      if (cancelled()) return stop_all();
      const int64_t now = monotonic_ns();
      for (auto& w : processes) {
        if (w->ended) continue;
        if (const int64_t n = records_of(*w); n != w->written) {
          w->written = n;
          w->moved_ns = now;
        }
        if (static_cast<double>(now - w->moved_ns) < limits_.stall_s * 1e9) continue;
        w->stalled = true;
        w->cancel = true;
      }
    }
  }

  void stop_all() {
    for (auto& w : processes) w->cancel = true;
  }
  void join() {
    for (auto& w : processes)
      if (w->thread.joinable()) w->thread.join();
  }

  Bell bell;
  std::vector<std::unique_ptr<Watched>> processes;

 private:
  const BlockLimits& limits_;
  const std::atomic<bool>* cancel_;
};

// What lies in shared memory may be scribbled over by a runtime that runs amok. Records that no
// pipeline writes, and all behind them, are left out: one process is not the end of a report.
std::vector<stream::FrameRecord> sound_part(std::vector<stream::FrameRecord> records,
                                            const std::string& stream, audit::JobOutcome& outcome) {
  const size_t sound = stream::sound_records(records);
  if (sound == records.size()) return records;
  const std::string says = fmt::format("record {} of {} in {} is none that a pipeline writes",
                                       sound, records.size(), stream);
  records.resize(sound);
  if (worse("lied", outcome.outcome)) outcome = {"lied", says};
  return records;
}

constexpr std::array<std::string_view, 7> kOutcomes = {
    "ok", "failed", "lied", "out_of_memory", "hung", "crashed", "interrupted"};

}  // namespace

bool worse(std::string_view a, std::string_view b) {
  const auto rank = [](std::string_view o) {
    return std::find(kOutcomes.begin(), kOutcomes.end(), o) - kOutcomes.begin();
  };
  return rank(a) > rank(b);
}

audit::JobOutcome judge_process(const worker::ChildResult& child, const audit::EventLog& log,
                                bool stalled) {
  if (stalled && child.outcome == worker::Outcome::cancelled)
    return {"hung", "finished no frame any more; killed"};
  audit::JobOutcome out = audit::judge(child, log);
  if (out.outcome == "unsupported") out.outcome = "failed";
  return out;
}

Result<BlockEnd> run_block(const Plan& plan, const stream::Cell& cell,
                           const std::vector<ProcessLayout>& layouts, const BlockLimits& limits,
                           const fs::path& scratch, const std::atomic<bool>* cancel) {
  BlockEnd end;
  Block block(limits, cancel);
  const double run_s = limits.run_s > 0 ? limits.run_s + limits.slack_s : 1e7;
  const double timeout_s = limits.ready_s + run_s + 10;
  std::vector<int> used;
  for (const ProcessLayout& p : layouts) used.insert(used.end(), p.cpus.begin(), p.cpus.end());
  ASSAY_TRY(CoRunner co_runner, CoRunner::start(cell.co_runner, limits.cpus, used, cancel));
  for (size_t i = 0; i < layouts.size(); ++i) {
    ASSAY_TRY(auto w, make_process(plan, layouts[i], scratch / std::to_string(i), timeout_s));
    block.processes.push_back(std::move(w));
  }
  for (auto& w : block.processes) w->start(block.bell);
  std::string why;
  if (block.wait_ready(why)) {
    end.t0_ns = monotonic_ns() + start_delay_ns;
    for (auto& w : block.processes) w->buffer->go_at(end.t0_ns);
    block.wait_end();
  } else {
    block.stop_all();
  }
  block.join();
  end.co_runner = co_runner.stop();
  for (size_t i = 0; i < layouts.size(); ++i) {
    Watched& w = *block.processes[i];
    if (!*w.result) return tl::unexpected<Error>(w.result->error());
    ProcessEnd p;
    p.child = **w.result;
    p.log = std::move(w.log);
    p.outcome = judge_process(p.child, p.log, w.stalled);
    for (int64_t s = 0; s < w.buffer->streams(); ++s) {
      p.records.push_back(sound_part(w.buffer->records(s), layouts[i].streams[s].name, p.outcome));
      for (const stream::FrameRecord& r : p.records.back())
        end.wall_ns = std::max(end.wall_ns, r.done_ns);
    }
    p.stderr_file = scratch / std::to_string(i) / "stderr";
    const fs::path results = scratch / std::to_string(i) / "results" / "results.jsonl";
    std::error_code ec;
    if (fs::is_regular_file(fs::symlink_status(results, ec))) p.results_file = results;
    // Those that were stopped because another one ended are no faults of their own.
    const bool bystander = p.outcome.outcome == "interrupted" && !block.cancelled();
    if (!bystander && worse(p.outcome.outcome, end.outcome)) {
      end.outcome = p.outcome.outcome;
      end.reason = fmt::format("{}: {}", layouts[i].streams[0].name, p.outcome.reason);
    }
    end.processes.push_back(std::move(p));
  }
  if (end.t0_ns == 0 && end.outcome == "ok") {
    end.outcome = block.cancelled() ? "interrupted" : "failed";
    end.reason = why.empty() ? "never started" : why;
  }
  if (end.outcome == "ok" && get_bool(end.co_runner, "ended_early")) {
    end.outcome = "failed";
    end.reason = "the co-runner ended before the frames did";
  }
  return end;
}

}  // namespace assay::response
