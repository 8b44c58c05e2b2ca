// SPDX-License-Identifier: Apache-2.0
#include "frames/server.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/text.h"
#include "frames/worker_loop.h"
#include "measure/clock.h"
#include "worker/environment.h"

namespace assay::frames {
namespace {

std::atomic<FrameBuffer*> stop_flag{nullptr};

void on_terminate(int) {
  if (FrameBuffer* buffer = stop_flag.load()) buffer->stop();
}

// Everything that is made before the threads start, in the order in which it is taken apart last.
struct Made {
  std::map<std::string, std::shared_ptr<const SourceData>> data;  // by spec
  std::map<std::string, std::unique_ptr<Source>> shared;          // by worker and spec
  std::vector<std::unique_ptr<Source>> own;                       // of one stream
  std::vector<TaskEngines> engines;                               // by task
  std::vector<std::vector<std::optional<TaskStages>>> stages;     // by worker, task
  std::vector<StreamState> streams;
  std::vector<std::string> notes;
};

worker::Launched<void> failed(const Error& error) {
  return tl::unexpected(worker::from_error(error));
}

// Which tasks worker `w` runs, and how large their frames get.
struct Need {
  bool wanted = false;
  int64_t width = 0, height = 0;
};
using Needs = std::vector<std::vector<Need>>;  // by worker, task

size_t worker_of(const FrameRequest& r, size_t stream) {
  return stream % static_cast<size_t>(r.workers);
}

Status make_sources(const FrameRequest& r, Made& made, Needs& needs) {
  made.streams = std::vector<StreamState>(r.streams.size());
  for (size_t s = 0; s < r.streams.size(); ++s) {
    const StreamSpec& spec = r.streams[s];
    const std::string key = dump_json(to_json(spec.source));
    auto& data = made.data[key];
    if (!data) {
      ASSAY_TRY(data, load_source(spec.source, std::max(r.frames, r.warmup_frames)));
      if (!data->note().empty()) made.notes.push_back(data->note());
    }
    StreamState& state = made.streams[s];
    state.index = static_cast<int64_t>(s);
    state.spec = &spec;
    state.served.scaled_decode = spec.source.scaled_decode;
    if (data->sequential()) {
      ASSAY_TRY(auto source, data->use());
      made.own.push_back(std::move(source));
      state.served.source = made.own.back().get();
    } else {
      auto& source = made.shared[fmt::format("{} {}", worker_of(r, s), key)];
      if (!source) {
        ASSAY_TRY(source, data->use());
      }
      state.served.source = source.get();
    }
    state.releases = stream::releases(spec.release, std::min(r.frames, data->frames()));
    if (spec.release.idle_every > 0 && !stream::open_loop(r.scenario))
      for (int64_t i = 0; i < r.frames; ++i)
        state.idle_gaps.push_back(stream::idle_before(spec.release, i));
    const TaskSpec& task = r.tasks[static_cast<size_t>(spec.task)];
    for (const int t : {spec.task, task.next}) {
      if (t < 0) continue;
      Need& need = needs[worker_of(r, s)][static_cast<size_t>(t)];
      need.wanted = true;
      need.width = std::max(need.width, data->max_width());
      need.height = std::max(need.height, data->max_height());
    }
  }
  return {};
}

Json specs_json(const std::vector<TensorSpec>& specs) {
  Json list = Json::array();
  for (const TensorSpec& spec : specs) list.push_back(to_json(spec));
  return list;
}

worker::Launched<void> make_tasks(const FrameRequest& r, Made& made, const Needs& needs,
                                  worker::EventWriter& events) {
  made.stages.resize(static_cast<size_t>(r.workers));
  for (auto& row : made.stages) row.resize(r.tasks.size());
  made.engines.reserve(r.tasks.size());  // contexts are pointed to
  for (size_t t = 0; t < r.tasks.size(); ++t) {
    int contexts = 0;
    for (const auto& row : needs) contexts += row[t].wanted ? 1 : 0;
    // A task that no stream reaches is opened all the same: its engine is judged like the others.
    auto engines = TaskEngines::open(r.tasks[t], std::max(contexts, 1));
    if (!engines) return tl::unexpected(engines.error());
    made.engines.push_back(std::move(*engines));
    TaskEngines& opened = made.engines.back();
    const worker::Engine& engine = opened.engine();
    events.send({{"event", "hello"},
                 {"protocol", 1},
                 {"task", t},
                 {"name", r.tasks[t].name},
                 {"compiler", engine.compiler()},
                 {"version", engine.version()},
                 {"decides_at", engine.decides_at()},
                 {"flags", engine.flags()}});
    events.send({{"event", "opened"},
                 {"task", t},
                 {"load_ns", engine.load_ns()},
                 {"engines", opened.engines()},
                 {"contexts", opened.contexts()},
                 {"inputs", specs_json(engine.inputs())},
                 {"outputs", specs_json(engine.outputs())}});
    int next = 0;
    for (size_t w = 0; w < needs.size(); ++w) {
      const Need& need = needs[w][t];
      if (!need.wanted) continue;
      auto stages = TaskStages::create(r.tasks[t], opened.context(next++), need.width, need.height);
      if (!stages) return failed(stages.error());
      made.stages[w][t].emplace(std::move(*stages));
    }
  }
  for (size_t s = 0; s < r.streams.size(); ++s) {
    StreamState& state = made.streams[s];
    auto& row = made.stages[worker_of(r, s)];
    const TaskSpec& task = r.tasks[static_cast<size_t>(state.spec->task)];
    state.served.task = &*row[static_cast<size_t>(state.spec->task)];
    if (task.next >= 0) state.served.second = &*row[static_cast<size_t>(task.next)];
    if (!r.outputs) continue;
    state.results.reserve(r.frames,
                          (task.detector ? task.detector->max_boxes : kLabels) + task.max_crops);
    state.served.results = &state.results;
  }
  return {};
}

Json environment(const FrameRequest& r, const std::vector<std::unique_ptr<Worker>>& workers,
                 bool locked, const Made& made) {
  const measure::ClockCost cost = measure::calibrate_clock();
  Json cpus = Json::array();
  bool pinned = true;
  for (const auto& w : workers) {
    cpus.push_back(w->pinned() ? w->cpu() : -1);
    pinned = pinned && w->pinned();
  }
  return {{"event", "environment"},
          {"affinity", worker::thread_affinities()},
          {"clock", "monotonic"},
          {"clock_read_ns", cost.read_ns},
          {"clock_step_ns", cost.step_ns},
          {"memory_locked", locked},
          {"pinned", pinned},
          {"worker_cpus", cpus},
          {"priority", r.priority},
          {"allocations_counted", alloc_counting},
          {"simd", vision::simd_level()},
          {"notes", made.notes}};
}

void send_ends(const std::vector<std::unique_ptr<Worker>>& workers, bool locked,
               worker::EventWriter& events) {
  for (const auto& w : workers)
    for (const StreamState* s : w->streams()) {
      Json counts = Json::object();
      for (int f = 0; f < 5; ++f)
        counts[std::string(stream::word(static_cast<stream::Fate>(f)))] = s->counts[f];
      Json machine = w->machine();
      machine["memory_locked"] = locked;
      Json event = {{"event", "stream_end"},
                    {"stream", s->index},
                    {"name", s->spec->name},
                    {"counts", counts},
                    {"machine", machine}};
      if (!w->run_error().empty()) event["run_error"] = w->run_error();
      events.send(event);
    }
}

worker::Launched<void> steps(const FrameRequest& r, FrameBuffer& buffer,
                             worker::EventWriter& events) {
  Made made;
  Needs needs(static_cast<size_t>(r.workers), std::vector<Need>(r.tasks.size()));
  if (auto ok = make_sources(r, made, needs); !ok) return failed(ok.error());
  if (auto ok = make_tasks(r, made, needs, events); !ok) return ok;

  RunState run(r, buffer);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (int w = 0; w < r.workers; ++w) {
    std::vector<StreamState*> mine;
    for (size_t s = static_cast<size_t>(w); s < made.streams.size();
         s += static_cast<size_t>(r.workers))
      mine.push_back(&made.streams[s]);
    workers.push_back(std::make_unique<Worker>(run, w, std::move(mine)));
  }
  for (auto& w : workers) threads.emplace_back([&w] { (*w)(); });
  const auto send_home = [&](int64_t t0) {
    run.go.store(t0, std::memory_order_release);
    run.go.notify_all();
    for (std::thread& t : threads) t.join();
  };
  for (int n = run.warmed.load(); n < r.workers; n = run.warmed.load()) run.warmed.wait(n);
  for (const auto& w : workers)
    if (w->error()) {
      send_home(-1);
      return tl::unexpected(*w->error());
    }
  const bool other_device = std::any_of(r.tasks.begin(), r.tasks.end(),
                                        [](const TaskSpec& t) { return t.device != "cpu"; });
  const bool locked = r.lock_memory && worker::lock_memory(other_device);
  events.send(environment(r, workers, locked, made));
  if (!workers.empty() && workers[0]->scaled().is_object()) {
    Json scaled = workers[0]->scaled();
    scaled["event"] = "scaled_decode";
    events.send(scaled);
  }
  events.send({{"event", "ready"}});
  buffer.set_ready();
  const int64_t t0 = buffer.wait_for_go();
  if (r.max_seconds > 0) run.give_up_ns = static_cast<int64_t>(r.max_seconds * 1e9);
  // Stopped before the start: the workers account for all frames as pending.
  send_home(t0 > 0 ? t0 : measure::stamp_ns());
  send_ends(workers, locked, events);
  if (r.outputs) {
    std::vector<const StreamResults*> results;
    for (const StreamState& s : made.streams) results.push_back(&s.results);
    if (auto ok = write_results(r.results_dir, results); !ok) return failed(ok.error());
  }
  return {};
}

}  // namespace

int run_frames(const FrameRequest& request, FrameBuffer& buffer, worker::EventWriter& events) {
  stop_flag.store(&buffer);
  struct sigaction action {};
  action.sa_handler = on_terminate;
  sigaction(SIGTERM, &action, nullptr);
  const auto ran = steps(request, buffer, events);
  signal(SIGTERM, SIG_DFL);
  stop_flag.store(nullptr);
  if (!ran) {
    events.error(ran.error().kind, ran.error().message);
    return 1;
  }
  return events.send({{"event", "done"}}) ? 0 : 1;
}

}  // namespace assay::frames
