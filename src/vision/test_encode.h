// SPDX-License-Identifier: Apache-2.0
// Pictures of any kind and size, written by the libraries' own encoders, for tests and the fuzzer.
#pragma once

#include <png.h>

#include <cstdio>  // jpeglib.h needs it before
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>

namespace assay::vision {

// Smooth with some detail: `channels` interleaved bytes a pixel.
inline std::vector<uint8_t> test_pixels(int64_t width, int64_t height, int channels) {
  std::vector<uint8_t> out;
  out.reserve(static_cast<size_t>(width * height * channels));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        out.push_back(static_cast<uint8_t>(
            (x * (c + 1) * 255 / (width + 1) + y * 97 / (height + 1) + (x * y + c) % 23) % 256));
  return out;
}

struct JpegKind {
  int channels = 3;  // 1 grey, 3 RGB, 4 CMYK
  bool progressive = false, arithmetic = false, ycck = false;
  int h = 2, v = 2;  // sampling of the first component
  int restart = 0;   // MCUs
  int quality = 85;
  bool two_scans = false;  // grey only: progressive in the fewest scans
};

inline std::string test_jpeg(int64_t width, int64_t height, const JpegKind& kind = {}) {
  const std::vector<uint8_t> pixels = test_pixels(width, height, kind.channels);
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = kind.channels;
  info.in_color_space = kind.channels == 1   ? JCS_GRAYSCALE
                        : kind.channels == 3 ? JCS_RGB
                        : kind.channels == 4 ? JCS_CMYK
                                             : JCS_UNKNOWN;
  jpeg_set_defaults(&info);
  if (kind.ycck) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (kind.channels > 1) {
    info.comp_info[0].h_samp_factor = kind.h;
    info.comp_info[0].v_samp_factor = kind.v;
  }
  if (kind.progressive) jpeg_simple_progression(&info);
  const jpeg_scan_info scans[] = {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}};
  if (kind.two_scans) {
    info.scan_info = scans;
    info.num_scans = 2;
  }
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  info.restart_interval = static_cast<unsigned>(kind.restart);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(pixels.data()) +
                static_cast<int64_t>(info.next_scanline) * width * kind.channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string out(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return out;
}

struct PngKind {
  int type = PNG_COLOR_TYPE_RGB, depth = 8;
  bool interlaced = false, transparent = false;  // transparent: a tRNS chunk
  size_t text_bytes = 0;                         // of a comment
};

inline std::string test_png(int64_t width, int64_t height, const PngKind& kind = {}) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep data, png_size_t size) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(data), size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
               kind.depth, kind.type, kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette;
  for (int i = 0; i < 1 << (kind.depth > 8 ? 8 : kind.depth); ++i)
    palette.push_back({static_cast<png_byte>(i * 3), static_cast<png_byte>(255 - i),
                       static_cast<png_byte>(i * 7)});
  if (kind.type == PNG_COLOR_TYPE_PALETTE)
    png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_byte alphas[] = {0, 128};
  png_color_16 key = {0, 1, 1, 1, 1};
  if (kind.transparent) png_set_tRNS(png, info, alphas, 2, &key);
  std::string comment(kind.text_bytes, 'x'), name = "Comment";
  png_text text = {};
  text.compression = PNG_TEXT_COMPRESSION_NONE;
  text.key = name.data();
  text.text = comment.data();
  text.text_length = comment.size();
  if (kind.text_bytes > 0) png_set_text(png, info, &text, 1);
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  std::vector<uint8_t> pixels = test_pixels(static_cast<int64_t>(row_bytes), height, 1);
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < height; ++y)
    rows.push_back(pixels.data() + static_cast<size_t>(y) * row_bytes);
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace assay::vision
