// SPDX-License-Identifier: Apache-2.0
// The timed loop. Between two stamps stands the run and nothing else; after them one sample is
// stored and the published count is advanced. Everything slow (order, buffers, page faults) belongs
// before it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace assay::measure {

// Why the loop came back.
enum class LoopEnd { complete, out_of_time, run_failed };

struct LoopResult {
  LoopEnd end = LoopEnd::complete;
  int64_t n = 0;   // samples stored: valid whatever `end` is
  int status = 0;  // what `run` returned when it failed
};

// run(int32_t slot) -> int, 0 for success.  now() -> int64_t ns.
// order[n]: slot of each sample (int64, as it lies in the shared buffer).  samples[n]: ns, written
// here. written: advanced to i+1 once sample i is stored (release), so that another process can
// save what is there. deadline_ns: in units of now(); the loop ends after the first sample that
// finishes at or past it.
template <class Run, class Now>
inline LoopResult timed_loop(Run&& run, Now&& now, const int64_t* order, int64_t n,
                             int64_t* samples, int64_t* written,
                             int64_t deadline_ns = std::numeric_limits<int64_t>::max()) {
  std::atomic_ref<int64_t> published(*written);
  for (int64_t i = 0; i < n; ++i) {
    const auto slot = static_cast<int32_t>(order[i]);
    const int64_t begin = now();
    const int status = run(slot);
    const int64_t end = now();
    if (status != 0) [[unlikely]]
      return {LoopEnd::run_failed, i, status};
    samples[i] = end - begin;
    published.store(i + 1, std::memory_order_release);
    if (end >= deadline_ns) [[unlikely]]
      return {i + 1 == n ? LoopEnd::complete : LoopEnd::out_of_time, i + 1, 0};
  }
  return {LoopEnd::complete, n, 0};
}

// Runs slots round robin, untimed, until both `runs` runs were made and `min_ns` of now() have
// passed, or `give_up()` says true (asked after each run).
struct WarmUpResult {
  int64_t runs = 0;
  int status = 0;  // of the run that failed, else 0
};
template <class Run, class Now, class GiveUp>
inline WarmUpResult warm_up(Run&& run, Now&& now, int64_t slots, int64_t runs, int64_t min_ns,
                            GiveUp&& give_up) {
  WarmUpResult result;
  const int64_t begin = now();
  while (result.runs < runs || now() - begin < min_ns) {
    const int status = run(static_cast<int32_t>(result.runs % slots));
    if (status != 0) {
      result.status = status;
      return result;
    }
    ++result.runs;
    if (give_up()) break;
  }
  return result;
}

}  // namespace assay::measure
