// SPDX-License-Identifier: Apache-2.0
#include "stream/record_check.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "vision/frame.h"

namespace assay::stream {
namespace {

static_assert(std::endian::native == std::endian::little, "records are stored as they lie");

// Ten times the longest schedule: sums and differences of what is below do not overflow.
constexpr int64_t kLargestTime = 10 * kLongestScheduleNs;

struct Named {
  const char* name;
  int64_t value;
};

// What is wrong with one record, or nothing.
std::string fault_of(const FrameRecord& r) {
  for (const auto& [name, value] : {Named{"frame", r.frame},
                                    {"image", r.image},
                                    {"release_ns", r.release_ns},
                                    {"start_ns", r.start_ns},
                                    {"read_ns", r.read_ns},
                                    {"decode_ns", r.decode_ns},
                                    {"pre_ns", r.pre_ns},
                                    {"infer_ns", r.infer_ns},
                                    {"post_ns", r.post_ns},
                                    {"done_ns", r.done_ns},
                                    {"second_pre", r.second_pre},
                                    {"second_infer", r.second_infer},
                                    {"second_post", r.second_post},
                                    {"crops", r.crops},
                                    {"objects", r.objects},
                                    {"own_allocations", r.own_allocations},
                                    {"compiler_allocations", r.compiler_allocations},
                                    {"idle_ns", r.idle_ns}})
    if (value < 0) return fmt::format("{} is {}, which is negative", name, value);
  if (r.label < -1) return fmt::format("label is {}", r.label);
  if (r.cpu < -1) return fmt::format("cpu is {}", r.cpu);
  if (r.fate < 0 || r.fate > static_cast<int64_t>(Fate::failed))
    return fmt::format("fate is {}, which is no word", r.fate);
  if (r.fault < 0 || r.fault > static_cast<int64_t>(vision::FrameFault::run_failed))
    return fmt::format("fault is {}, which is no word", r.fault);
  if ((r.flags & ~(kFirstAfterIdle | kWarmUp)) != 0) return fmt::format("flags are {}", r.flags);

  const auto fate = static_cast<Fate>(r.fate);
  const auto fault = static_cast<vision::FrameFault>(r.fault);
  const Named stages[] = {{"start_ns", r.start_ns},   {"read_ns", r.read_ns},
                          {"decode_ns", r.decode_ns}, {"pre_ns", r.pre_ns},
                          {"infer_ns", r.infer_ns},   {"post_ns", r.post_ns},
                          {"done_ns", r.done_ns}};
  if (fate == Fate::done || fate == Fate::failed) {
    Named before = {"release_ns", r.release_ns};
    for (const Named& stage : stages) {
      if (fate == Fate::failed && stage.value == 0) continue;
      if (stage.value < before.value)
        return fmt::format("{} is {}, before {} {}", stage.name, stage.value, before.name,
                           before.value);
      before = stage;
    }
    if ((fate == Fate::failed) != (fault != vision::FrameFault::none))
      return fmt::format("fault is {} of a frame that is {}", r.fault, word(fate));
  } else {
    for (const Named& stage : std::span(stages).subspan(1))
      if (stage.value != 0)
        return fmt::format("{} is {} of a frame that is {}", stage.name, stage.value, word(fate));
    if (fault != vision::FrameFault::none &&
        !(fate == Fate::pending && fault == vision::FrameFault::stopped))
      return fmt::format("fault is {} of a frame that is {}", r.fault, word(fate));
  }
  if (fate == Fate::done) {
    int64_t left = r.done_ns - r.post_ns;  // subtracted one by one: a sum could overflow
    for (const int64_t part : {r.second_pre, r.second_infer, r.second_post})
      if (part > left)
        return fmt::format("the second task takes longer than post_ns {} to done_ns {}", r.post_ns,
                           r.done_ns);
      else
        left -= part;
  }
  for (const auto& [name, value] :
       {Named{"release_ns", r.release_ns}, Named{"start_ns", r.start_ns},
        Named{"done_ns", r.done_ns}, Named{"idle_ns", r.idle_ns}})
    if (value > kLargestTime) return fmt::format("{} is {}, which no run reaches", name, value);
  return "";
}

tl::unexpected<Error> wrong(std::string_view where, size_t index, std::string_view what) {
  return bad_input(fmt::format("{}: record {}: {}", where, index, what),
                   "the evidence was changed or the process lied; measure this cell again");
}

}  // namespace

Result<std::vector<FrameRecord>> decode_records(std::string_view bytes, std::string_view where) {
  if (bytes.size() % sizeof(FrameRecord) != 0 ||
      bytes.size() / sizeof(FrameRecord) > static_cast<size_t>(kMostRecords))
    return bad_input(fmt::format("{}: {} bytes, expected at most {} records of {} bytes each",
                                 where, bytes.size(), kMostRecords, sizeof(FrameRecord)),
                     "the evidence was changed or cut off; measure this cell again");
  std::vector<FrameRecord> out(bytes.size() / sizeof(FrameRecord));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::string encode_records(std::span<const FrameRecord> records) {
  std::string out(records.size_bytes(), '\0');
  if (!records.empty()) std::memcpy(out.data(), records.data(), out.size());
  return out;
}

Status check_records(std::span<const FrameRecord> records, std::string_view where) {
  std::vector<std::pair<int64_t, size_t>> frames;
  frames.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    if (const std::string what = fault_of(records[i]); !what.empty()) return wrong(where, i, what);
    frames.emplace_back(records[i].frame, i);
  }
  std::sort(frames.begin(), frames.end());
  for (size_t k = 1; k < frames.size(); ++k)
    if (frames[k].first == frames[k - 1].first)
      return wrong(where, frames[k].second,
                   fmt::format("frame {} is there twice, first as record {}", frames[k].first,
                               frames[k - 1].second));
  return {};
}

size_t sound_records(std::span<const FrameRecord> records) {
  std::unordered_set<int64_t> seen;
  for (size_t i = 0; i < records.size(); ++i)
    if (!fault_of(records[i]).empty() || !seen.insert(records[i].frame).second) return i;
  return records.size();
}

}  // namespace assay::stream
