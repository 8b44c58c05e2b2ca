// SPDX-License-Identifier: Apache-2.0
#include "worker/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace assay::worker {

bool EventWriter::send(const Json& event) {
  const std::string line = dump_json(event) + "\n";
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t n = write(fd_, line.data() + sent, line.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool EventWriter::error(const std::string& kind, const std::string& message) {
  return send({{"event", "error"}, {"kind", kind}, {"message", one_line(message, 2000)}});
}

int event_fd_from_environment() {
  const char* text = std::getenv("ASSAY_EVENT_FD");
  int fd = 3;
  if (text != nullptr) {
    const char* end = text + std::strlen(text);
    const auto parsed = std::from_chars(text, end, fd);
    if (parsed.ec != std::errc() || parsed.ptr != end) return -1;
  }
  return fd >= 0 && fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}

}  // namespace assay::worker
