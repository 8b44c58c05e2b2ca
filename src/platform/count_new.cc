// SPDX-License-Identifier: Apache-2.0
// Replaces the test program's operators. A file of its own, so that the compiler sees no pair of
// them where they are used.
#include "platform/count_new.h"

#include <cstdlib>
#include <new>

namespace assay::platform {
namespace {
thread_local int64_t taken = 0;
}
int64_t news_of_this_thread() { return taken; }
}  // namespace assay::platform

void* operator new(size_t size) {
  ++assay::platform::taken;
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
