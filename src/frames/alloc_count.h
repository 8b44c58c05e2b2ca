// SPDX-License-Identifier: Apache-2.0
// How often the calling thread has taken heap memory: ours apart from what the compiler's runtime
// takes inside run(). Counted where alloc_interpose.cc is linked in (assay-frames); else unknown.
#pragma once

#include <cstdint>

namespace assay::frames {

// Plain thread-local words: malloc itself bumps them, before any constructor has run.
struct AllocState {
  int64_t own = 0, compiler = 0;
  bool in_compiler = false;
};
extern thread_local constinit AllocState alloc_state;
extern constinit bool alloc_counting;  // set by the interposed functions' own constructor

struct AllocCounts {
  int64_t own = 0, compiler = 0;
  // Since `before`; -1 when nothing is counted here.
  AllocCounts since(const AllocCounts& before) const {
    if (!alloc_counting) return {-1, -1};
    return {own - before.own, compiler - before.compiler};
  }
};
inline AllocCounts alloc_counts() { return {alloc_state.own, alloc_state.compiler}; }

// While it lives, allocations of this thread are the compiler's.
class InCompiler {
 public:
  InCompiler() { set(true); }
  ~InCompiler() { set(false); }
  InCompiler(const InCompiler&) = delete;
  InCompiler& operator=(const InCompiler&) = delete;

 private:
  static void set(bool inside) {
    // The optimiser takes malloc for a function that reads no variable of ours.
    asm volatile("" ::: "memory");
    alloc_state.in_compiler = inside;
    asm volatile("" ::: "memory");
  }
};

}  // namespace assay::frames
