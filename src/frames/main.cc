// SPDX-License-Identifier: Apache-2.0
// assay-frames: serves frames of cameras through the engines of one process. Request on stdin,
// events on ASSAY_EVENT_FD, records in the buffer on descriptor 4.
#include "frames/server.h"
#include "worker/child_main.h"

namespace {

using namespace assay;

constexpr int buffer_descriptor = 4;

int serve(std::string text, worker::EventWriter& events) {
  const auto request = frames::parse_frame_request(text);
  if (!request) {
    events.error("invalid", request.error().message);
    return 1;
  }
  text = std::string();  // recorded time stamps are long, and the run is too
  auto buffer = frames::FrameBuffer::attach(
      buffer_descriptor, static_cast<int64_t>(request->streams.size()), request->frames);
  if (!buffer) {
    events.error("invalid", buffer.error().message);
    return 1;
  }
  return frames::run_frames(*request, *buffer, events);
}

}  // namespace

int main(int argc, char** argv) {
  return worker::child_main(
      argc, argv,
      {.name = "assay-frames",
       .help = "usage: ASSAY_EVENT_FD=3 assay-frames < request.json 3> events.jsonl 4<> buffer\n"
               "Serves frames through read, decode, pre-processing, inference and "
               "post-processing. Started by\n"
               "assay, which owns the buffer and gives the start; the request and the events are "
               "described in\n"
               "docs/response.md.\n",
       .max_request_bytes = size_t{64} << 20,
       .work = serve});
}
