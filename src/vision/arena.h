// SPDX-License-Identifier: Apache-2.0
// Memory taken once, handed out from the front and taken back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace assay::vision {

class Arena {
 public:
  static constexpr size_t kAlign = 64;  // a cache line, and what SIMD code of libjpeg wants

  Arena() = default;
  // Maps and faults in `bytes`; nothing when the system has them not.
  static std::optional<Arena> create(size_t bytes);
  Arena(Arena&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        used_(std::exchange(other.used_, 0)) {}
  Arena& operator=(Arena&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(used_, other.used_);
    return *this;
  }
  ~Arena();

  void* take(size_t bytes) noexcept;  // aligned to kAlign; null when it is used up
  void reset() noexcept;
  size_t size() const { return size_; }
  size_t used() const { return used_; }

 private:
  uint8_t* base_ = nullptr;
  size_t size_ = 0, used_ = 0;
};

}  // namespace assay::vision
