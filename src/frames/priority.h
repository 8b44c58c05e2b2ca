// SPDX-License-Identifier: Apache-2.0
// How the kernel schedules a worker thread: "other", "nice:N" or "fifo:N".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay::frames {

struct Priority {
  enum class Kind { other, nice, fifo } kind = Kind::other;
  int value = 0;  // nice -20..19, fifo 1..99
};
std::optional<Priority> parse_priority(std::string_view text);
// Of the calling thread. Error missing with what would allow it when the kernel refuses.
Status apply_priority(const Priority& priority);

}  // namespace assay::frames
