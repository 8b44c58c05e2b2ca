// SPDX-License-Identifier: Apache-2.0
// assay-worker: measures one engine. Request on stdin, events on ASSAY_EVENT_FD, samples on
// descriptor 4.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "worker/events.h"
#include "worker/launch.h"
#include "worker/request.h"
#include "worker/sample_sink.h"

namespace {

constexpr int sample_descriptor = 4;
constexpr size_t max_request_bytes = size_t{16} << 20;

constexpr std::string_view help =
    "usage: ASSAY_EVENT_FD=3 assay-worker < request.json 3> events.jsonl\n"
    "Loads one engine through its runner, checks and times it. Started by assay; the request and "
    "the events are\n"
    "described in docs/formats.md (worker protocol).\n";

int launch() {
  using namespace assay::worker;
  const int fd = event_fd_from_environment();
  if (fd < 0) {
    std::cerr << "assay-worker: no event descriptor: ASSAY_EVENT_FD must name an open one\n"
              << help;
    return 2;
  }
  EventWriter events(fd);
  std::string text(max_request_bytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  if (text.size() > max_request_bytes) {
    events.error("invalid", "request: longer than 16 MiB");
    return 1;
  }
  const auto request = parse_launch_request(text);
  if (!request) {
    events.error("invalid", request.error().message);
    return 1;
  }
  try {
    return run_launch(*request, events,
                      is_sample_descriptor(sample_descriptor) ? sample_descriptor : -1);
  } catch (const std::exception& e) {  // a runner that throws over its C boundary, or no memory
    events.error("failed", std::string("exception: ") + e.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    std::cout << help;
    return std::string_view(argv[1]) == "--help" ? 0 : 2;
  }
  const int status = launch();
  std::fflush(nullptr);
  // Static destructors of a compiler's runtime are no part of what is judged. Sanitizers report at
  // a normal exit.
  if (std::string_view(ASSAY_SANITIZER).empty()) _exit(status);
  return status;
}
