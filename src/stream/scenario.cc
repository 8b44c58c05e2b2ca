// SPDX-License-Identifier: Apache-2.0
#include "stream/scenario.h"

#include "base/word_table.h"
#include "stream/record.h"

namespace assay::stream {
namespace {

constexpr WordTable<Scenario, 5> kScenarios = {{{Scenario::single_stream, "SingleStream"},
                                                {Scenario::multi_stream, "MultiStream"},
                                                {Scenario::offline, "Offline"},
                                                {Scenario::server, "Server"},
                                                {Scenario::constant_stream, "ConstantStream"}}};
constexpr WordTable<Policy, 3> kPolicies = {{{Policy::queue, "queue"},
                                             {Policy::drop_oldest, "drop-oldest"},
                                             {Policy::skip_if_busy, "skip-if-busy"}}};
constexpr WordTable<Fate, 5> kFates = {{{Fate::pending, "pending"},
                                        {Fate::done, "done"},
                                        {Fate::dropped, "dropped"},
                                        {Fate::skipped, "skipped"},
                                        {Fate::failed, "failed"}}};
constexpr WordTable<Stage, 8> kStageWords = {{{Stage::wait, "wait"},
                                              {Stage::read, "read"},
                                              {Stage::decode, "decode"},
                                              {Stage::pre, "pre"},
                                              {Stage::infer, "infer"},
                                              {Stage::post, "post"},
                                              {Stage::second, "second"},
                                              {Stage::response, "response"}}};

// Lower case without hyphens, so that constant-stream is ConstantStream.
std::string folded(std::string_view s) {
  std::string out;
  for (const char c : s)
    if (c != '-' && c != '_') out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

}  // namespace

std::string_view word(Scenario s) { return word_of(kScenarios, s); }
std::string_view word(Policy p) { return word_of(kPolicies, p); }
std::string_view word(Fate f) { return word_of(kFates, f); }
std::string_view word(Stage s) { return word_of(kStageWords, s); }
std::optional<Policy> policy_from(std::string_view s) { return value_of(kPolicies, s); }
std::optional<Scenario> scenario_from(std::string_view s) {
  for (const auto& [e, text] : kScenarios)
    if (folded(text) == folded(s)) return e;
  return std::nullopt;
}
bool open_loop(Scenario s) { return s == Scenario::server || s == Scenario::constant_stream; }

int64_t duration(const FrameRecord& r, Stage s) {
  switch (s) {
    case Stage::wait:
      return r.start_ns - r.release_ns;
    case Stage::read:
      return r.read_ns - r.start_ns;
    case Stage::decode:
      return r.decode_ns - r.read_ns;
    case Stage::pre:
      return r.pre_ns - r.decode_ns;
    case Stage::infer:
      return r.infer_ns - r.pre_ns;
    case Stage::post:
      return r.post_ns - r.infer_ns;
    case Stage::second:
      return r.done_ns - r.post_ns;
    case Stage::response:
      return r.done_ns - r.release_ns;
  }
  return 0;
}

}  // namespace assay::stream
