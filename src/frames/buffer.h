// SPDX-License-Identifier: Apache-2.0
// The shared memory between the parent and one assay-frames process: a header, then a region of
// FrameRecords for each stream. What was written is kept even when the child dies.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "stream/record.h"

namespace assay::frames {

namespace buffer_layout {                       // int64 words
inline constexpr int64_t magic = 0x3153464153;  // "SAFS1"
inline constexpr int64_t version = 2;
inline constexpr int64_t max_streams = 64, max_frames = int64_t{1} << 26;
// Header. go_at: CLOCK_MONOTONIC ns at which all processes begin (t0); 0 = wait. stop: not 0 = end
// after the current frame. ready: set to 1 by the child when everything is warmed up.
enum : int64_t {
  at_magic,
  at_version,
  at_streams,
  at_capacity,
  at_go_at,
  at_stop,
  at_ready,
  at_spare,
  at_written
};  // written: records stored, in the order they were decided; streams lie cache lines apart, since
    // each has a writer of its own
inline constexpr int64_t line_words = 8;
inline constexpr int64_t at_written_of(int64_t stream) { return at_written + stream * line_words; }
inline constexpr int64_t header_words = at_written_of(max_streams);
inline constexpr int64_t bytes(int64_t streams, int64_t capacity) {
  return (header_words * 8) +
         streams * capacity * static_cast<int64_t>(sizeof(stream::FrameRecord));
}
}  // namespace buffer_layout

// Parent: creates a sealed memfd; child: maps the descriptor it was given and faults it in. The
// parent trusts nothing it reads back: counts are clamped.
class FrameBuffer {
 public:
  static Result<FrameBuffer> create(int64_t streams, int64_t capacity);
  static Result<FrameBuffer> attach(int fd, int64_t streams, int64_t capacity);
  FrameBuffer(FrameBuffer&&) noexcept;
  FrameBuffer& operator=(FrameBuffer&&) noexcept;
  ~FrameBuffer();

  int fd() const { return fd_; }
  int64_t streams() const { return streams_; }
  int64_t capacity() const { return capacity_; }

  // Parent's side.
  bool ready() const;
  void go_at(int64_t monotonic_ns);
  void stop();
  std::vector<stream::FrameRecord> records(int64_t stream) const;
  int64_t written(int64_t stream) const;  // records so far, within 0..capacity

  // Child's side. append: stores the record, then advances the count (release). False when full.
  void set_ready();
  int64_t wait_for_go() const;  // polls each millisecond; 0 when stopped first
  bool stopped() const;
  bool append(int64_t stream, const stream::FrameRecord& record) noexcept;

 private:
  FrameBuffer() = default;
  int fd_ = -1;
  bool own_fd_ = false;
  int64_t streams_ = 0, capacity_ = 0, bytes_ = 0;
  int64_t* base_ = nullptr;
};

}  // namespace assay::frames
