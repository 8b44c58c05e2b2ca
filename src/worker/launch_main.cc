// SPDX-License-Identifier: Apache-2.0
// assay-worker: measures one engine, or what a GPU can do at most. Request on stdin, events on
// ASSAY_EVENT_FD, samples on descriptor 4.
#include "worker/child_main.h"
#include "worker/launch.h"
#include "worker/peaks.h"
#include "worker/request.h"
#include "worker/sample_sink.h"

namespace {

using namespace assay::worker;

constexpr int sample_descriptor = 4;

int launch(const std::string& text, EventWriter& events) {
  if (asks_for_peaks(text)) return run_peaks(text, events);
  const auto request = parse_launch_request(text);
  if (!request) {
    events.error("invalid", request.error().message);
    return 1;
  }
  return run_launch(*request, events,
                    is_sample_descriptor(sample_descriptor) ? sample_descriptor : -1);
}

}  // namespace

int main(int argc, char** argv) {
  return child_main(
      argc, argv,
      {.name = "assay-worker",
       .help = "usage: ASSAY_EVENT_FD=3 assay-worker < request.json 3> events.jsonl\n"
               "Loads one engine through its runner, checks and times it. Started by assay; the "
               "request and the events are\n"
               "described in docs/formats.md (worker protocol).\n",
       .max_request_bytes = size_t{16} << 20,
       .work = launch});
}
