// SPDX-License-Identifier: Apache-2.0
// The allocation functions of this process, counted and handed on to glibc's. An object of the
// programs that name it, never of a library. Sanitizers have allocators of their own, which tell us
// of each call.
#include <cstddef>

#include "frames/alloc_count.h"

namespace {

void count() {
  auto& state = assay::frames::alloc_state;
  ++(state.in_compiler ? state.compiler : state.own);
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// Of the sanitizers' run-time library; g++ 12 comes without its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           size_t),
                                                         void (*on_free)(const volatile void*));
namespace {
[[gnu::constructor]] void note_counting() {
  __sanitizer_install_malloc_and_free_hooks([](const volatile void*, size_t) { count(); },
                                            [](const volatile void*) {});
  assay::frames::alloc_counting = true;
}
}  // namespace

#elif defined(__GLIBC__)
#include <cerrno>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

namespace {

[[gnu::constructor]] void note_counting() { assay::frames::alloc_counting = true; }

bool power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

}  // namespace

extern "C" {

void* malloc(size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void* calloc(size_t n, size_t bytes) {
  count();
  return __libc_calloc(n, bytes);
}
void* realloc(void* old, size_t bytes) {
  count();
  return __libc_realloc(old, bytes);
}
void free(void* p) { __libc_free(p); }
void* memalign(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  if (!power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  count();
  void* p = __libc_memalign(alignment, bytes);
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}

}  // extern "C"
#endif
