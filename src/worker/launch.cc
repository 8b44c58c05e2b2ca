// SPDX-License-Identifier: Apache-2.0
#include "worker/launch.h"

#include <cstdlib>
#include <string>

#include "base/text.h"
#include "worker/checks.h"
#include "worker/environment.h"
#include "worker/inside.h"
#include "worker/latency.h"
#include "worker/session.h"

namespace assay::worker {
namespace {

LaunchStatus first_run(Session& session) {
  const int64_t begin = monotonic_ns();
  if (auto ran = session.engine().run(0); !ran) return ran;
  session.events().send({{"event", "first_run"}, {"ns", monotonic_ns() - begin}});
  return {};
}

LaunchStatus send_kernels(Session& session) {
  auto kernels = session.engine().kernel_map();
  if (!kernels) return tl::unexpected(kernels.error());
  for (const Json& line : *kernels) session.events().send(line);
  session.kernels = std::move(*kernels);
  return {};
}

LaunchStatus steps(Session& session, int samples_fd) {
  const LaunchRequest& request = session.request();
  LatencyContext context;
  context.samples_fd = samples_fd;
  context.launch_cpus = allowed_cpus();
  if (auto opened = session.open(true); !opened) return opened;
  if (auto ran = first_run(session); !ran) return ran;
  // Only now: threads that the runtime started in open or in its first run must not inherit the
  // pin.
  context.pinned = request.cpu >= 0 && !request.threads_all && pin_this_thread(request.cpu);
  if (auto sent = send_kernels(session); !sent) return sent;
  if (auto written = write_outputs(session); !written) return written;
  if (request.wants("repeat"))
    if (auto checked = check_repeat(session); !checked) return checked;
  if (request.wants("batch_rows"))
    if (auto checked = check_batch_rows(session); !checked) return checked;
  if (auto filled = session.refill_slots(); !filled) return filled;
  if (request.latency) {
    if (auto measured = measure_latency(session, context); !measured) return measured;
  } else {
    send_environment(session, context.pinned, false, "monotonic");
  }
  if (request.wants("after"))
    if (auto checked = check_after(session); !checked) return checked;
  if (request.wants("reload"))
    if (auto checked = check_reload(session); !checked) return checked;
  return look_inside(session);
}

}  // namespace

int run_launch(const LaunchRequest& request, EventWriter& events, int samples_fd) {
  // For runners whose behaviour is a script (null, faulty): which build and launch of the audit
  // this is.
  setenv("ASSAY_BUILD_INDEX", std::to_string(request.build_index).c_str(), 1);
  setenv("ASSAY_LAUNCH_INDEX", std::to_string(request.launch_index).c_str(), 1);
  auto library = RunnerLibrary::load(request.runner);
  LaunchStatus status;
  if (!library) {
    status = tl::unexpected(library.error());
  } else {
    Session session(request, *library, events);
    status = steps(session, samples_fd);
    session.close();  // before `done`: an engine that crashes while it closes did not end well
  }
  if (!status) {
    events.error(status.error().kind, status.error().message);
    return 1;
  }
  return events.send({{"event", "done"}}) ? 0 : 1;
}

}  // namespace assay::worker
