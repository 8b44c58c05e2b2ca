// SPDX-License-Identifier: Apache-2.0
// Counts the allocations of this thread, those inside shared libraries too. Include in one source
// of a program.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of the sanitizers' run-time library; g++ 12 comes without its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           size_t),
                                                         void (*on_free)(const volatile void*));
#else
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}
#endif

namespace assay {
inline thread_local int64_t allocations = 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
namespace assay {
inline const int allocations_hooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t) { ++allocations; }, [](const volatile void*) {});
}
#else
extern "C" {
void* malloc(size_t bytes) {
  ++assay::allocations;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  ++assay::allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* at, size_t bytes) {
  ++assay::allocations;
  return __libc_realloc(at, bytes);
}
void* aligned_alloc(size_t align, size_t bytes) {
  ++assay::allocations;
  return __libc_memalign(align, bytes);
}
int posix_memalign(void** at, size_t align, size_t bytes) {
  ++assay::allocations;
  *at = __libc_memalign(align, bytes);
  return *at == nullptr ? 12 : 0;  // ENOMEM
}
}
#endif
