// SPDX-License-Identifier: Apache-2.0
// assay-corunner: disturbs its neighbours until stdin closes or SIGTERM comes.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>

#include "base/json.h"
#include "frames/buffer.h"
#include "frames/corunner.h"
#include "worker/events.h"

namespace {

constexpr std::string_view help =
    "usage: assay-corunner --kind memory|cache [--mib N] [--cpu C]\n"
    "Keeps the memory bandwidth (a streaming triad) or the last-level cache (a pointer chase) "
    "busy\n"
    "until stdin closes or SIGTERM comes. Prints lines of JSON, on ASSAY_EVENT_FD where that is\n"
    "set, else on stdout: that it has begun, and at the end what it moved.\n"
    "  --mib N  buffer; default: 4 times the last-level cache, at least 256 (memory), or once\n"
    "           the last-level cache (cache); at most a quarter of the machine's memory\n"
    "  --cpu C  CPU to be pinned to\n"
    "  --until  stdin (default): its end; signal: SIGTERM alone; buffer: the stop word of the "
    "frame\n"
    "           buffer on descriptor 4. SIGTERM always counts.\n";

std::atomic<bool> stop{false};
void on_terminate(int) { stop.store(true); }

// Sets `stop` when what the spec waits for has come. Wakes up ten times a second for that.
void wait_for_end(const assay::frames::CorunnerSpec& spec,
                  const assay::frames::FrameBuffer* buffer) {
  char bytes[256];
  while (!stop.load()) {
    if (buffer != nullptr && buffer->stopped()) stop.store(true);
    const bool input = spec.until == assay::frames::CorunnerSpec::Until::input;
    pollfd in{input ? STDIN_FILENO : -1, POLLIN, 0};
    if (poll(&in, 1, 100) <= 0) continue;
    if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0) stop.store(true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace assay;
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 1 && args[0] == "--help") {
    std::cout << help;
    return 0;
  }
  const auto spec = frames::corunner_from_args(args);
  if (!spec) {
    std::cerr << "assay-corunner: " << spec.error().message << "\n" << help;
    return 2;
  }
  struct sigaction action {};
  action.sa_handler = on_terminate;
  sigaction(SIGTERM, &action, nullptr);
  const bool events = std::getenv("ASSAY_EVENT_FD") != nullptr;
  const int fd = events ? worker::event_fd_from_environment() : STDOUT_FILENO;
  worker::EventWriter out(fd);
  std::optional<frames::FrameBuffer> buffer;
  if (spec->until == frames::CorunnerSpec::Until::buffer) {
    auto attached = frames::FrameBuffer::attach(4, 1, 1);
    if (!attached) {
      out.error("invalid", attached.error().message);
      return 2;
    }
    buffer.emplace(std::move(*attached));
  }
  std::thread watcher([&] { wait_for_end(*spec, buffer ? &*buffer : nullptr); });
  const frames::CorunnerResult result = frames::run_corunner(*spec, stop, [&] {
    if (buffer) buffer->set_ready();
    out.send({{"event", "ready"}});
  });
  watcher.join();
  const bool memory = spec->kind == frames::CorunnerSpec::Kind::memory;
  return out.send({{"event", "corunner"},
                   {"kind", memory ? "memory" : "cache"},
                   {"buffer_bytes", frames::buffer_bytes(*spec)},
                   {"cpu", spec->cpu},
                   {"bytes", result.bytes},
                   {"wall_ns", result.wall_ns},
                   {"bytes_per_s", result.bytes_per_s()}})
             ? 0
             : 1;
}
