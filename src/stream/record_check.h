// SPDX-License-Identifier: Apache-2.0
// Frame records as bytes, and what must hold of them before anything is computed: they come from a
// process that is not trusted, or from a file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/record.h"

namespace assay::stream {

inline constexpr int64_t kMostRecords = int64_t{1} << 26;

// 24 int64 words a record, little endian, back to back. Usage error when the size is no multiple of
// a record, or there are more than kMostRecords.
Result<std::vector<FrameRecord>> decode_records(std::string_view bytes, std::string_view where);
std::string encode_records(std::span<const FrameRecord> records);

// Usage error naming the record and its member:
//  - every frame number is >= 0 and there at most once; fate and fault are words; no count, time or
//    duration is negative; flags are known;
//  - done: release <= start <= read <= decode <= pre <= infer <= post <= done, the second task's
//    durations fit between post and done, no fault;
//  - failed: a fault, and the stages reached ascend (0 = not reached);
//  - pending, dropped, skipped: no stage from read to done; no fault, but `stopped` for pending.
Status check_records(std::span<const FrameRecord> records, std::string_view where);
// How many of the first records have none of these faults: all of them where check_records() is
// content.
size_t sound_records(std::span<const FrameRecord> records);

}  // namespace assay::stream
