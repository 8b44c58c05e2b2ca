// SPDX-License-Identifier: Apache-2.0
// What the main function of every child of assay does around its work: the event descriptor, the
// request on stdin, exceptions of foreign code, and an end without static destructors.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "worker/events.h"

namespace assay::worker {

struct ChildMain {
  std::string_view name, help;  // "assay-worker"; the text of --help
  size_t max_request_bytes = 0;
  // Gets the request's text; its result is the exit code. Whatever it throws becomes an `error`
  // event and exit code 1.
  std::function<int(std::string request, EventWriter& events)> work;
};

// Exit code 2 without an event descriptor; an argument prints the help (0 for --help, else 2).
// Does not return where no sanitizer wants a normal exit.
int child_main(int argc, char** argv, const ChildMain& child);

}  // namespace assay::worker
