// SPDX-License-Identifier: Apache-2.0
// Where the workers of a MultiStream query meet. They spin, so that meeting costs no wake-up; who
// spins long gives the CPU away, since there may be fewer CPUs than workers.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

namespace assay::frames {

class QueryBarrier {
 public:
  explicit QueryBarrier(int threads) : threads_(threads) {}

  // All threads call it; the last to come works out `decide()`, and every one returns that.
  template <class Decide>
  int64_t arrive(Decide&& decide) noexcept {
    const int64_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      value_ = decide();
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return value_;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins)
      if (spins > patience) sched_yield();
    return value_;
  }

 private:
  static constexpr int patience = 2000;
  const int threads_;
  int64_t value_ = 0;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int64_t> round_{0};
};

}  // namespace assay::frames
