// SPDX-License-Identifier: Apache-2.0
#include "stream/queue.h"

#include <algorithm>
#include <cassert>

namespace assay::stream {

FrameQueue::FrameQueue(Policy policy, std::vector<std::span<const int64_t>> releases)
    : policy_(policy) {
  cameras_.reserve(releases.size());
  for (const auto& times : releases) {
    assert(std::is_sorted(times.begin(), times.end()));
    cameras_.emplace_back().releases = times;
  }
}

}  // namespace assay::stream
