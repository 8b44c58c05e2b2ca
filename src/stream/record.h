// SPDX-License-Identifier: Apache-2.0
// One frame as it was measured: 24 int64 words, the layout of the shared buffer and of the evidence
// (docs/response.md). Times are ns after the common start t0; 0 stands for "not reached" in stages
// behind a fault.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "stream/scenario.h"

namespace assay::stream {

struct FrameRecord {
  int64_t frame = 0;       // number in its stream, from 0
  int64_t image = 0;       // which picture of the source
  int64_t release_ns = 0;  // scheduled release
  int64_t start_ns = 0;    // the server took it; start - release = waiting and release jitter
  int64_t read_ns = 0;     // end of each stage, in this order:
  int64_t decode_ns = 0;
  int64_t pre_ns = 0;
  int64_t infer_ns = 0;
  int64_t post_ns = 0;
  int64_t done_ns = 0;  // completion: post_ns, or the end of the second task of a cascade
  int64_t second_pre = 0, second_infer = 0, second_post = 0;  // durations, summed over its crops
  int64_t crops = 0;                                          // of the cascade
  int64_t objects = 0;                                        // boxes found, or 1 for a label
  int64_t label = -1;                                     // best label, of the best box or class
  int64_t fate = 0;                                       // Fate
  int64_t fault = 0;                                      // vision::FrameFault
  int64_t flags = 0;                                      // kFirstAfterIdle, kWarmUp
  int64_t own_allocations = 0, compiler_allocations = 0;  // during this frame, on its thread
  int64_t cpu = -1;                                       // where it ended
  int64_t idle_ns = 0;  // how long the server had been idle before the release; 0: it was busy
  int64_t spare = 0;
};
inline constexpr int64_t kFirstAfterIdle = 1, kWarmUp = 2;
static_assert(sizeof(FrameRecord) == 24 * sizeof(int64_t) &&
              std::is_trivially_copyable_v<FrameRecord>);

// The stages of a response, in order. pre holds decode in the paper's four (eq. 1).
enum class Stage { wait, read, decode, pre, infer, post, second, response };
inline constexpr Stage kStages[] = {Stage::wait,  Stage::read, Stage::decode, Stage::pre,
                                    Stage::infer, Stage::post, Stage::second};
std::string_view word(Stage s);
// Duration of a stage of a done frame, ns. response = done - scheduled release = sum of all others.
int64_t duration(const FrameRecord& r, Stage s);

}  // namespace assay::stream
