// SPDX-License-Identifier: Apache-2.0
// What the steps of one launch share: the open engine, the data set, the slots and the event
// stream.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/events.h"
#include "worker/feed.h"
#include "worker/request.h"
#include "worker/runner_library.h"

namespace assay::worker {

// Outputs of one run, one byte string per output of the engine.
using OutputBytes = std::vector<std::vector<std::byte>>;

// How a set of runs compares with what was expected of it.
struct Mismatches {
  int64_t compared = 0, differing = 0;
  double max_abs = 0;
  std::string first;  // which comparison differed first
  void note(const std::vector<TensorSpec>& specs, const OutputBytes& expected,
            const OutputBytes& got, const std::string& what);
};

class Session {
 public:
  Session(const LaunchRequest& request, const RunnerLibrary& library, EventWriter& events)
      : request_(request), library_(library), events_(events) {}

  LaunchStatus open(
      bool announce);  // engine, checks against manifest and data set, slots filled and bound
  void close();        // engine and slots
  bool is_open() const { return engine_ != nullptr && !slots_.empty(); }
  int64_t slot_count() const { return static_cast<int64_t>(slots_.size()); }
  int64_t check_count() const;  // items that checks look at: the first 8, fewer in a small data set
  int64_t items() const { return feed_->n(); }

  LaunchStatus load_item(int64_t item);  // into slot 0, and binds it again
  LaunchStatus run_item(int64_t item);   // load_item and one run
  LaunchStatus refill_slots();           // slot s holds item s, bound
  OutputBytes outputs_of(int64_t slot) const;
  void report(const std::string& check, const std::string& result, const Mismatches& found,
              const std::string& detail);
  // pass or fail by `found`.
  void report(const std::string& check, const Mismatches& found);

  const LaunchRequest& request() const { return request_; }
  EventWriter& events() { return events_; }
  Engine& engine() { return *engine_; }
  Slot& slot(int64_t s) { return slots_[static_cast<size_t>(s)]; }

  std::vector<OutputBytes>
      expected;  // outputs of the first check_count() items, before the timed loop
  std::vector<OutputBytes> expected_slots;  // outputs of each slot, before the timed loop
  bool timed = false;                       // the timed loop was run
  std::vector<Json> kernels;                // kernel map of the first open

 private:
  LaunchStatus bind(int64_t s);
  const LaunchRequest& request_;
  const RunnerLibrary& library_;
  EventWriter& events_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Feed> feed_;
  std::vector<Slot> slots_;
};

// Usage-like error when manifest.json of the engine folder is unreadable or names other tensors
// than the engine.
LaunchStatus check_manifest(const fs::path& engine_dir, const Engine& engine);

}  // namespace assay::worker
