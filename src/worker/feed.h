// SPDX-License-Identifier: Apache-2.0
// Items of a prepared data set (docs/formats.md) in the order of an engine's inputs, and aligned
// buffers for them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/result.h"

namespace assay::worker {

// Zeroed bytes at a 64-byte boundary; never null, also for size 0.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(int64_t bytes);
  void* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data_.get()), static_cast<size_t>(size_)};
  }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  int64_t size_;
};

// Buffers of one slot, in the engine's order of inputs and outputs.
struct Slot {
  std::vector<AlignedBuffer> inputs, outputs;
  Slot(const std::vector<TensorSpec>& input_specs, const std::vector<TensorSpec>& output_specs);
  std::vector<void*> input_pointers() const;
  std::vector<void*> output_pointers() const;
};

// Files are read with pread, not mapped: a file that shrinks is an error and not SIGBUS, and the
// data set does not count as memory of the engine.
class Feed {
 public:
  // Every engine input must be in the data set with the same name, type and shape, and its file
  // hold n items.
  static Result<Feed> open(const fs::path& folder, const std::vector<TensorSpec>& engine_inputs);
  Feed(Feed&&) noexcept = default;
  int64_t n() const { return n_; }  // >= 1
  // Fills the input buffers of `slot` with item `index` modulo n.
  Status fill(int64_t index, Slot& slot) const;

 private:
  struct File {
    struct Close {
      void operator()(const int* fd) const;
    };
    std::unique_ptr<int, Close> fd;
    int64_t item_bytes = 0;
    std::string path;
  };
  Feed() = default;
  int64_t n_ = 0;
  std::vector<File> files_;
};

}  // namespace assay::worker
