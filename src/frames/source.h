// SPDX-License-Identifier: Apache-2.0
// Where a frame's pixels come from, in the two stages that are timed: read (bytes into memory taken
// before) and decode (bytes to pixels). Nothing here allocates once a source is made.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/mix.h"
#include "base/result.h"
#include "frames/request.h"
#include "vision/frame.h"
#include "vision/frame_decoder.h"

namespace assay::frames {

struct SourceFrame {
  vision::FrameView view;                   // valid until the next read of this source
  int64_t full_width = 0, full_height = 0;  // of the picture; the view's times `scale`
  int scale = 1;                            // > 1: decoded smaller (scaled_decode)
};

// One thread's use of a source.
class Source {
 public:
  virtual ~Source() = default;
  // Which picture frame `frame` (from 0) shows; -1: the camera has stopped before it.
  virtual int64_t picture_of(int64_t frame) const noexcept = 0;
  // Stage read: the bytes of `picture` into this source's buffer.
  virtual vision::FrameFault read(int64_t picture) noexcept = 0;
  // Stage decode: of the picture that was read last. `target` as vision/frame_decoder.h.
  virtual vision::FrameFault decode(const vision::DecodeTarget& target,
                                    SourceFrame* out) noexcept = 0;
  // Sides of `picture` when they are known before it is decoded, else 0.
  virtual void size_of(int64_t, int64_t* width, int64_t* height) const noexcept {
    *width = *height = 0;
  }
  // Between frames, untimed: makes `picture` cold again where the spec asks for that.
  virtual void forget(int64_t) noexcept {}
};

// What all threads share of a source: lists of files, pictures in memory. Never changes.
class SourceData {
 public:
  virtual ~SourceData() = default;
  virtual Result<std::unique_ptr<Source>> use() const = 0;
  // Frames until the camera stops, INT64_MAX: it does not, or nobody knows.
  virtual int64_t frames() const = 0;
  // Largest picture that decode() gives: what the memory behind it is made for.
  virtual int64_t max_width() const = 0;
  virtual int64_t max_height() const = 0;
  virtual bool sequential() const { return false; }  // a stream needs a use() of its own
  virtual std::string note() const { return ""; }    // what its reader should know
};

// Lists, checks and, as the spec's cache says, reads what `frames` frames will show. Usage error
// for a source that has no picture at all; a picture that is bad is a fault of its frames.
Result<std::shared_ptr<const SourceData>> load_source(const SourceSpec& spec, int64_t frames);

// The kinds.
Result<std::shared_ptr<const SourceData>> load_folder(const SourceSpec& spec, int64_t frames);
Result<std::shared_ptr<const SourceData>> load_raw(const SourceSpec& spec);
Result<std::shared_ptr<const SourceData>> load_synthetic(const SourceSpec& spec);
Result<std::shared_ptr<const SourceData>> load_video(const SourceSpec& spec);

// Dense frames as a camera gives them: bytes of one, and the view of one at `bytes`.
int64_t raw_frame_bytes(const SourceSpec& spec);
vision::FrameView raw_view(const SourceSpec& spec, const uint8_t* bytes);

// Memory that the kinds may take for pictures read before the run: a quarter of the machine.
Status check_picture_memory(int64_t bytes, const std::string& where);
// All `bytes` at `offset` of `fd`; false when it cannot be read or ends before.
bool read_whole(int fd, void* to, int64_t bytes, int64_t offset) noexcept;

}  // namespace assay::frames
