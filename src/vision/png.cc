// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "base/text.h"
#include "vision/image.h"

namespace assay::vision {
namespace {

struct Source {
  const std::byte* data;
  size_t size, at;
  char message[128];
};

void on_read(png_structp png, png_bytep out, png_size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->size - source->at) png_error(png, "the file ends too early");
  std::memcpy(out, source->data + source->at, count);
  source->at += count;
}

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->message, text, sizeof source->message - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {
}  // of auxiliary chunks, which are not used; bad checksums are errors

enum class Outcome { ok, damaged, too_large };

// Nothing in here needs a destructor; `pixels` null reads the size only.
Outcome decode(Source* source, uint8_t* pixels, int64_t* width, int64_t* height) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, source, on_error, on_warning);
  if (png == nullptr) return Outcome::damaged;
  png_infop info = nullptr;
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, nullptr);
    return Outcome::damaged;
  }
  info = png_create_info_struct(png);
  if (info == nullptr) png_error(png, "out of memory");
  png_set_user_limits(png, 1000000, 1000000);  // the real limits are below, with their own message
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_chunk_cache_max(png, 64);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
  png_set_read_fn(png, source, on_read);
  png_read_info(png, info);
  *width = png_get_image_width(png, info);
  *height = png_get_image_height(png, info);
  if (*width > kMaxSide || *height > kMaxSide || *width * *height > kMaxPixels) {
    png_destroy_read_struct(&png, &info, nullptr);
    return Outcome::too_large;
  }
  if (pixels != nullptr) {
    const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (depth == 16) png_set_scale_16(png);
    png_set_strip_alpha(png);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != static_cast<size_t>(*width * 3))
      png_error(png, "unexpected row size");
    for (int pass = 0; pass < passes; ++pass)
      for (int64_t y = 0; y < *height; ++y) png_read_row(png, pixels + y * *width * 3, nullptr);
    png_read_end(png, nullptr);
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return Outcome::ok;
}

}  // namespace

Result<Image> decode_png(std::span<const std::byte> bytes, std::string_view where) {
  Image image;
  Source source{bytes.data(), bytes.size(), 0, {}};
  const auto failed = [&](Outcome outcome) {
    return bad_input(
        outcome == Outcome::too_large
            ? fmt::format("{}: PNG of {} x {} pixels, more than {} a side or {} in all", where,
                          image.width, image.height, kMaxSide, kMaxPixels)
            : fmt::format("{}: damaged PNG: {}", where, one_line(source.message, 120)),
        "replace or remove the image");
  };
  Outcome outcome = decode(&source, nullptr, &image.width, &image.height);
  if (outcome != Outcome::ok) return failed(outcome);
  image.rgb.resize(static_cast<size_t>(image.width * image.height * 3));
  source.at = 0;
  outcome = decode(&source, image.rgb.data(), &image.width, &image.height);
  if (outcome != Outcome::ok) return failed(outcome);
  return image;
}

}  // namespace assay::vision
