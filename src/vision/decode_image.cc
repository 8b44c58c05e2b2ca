// SPDX-License-Identifier: Apache-2.0
#include <new>

#include "base/text.h"
#include "vision/codec.h"
#include "vision/image.h"

namespace assay::vision {
namespace {

constexpr DecodeLimits kLimits = {kMaxSide, kMaxSide, kMaxPixels};

// Called in the middle of a library's work, which no exception may cross.
uint8_t* take(void* owner, size_t bytes) {
  auto* pixels = static_cast<std::vector<uint8_t>*>(owner);
  try {
    pixels->resize(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return pixels->data();
}

Result<Image> image_or_error(FrameFault fault, const CodecResult& result,
                             std::vector<uint8_t> pixels, std::string_view kind,
                             std::string_view where) {
  if (fault == FrameFault::none) return Image{result.width, result.height, std::move(pixels)};
  const std::string why = one_line(result.message, 200);
  std::string message = fmt::format("{}: damaged {}: {}", where, kind, why);
  if (fault == FrameFault::unsupported)
    message = fmt::format("{}: {} of a kind that is not read: {}", where, kind, why);
  if (fault == FrameFault::too_large)
    message = why.empty()
                  ? fmt::format("{}: {} of {} x {} pixels, more than {} a side or {} in all", where,
                                kind, result.full_width, result.full_height, kMaxSide, kMaxPixels)
                  : fmt::format("{}: {} too large: {}", where, kind, why);
  return bad_input(std::move(message), "replace or remove the image");
}

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, std::string_view where) {
  jpeg_decompress_struct info;
  JpegTrap trap;
  CodecResult result;
  std::vector<uint8_t> pixels;
  FrameFault fault = FrameFault::too_large;
  if (create_jpeg(&info, &trap)) {
    info.mem->max_memory_to_use = 1L << 30;
    fault = run_jpeg(&info, &trap, bytes, kLimits, {}, {take, &pixels}, &result);
  }
  jpeg_destroy_decompress(&info);
  return image_or_error(fault, result, std::move(pixels), "JPEG", where);
}

Result<Image> decode_png(std::span<const std::byte> bytes, std::string_view where) {
  CodecResult result;
  std::vector<uint8_t> pixels;
  const FrameFault fault =
      run_png(bytes, kLimits, {nullptr, nullptr, nullptr}, {take, &pixels}, &result);
  return image_or_error(fault, result, std::move(pixels), "PNG", where);
}

Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view where) {
  if (starts_as_png(bytes)) return decode_png(bytes, where);
  if (starts_as_jpeg(bytes)) return decode_jpeg(bytes, where);
  return bad_input(fmt::format("{}: neither a JPEG nor a PNG ({} bytes)", where, bytes.size()),
                   "convert or remove the file");
}

}  // namespace assay::vision
