// SPDX-License-Identifier: Apache-2.0
// The child's side of the protocol: JSON lines written whole to a descriptor.
#pragma once

#include <string>

#include "base/json.h"

namespace assay::worker {

class EventWriter {
 public:
  // `fd` is borrowed. Use from one thread.
  explicit EventWriter(int fd) : fd_(fd) {}
  // Writes `event` and a newline; false when the reader is gone (nothing more can be said then).
  bool send(const Json& event);
  bool error(const std::string& kind, const std::string& message);

 private:
  int fd_;
};

// The descriptor named by ASSAY_EVENT_FD, 3 when unset; -1 when that is not an open descriptor.
int event_fd_from_environment();

}  // namespace assay::worker
