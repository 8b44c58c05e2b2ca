// SPDX-License-Identifier: Apache-2.0
#include "worker/child_main.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>

namespace assay::worker {
namespace {

int serve(const ChildMain& child) {
  const int fd = event_fd_from_environment();
  if (fd < 0) {
    std::cerr << child.name << ": no event descriptor: ASSAY_EVENT_FD must name an open one\n"
              << child.help;
    return 2;
  }
  EventWriter events(fd);
  std::string text(child.max_request_bytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  if (text.size() > child.max_request_bytes) {
    events.error("invalid",
                 fmt::format("request: longer than {} MiB", child.max_request_bytes >> 20));
    return 1;
  }
  try {
    return child.work(std::move(text), events);
  } catch (const std::exception& e) {  // a runner that throws over its C boundary, or no memory
    events.error("failed", fmt::format("exception: {}", e.what()));
    return 1;
  }
}

}  // namespace

int child_main(int argc, char** argv, const ChildMain& child) {
  if (argc > 1) {
    std::cout << child.help;
    return std::string_view(argv[1]) == "--help" ? 0 : 2;
  }
  const int status = serve(child);
  std::fflush(nullptr);
  // Static destructors of a compiler's runtime are no part of what is judged. Sanitizers report at
  // a normal exit.
  if (std::string_view(ASSAY_SANITIZER).empty()) _exit(status);
  return status;
}

}  // namespace assay::worker
