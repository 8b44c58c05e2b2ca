// SPDX-License-Identifier: Apache-2.0
#include "worker/latency.h"

#include <algorithm>
#include <vector>

#include "assay/runner.h"
#include "base/files.h"
#include "base/text.h"
#include "measure/clock.h"
#include "measure/loop.h"
#include "measure/order.h"
#include "measure/sampler.h"
#include "platform/cuda.h"
#include "worker/checks.h"
#include "worker/environment.h"
#include "worker/sample_sink.h"

namespace assay::worker {
namespace {

constexpr int64_t null_samples = 2000;  // 20 above the p99: enough to see it, 0.2 ms to take
constexpr double ns_per_s = 1e9, ns_per_ms = 1e6;

assay_status null_run(assay_context*, int32_t) { return ASSAY_OK; }
// Volatile, so that the null function is called through a pointer exactly as a runner's is.
assay_status (*volatile null_function)(assay_context*, int32_t) = null_run;

struct NullCost {
  int64_t p50_ns = 0, p99_ns = 0, max_ns = 0;
};

template <class Now>
NullCost measure_null(Session& session, Now now) {
  std::vector<int64_t> order(null_samples, 0), samples(null_samples, 0);
  int64_t written = 0;
  const auto run = [function = null_function, context = session.engine().context()](int32_t slot) {
    return static_cast<int>(function(context, slot));
  };
  // Twice: the first pass warms code and branch predictors, as the real loop's warm-up does.
  for (int pass = 0; pass < 2; ++pass)
    measure::timed_loop(run, now, order.data(), null_samples, samples.data(), &written);
  std::sort(samples.begin(), samples.end());
  return {samples[null_samples / 2], samples[null_samples * 99 / 100], samples.back()};
}

Launched<SampleSink> make_sink(int fd, int64_t samples) {
  auto sink = fd >= 0 ? SampleSink::attach(fd, samples) : SampleSink::anonymous(samples);
  if (!sink) return tl::unexpected(from_error(sink.error()));
  return std::move(*sink);
}

// The CPUs the sampler must leave alone: with one thread the pinned CPU, else all that inference
// may use.
std::vector<int> busy_cpus(const Session& session, const LatencyContext& context) {
  const LaunchRequest& request = session.request();
  if (request.threads == 1 && !request.threads_all && context.pinned) return {request.cpu};
  return context.launch_cpus;
}

measure::SamplerSpec sampler_spec(const Session& session, const LatencyContext& context,
                                  SampleSink& sink, bool scripted) {
  const LaunchRequest& request = session.request();
  measure::SamplerSpec watch;
  watch.measured_cpu = context.pinned ? request.cpu : -1;
  watch.busy_cpus = busy_cpus(session, context);
  watch.wanted_cpu = request.sampler_cpu;
  watch.written = sink.written();
  watch.threaded = !scripted;  // scripted series repeat exactly; there is nothing to watch
  watch.roots = request.platform.roots;
  watch.gpu = platform::cuda_index(request.device);
  return watch;
}

// The record as a file: a loop of minutes gives more than one event line holds.
LaunchStatus hand_over(Session& session, const measure::Sampler& sampler, int64_t begin_ns,
                       int64_t end_ns) {
  constexpr const char* name = "record.json";
  const fs::path& dir = session.request().platform.dir;
  if (dir.empty()) return {};
  const Status written =
      write_file_atomic(dir / name, dump_json(platform::to_json(sampler.record())));
  if (!written) return tl::unexpected(from_error(written.error()));
  session.events().send({{"event", "platform"},
                         {"file", name},
                         {"begin_ns", begin_ns},
                         {"end_ns", end_ns},
                         {"idle_begin_ns", sampler.rest_begin_ns()},
                         {"idle_end_ns", sampler.rest_end_ns()}});
  return {};
}

template <class Now>
LaunchStatus measure(Session& session, const LatencyContext& context, Now now, bool scripted) {
  const LatencyRequest& wanted = *session.request().latency;
  auto sink = make_sink(context.samples_fd, wanted.samples);
  if (!sink) return tl::unexpected(sink.error());
  measure::permuted_order(wanted.seed, session.slot_count(), wanted.samples, sink->slots());
  if (auto expected = expect_slots(session); !expected) return expected;
  const bool locked = lock_memory(session.request().device != "cpu");
  // Its memory and the libraries that it loads come before the warm-up, and so does the rest.
  measure::Sampler sampler(sampler_spec(session, context, *sink, scripted));
  if (!scripted) sampler.rest(session.request().platform.idle_ms);

  const auto run = [function = session.engine().api().run, engine = session.engine().context()](
                       int32_t slot) { return static_cast<int>(function(engine, slot)); };
  const int64_t patience_ns =
      wanted.max_seconds > 0 ? static_cast<int64_t>(wanted.max_seconds * ns_per_s) : INT64_MAX / 4;
  const int64_t give_up_at =
      measure::stamp_ns() + patience_ns;  // of the real clock, whatever the runner's says
  const auto warm = measure::warm_up(run, now, session.slot_count(), wanted.warmup_runs,
                                     static_cast<int64_t>(wanted.warmup_ms * ns_per_ms),
                                     [&] { return measure::stamp_ns() >= give_up_at; });
  if (warm.status != 0) return tl::unexpected(session.engine().run_error(warm.status));
  sink->set_warmup(warm.runs);
  send_environment(session, context.pinned, locked, scripted ? "scripted" : "monotonic");

  const NullCost null = measure_null(session, now);
  sampler.start();
  const int64_t loop_begin_ns = measure::stamp_ns();
  const auto loop = measure::timed_loop(run, now, sink->slots(), wanted.samples, sink->samples(),
                                        sink->written(), now() + patience_ns);
  const int64_t loop_end_ns = measure::stamp_ns();
  sampler.stop();
  session.timed = true;

  Json items = Json::array();
  for (int64_t s = 0; s < session.slot_count(); ++s) items.push_back(s % session.items());
  const char* end = loop.end == measure::LoopEnd::complete      ? "complete"
                    : loop.end == measure::LoopEnd::out_of_time ? "max_seconds"
                                                                : "error";
  session.events().send({{"event", "series"},
                         {"name", "latency"},
                         {"clock", scripted ? "scripted" : "monotonic"},
                         {"n", loop.n},
                         {"warmup", warm.runs},
                         {"null_p50_ns", null.p50_ns},
                         {"null_p99_ns", null.p99_ns},
                         {"null_max_ns", null.max_ns},
                         {"end", end},
                         {"slot_items", items}});
  Json event = {{"event", "sampler"}};
  event.update(sampler.report(loop.n));
  session.events().send(event);
  if (auto handed = hand_over(session, sampler, loop_begin_ns, loop_end_ns); !handed) return handed;
  if (loop.end == measure::LoopEnd::run_failed) {
    LaunchError error = session.engine().run_error(loop.status);
    error.message = fmt::format("sample {}: {}", loop.n, error.message);
    return tl::unexpected(error);
  }
  return {};
}

}  // namespace

void send_environment(Session& session, bool pinned, bool memory_locked, const char* clock) {
  const measure::ClockCost cost = measure::calibrate_clock();
  session.events().send({{"event", "environment"},
                         {"affinity", thread_affinities()},
                         {"clock", clock},
                         {"clock_read_ns", cost.read_ns},
                         {"clock_step_ns", cost.step_ns},
                         {"memory_locked", memory_locked},
                         {"pinned", pinned}});
}

LaunchStatus measure_latency(Session& session, const LatencyContext& context) {
  const Engine& engine = session.engine();
  if ((engine.flags() & ASSAY_CAP_CLOCK) == 0)
    return measure(
        session, context, [] { return measure::stamp_ns(); }, false);
  const auto now = [clock = engine.api().clock_ns, owner = engine.context()] {
    return clock(owner);
  };
  return measure(session, context, now, true);
}

}  // namespace assay::worker
