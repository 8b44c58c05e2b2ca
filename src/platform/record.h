// SPDX-License-Identifier: Apache-2.0
// What was read over a time: columns of numbers with their moments. Made by Recorder (a thread) or
// round by round; stored as JSON; read again by the report.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "platform/channel.h"
#include "platform/probe.h"

namespace assay::platform {

struct Record {
  int interval_ms = 0;  // asked for; the moments tell what it became
  std::vector<Channel> channels;
  std::vector<int64_t> t_ns;                  // CLOCK_MONOTONIC at the start of each round
  std::vector<std::vector<int64_t>> columns;  // [channel][round]
  std::vector<Missing> missing;
  bool real = true;  // Roots::real() of the probe

  const std::vector<int64_t>* column(std::string_view name) const;
  const Channel* channel(std::string_view name) const;
  void add(int64_t now_ns, std::span<const int64_t> values);
};

// {"interval_ms", "real", "t_ns": [..], "channels": [{"name", "kind", "wrap", "refresh_ms",
// "least_interval_ms", "values": [.., null]}...], "missing": [{"what", "why"}]}; kUnknown is null,
// and a wrap, refresh_ms or least_interval_ms of 0 is left out.
Json to_json(const Record& record);
// Untrusted: lengths must agree, moments must not fall.
Result<Record> record_from_json(const Json& j);

// How much a counter grew between the rounds `from` and `to`, over wraps; absent where either value
// is unknown or the counter fell without a wrap.
std::optional<int64_t> growth(const Record& record, std::string_view counter, size_t from,
                              size_t to);

// Keeps the rounds up to `first` and, of each two that follow, the one that knows more: channels
// that are read seldom would else vanish whenever their rounds are the odd ones. A bit of a mask
// (throttling) that was seen in a dropped round stays seen.
void halve(Record& record, size_t first = 0);

// Reads a probe at an interval on its own thread (pinned to `cpu` when >= 0) until stop. At most
// `limit` rounds are kept: beyond it every second one is dropped and the interval doubled, so that
// a build of hours stays small. Of two the one that knows more is kept, with the bits of both
// masks.
class Recorder {
 public:
  Recorder(Probe probe, int interval_ms, int cpu = -1, bool real = true, size_t limit = 20000);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  void start();
  Record stop();  // one last round, then the record; the same record when asked again

 private:
  void loop();
  void round();
  bool halt();  // false: it was already
  Probe probe_;
  int cpu_;
  size_t limit_;
  Record record_;
  std::vector<int64_t> values_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int halvings_ = 0;
};

}  // namespace assay::platform
