// SPDX-License-Identifier: Apache-2.0
#include "vision/frame_decoder.h"

#include <algorithm>

#include "vision/arena.h"
#include "vision/codec.h"
#include "vision/image.h"
#include "vision/jpeg_memory.h"

namespace assay::vision {
namespace {

// Pixels of RGB, and of a progressive JPEG all coefficients of four components (16 bits each), its
// sides rounded up to the largest unit (32 pixels). Beside it rows: libjpeg's units of up to 40
// rows a component, libpng's two of 16-bit RGBA, and the pointers to them.
size_t arena_bytes_for(const DecodeLimits& limits) {
  const auto sides = static_cast<size_t>(limits.max_width + limits.max_height);
  const size_t padded =
      std::min(static_cast<size_t>((limits.max_width + 32) * (limits.max_height + 32)),
               static_cast<size_t>(limits.max_pixels) + 32 * sides + 1024);
  const auto pixels =
      static_cast<size_t>(std::min(limits.max_width * limits.max_height, limits.max_pixels));
  return 3 * pixels + 8 * padded + 512 * sides + (size_t{2} << 20);
}

uint8_t* take_pixels(void* owner, size_t bytes) {
  return static_cast<uint8_t*>(static_cast<Arena*>(owner)->take(bytes));
}
png_voidp take_png(png_structp png, png_alloc_size_t bytes) {
  return static_cast<Arena*>(png_get_mem_ptr(png))->take(bytes);
}
void give_png(png_structp, png_voidp) {}  // all goes with the next picture

}  // namespace

struct FrameDecoder::Impl {
  DecodeLimits limits;
  Arena arena;
  JpegTrap trap;
  JpegMemory memory;
  // libjpeg's object as it was created, once, with its own memory for its few modules. Each picture
  // starts from a copy: tables that an earlier file defined are not seen by the next one.
  jpeg_decompress_struct created, info;
  CodecResult result;

  Impl() { created.mem = nullptr; }
  ~Impl() {
    if (created.mem != nullptr) jpeg_destroy_decompress(&created);
  }
  FrameFault jpeg(std::span<const std::byte> bytes, const DecodeTarget& target) noexcept {
    memory.forget();
    std::memcpy(&info, &created, sizeof info);
    info.mem = &memory.pub;
    return run_jpeg(&info, &trap, bytes, limits, target, {take_pixels, &arena}, &result);
  }
};

FrameDecoder::FrameDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FrameDecoder::FrameDecoder(FrameDecoder&&) noexcept = default;
FrameDecoder& FrameDecoder::operator=(FrameDecoder&&) noexcept = default;
FrameDecoder::~FrameDecoder() = default;

Result<FrameDecoder> FrameDecoder::create(const DecodeLimits& limits) {
  if (limits.max_width < 1 || limits.max_height < 1 || limits.max_pixels < 1 ||
      limits.max_width > kMaxSide || limits.max_height > kMaxSide || limits.max_pixels > kMaxPixels)
    return bad_input(
        fmt::format("limits of pictures: {} x {}, {} pixels; must be 1 to {} a side "
                    "and 1 to {} pixels",
                    limits.max_width, limits.max_height, limits.max_pixels, kMaxSide, kMaxPixels),
        "choose limits inside these");
  auto impl = std::make_unique<Impl>();
  impl->limits = limits;
  const size_t bytes = arena_bytes_for(limits);
  auto arena = Arena::create(bytes);
  if (!arena || !create_jpeg(&impl->created, &impl->trap))
    return missing(fmt::format("no memory for pictures of {} x {} pixels ({} bytes)",
                               limits.max_width, limits.max_height, bytes),
                   "lower the limits of pictures");
  impl->arena = std::move(*arena);
  impl->memory.init(&impl->arena, &impl->trap.no_memory);
  return FrameDecoder(std::move(impl));
}

FrameFault FrameDecoder::decode(std::span<const std::byte> bytes, const DecodeTarget& target,
                                DecodedFrame* out) noexcept {
  Impl& impl = *impl_;
  *out = {};
  impl.result = {};
  impl.arena.reset();
  FrameFault fault = bytes.empty() ? FrameFault::empty : FrameFault::not_an_image;
  if (starts_as_png(bytes))
    fault = run_png(bytes, impl.limits, {take_png, give_png, &impl.arena},
                    {take_pixels, &impl.arena}, &impl.result);
  else if (starts_as_jpeg(bytes))
    fault = impl.jpeg(bytes, target);
  const CodecResult& result = impl.result;
  out->full_width = result.full_width;
  out->full_height = result.full_height;
  if (fault != FrameFault::none) return fault;
  out->scale = result.scale;
  out->view.width = result.width;
  out->view.height = result.height;
  out->view.planes[0] = result.rgb;
  out->view.strides[0] = 3 * result.width;
  return fault;
}

}  // namespace assay::vision
