// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "vision/codec.h"

namespace assay::vision {
namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte* data;
  size_t size, at = 0;
  char* message;
  size_t message_bytes;
};

void on_read(png_structp png, png_bytep out, png_size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->size - reader->at) png_error(png, "the file ends too early");
  std::memcpy(out, reader->data + reader->at, count);
  reader->at += count;
}

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(reader->message, reader->message_bytes, "%s", text);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {
}  // of auxiliary chunks, which are not used; bad checksums are errors

constexpr char kNoMemory[] = "no memory";

FrameFault fault_of(std::string_view message) {
  if (message == kNoMemory || message.find("ut of memory") != message.npos ||
      message.find("nsufficient memory") != message.npos)
    return FrameFault::too_large;
  // A chunk the file says must be understood, as in Apple's own variant.
  if (message.find("unhandled critical chunk") != message.npos) return FrameFault::unsupported;
  return FrameFault::damaged;
}

// Nothing in here needs a destructor. What changes after setjmp is behind `reader` and `out`.
FrameFault decode(Reader* reader, const DecodeLimits& limits, const PixelSink& sink,
                  CodecResult* out) {
  png_structp png = reader->png;
  if (setjmp(png_jmpbuf(png))) return fault_of(reader->message);
  reader->info = png_create_info_struct(png);
  if (reader->info == nullptr) png_error(png, kNoMemory);
  png_infop info = reader->info;
  // The real limits are below, with their own word. Chunks that do not change the pixels are
  // skipped, so that none of them can ask for memory.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png, 0);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  png_set_read_fn(png, reader, on_read);
  png_read_info(png, info);
  const int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  out->full_width = width;
  out->full_height = height;
  if (width > limits.max_width || height > limits.max_height || width * height > limits.max_pixels)
    return FrameFault::too_large;
  const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (depth == 16) png_set_scale_16(png);
  png_set_strip_alpha(png);
  if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != static_cast<size_t>(width * 3))
    png_error(png, "unexpected row size");
  uint8_t* rgb = sink.take(sink.owner, static_cast<size_t>(width * height * 3));
  if (rgb == nullptr) png_error(png, kNoMemory);
  for (int pass = 0; pass < passes; ++pass)
    for (int64_t y = 0; y < height; ++y) png_read_row(png, rgb + y * width * 3, nullptr);
  png_read_end(png, nullptr);
  out->width = width;
  out->height = height;
  out->rgb = rgb;
  return FrameFault::none;
}

}  // namespace

FrameFault run_png(std::span<const std::byte> bytes, const DecodeLimits& limits,
                   const PngMemory& memory, const PixelSink& sink, CodecResult* out) {
  Reader reader{.data = bytes.data(),
                .size = bytes.size(),
                .message = out->message,
                .message_bytes = sizeof out->message};
  reader.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning,
                                        memory.owner, memory.take, memory.give);
  if (reader.png == nullptr) return FrameFault::too_large;
  const FrameFault fault = decode(&reader, limits, sink, out);
  png_destroy_read_struct(&reader.png, &reader.info, nullptr);
  return fault;
}

}  // namespace assay::vision
