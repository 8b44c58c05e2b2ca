// SPDX-License-Identifier: Apache-2.0
#include "vision/arena.h"

#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ASSAY_POISON(at, bytes) __asan_poison_memory_region(at, bytes)
#define ASSAY_UNPOISON(at, bytes) __asan_unpoison_memory_region(at, bytes)
#else
#define ASSAY_POISON(at, bytes) static_cast<void>(at)
#define ASSAY_UNPOISON(at, bytes) static_cast<void>(at)
#endif

namespace assay::vision {
namespace {

constexpr size_t kPage = 4096, kHugePage = size_t{2} << 20;
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kGap = Arena::kAlign;  // poisoned, so that a write past an end is seen
#else
constexpr size_t kGap = 0;
#endif

}  // namespace

std::optional<Arena> Arena::create(size_t bytes) {
  Arena arena;
  arena.size_ = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* at = mmap(nullptr, arena.size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return std::nullopt;
  arena.base_ = static_cast<uint8_t*>(at);
  madvise(at, arena.size_, MADV_HUGEPAGE);  // a wish: fewer misses of the TLB
  for (size_t i = 0; i < arena.size_; i += kPage)
    *const_cast<volatile uint8_t*>(arena.base_ + i) = 0;
  arena.reset();
  return arena;
}

Arena::~Arena() {
  if (base_ == nullptr) return;
  ASSAY_UNPOISON(base_, size_);
  munmap(base_, size_);
}

void* Arena::take(size_t bytes) noexcept {
  if (bytes > size_ - used_) return nullptr;
  const size_t whole = (bytes + kAlign - 1) / kAlign * kAlign + kGap;
  if (whole > size_ - used_) return nullptr;
  uint8_t* at = base_ + used_;
  used_ += whole;
  ASSAY_UNPOISON(at, bytes);
  return at;
}

void Arena::reset() noexcept {
  ASSAY_POISON(base_, size_);
  used_ = 0;
}

}  // namespace assay::vision
