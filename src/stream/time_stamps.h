// SPDX-License-Identifier: Apache-2.0
// Time stamps of a recorded camera, from text. Pure: the caller reads the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::stream {

struct TimeStampOptions {
  std::string unit;  // "s" "ms" "us" "ns"; empty: the text must say it
};

// Ascending ns from the first, which becomes 0: what ReleaseSpec::time_stamps takes. Forms:
//   lines  one number a line, or CSV (, ; or tab) whose first column counts. `#` starts a comment
//          line; "# unit: ms" states the unit. The first other line may be a header, whose name
//          ends in the unit: "time_ms", "t (s)", "timestamp[ns]", or is the unit alone.
//   JSON   an array of numbers; the unit then comes from the options.
// Numbers are decimal, not negative, and become ns without a detour over binary fractions: seconds
// since 1970 keep all nine places. Usage error naming line or element when a number is none, stamps
// do not ascend (two equal ones: a clock too coarse, or a frame twice), no unit is known or two
// contradict each other, there is no stamp or more than kMostTimeStamps, or they span more than
// kLongestScheduleNs.
Result<std::vector<int64_t>> parse_time_stamps(std::string_view text, std::string_view where,
                                               const TimeStampOptions& options = {});

}  // namespace assay::stream
