// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it before

#include <jpeglib.h>

#include "base/text.h"
#include "vision/image.h"

namespace assay::vision {
namespace {

struct Trap {
  jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr common) {
  auto* trap = reinterpret_cast<Trap*>(common->err);
  common->err->format_message(common, trap->message);
  std::longjmp(trap->back, 1);
}

// Warnings (level -1) are damage: cut-off or corrupt data that would be guessed. An audit must not
// guess.
void on_message(j_common_ptr common, int level) {
  if (level < 0) on_error(common);
}

enum class Outcome { ok, damaged, too_large };

// All that can jump stays in here, with no object of C++ that would need its destructor run. `out`
// is resized by the caller between the two calls: pass 1 (pixels null) reads the size, pass 2 the
// pixels as they are stored.
Outcome decode(std::span<const std::byte> bytes, Trap* trap, uint8_t* pixels, int64_t* width,
               int64_t* height, int* components, bool* inverted) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&trap->manager);
  trap->manager.error_exit = on_error;
  trap->manager.emit_message = on_message;
  if (setjmp(trap->back)) {
    jpeg_destroy_decompress(&info);
    return Outcome::damaged;
  }
  jpeg_create_decompress(&info);
  info.mem->max_memory_to_use = 1L << 30;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  const bool cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  *width = info.image_width;
  *height = info.image_height;
  *components = cmyk ? 4 : 3;
  *inverted = info.saw_Adobe_marker;
  if (*width > kMaxSide || *height > kMaxSide || *width * *height > kMaxPixels) {
    jpeg_destroy_decompress(&info);
    return Outcome::too_large;
  }
  if (pixels != nullptr) {
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = pixels + static_cast<int64_t>(info.output_scanline) * *width * *components;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return Outcome::ok;
}

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, std::string_view where) {
  Trap trap;
  trap.message[0] = '\0';
  int components = 3;
  bool inverted = false;
  Image image;
  const auto failed = [&](Outcome outcome) {
    return bad_input(
        outcome == Outcome::too_large
            ? fmt::format("{}: JPEG of {} x {} pixels, more than {} a side or {} in all", where,
                          image.width, image.height, kMaxSide, kMaxPixels)
            : fmt::format("{}: damaged JPEG: {}", where, one_line(trap.message, 200)),
        "replace or remove the image");
  };
  Outcome outcome =
      decode(bytes, &trap, nullptr, &image.width, &image.height, &components, &inverted);
  if (outcome != Outcome::ok) return failed(outcome);
  std::vector<uint8_t> pixels(static_cast<size_t>(image.width * image.height * components));
  outcome =
      decode(bytes, &trap, pixels.data(), &image.width, &image.height, &components, &inverted);
  if (outcome != Outcome::ok) return failed(outcome);
  if (components == 3) {
    image.rgb = std::move(pixels);
    return image;
  }
  image.rgb.resize(static_cast<size_t>(image.width * image.height * 3));
  for (size_t i = 0; i < image.rgb.size() / 3; ++i) {
    const uint8_t* p = pixels.data() + 4 * i;  // Adobe stores the inks inverted
    const int key = inverted ? p[3] : 255 - p[3];
    for (size_t c = 0; c < 3; ++c) {
      const int ink = inverted ? p[c] : 255 - p[c];
      image.rgb[3 * i + c] = static_cast<uint8_t>((ink * key + 127) / 255);
    }
  }
  return image;
}

}  // namespace assay::vision
