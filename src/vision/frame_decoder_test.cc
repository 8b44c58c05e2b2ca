// SPDX-License-Identifier: Apache-2.0
#include "vision/frame_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "vision/arena.h"
#include "vision/codec.h"
#include "vision/image.h"
#include "vision/jpeg_memory.h"
#include "vision/test_allocations.h"
#include "vision/test_encode.h"
#include "vision/test_images.h"

namespace assay::vision {
namespace {

std::span<const std::byte> span_of(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

FrameDecoder decoder(int64_t width, int64_t height, int64_t pixels = 0) {
  auto made = FrameDecoder::create({width, height, pixels > 0 ? pixels : width * height});
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

// The decoder says what decode_image() says, byte for byte, without an allocation.
void expect_same(FrameDecoder& frames, const std::string& bytes, const std::string& what) {
  const auto image = decode_image(span_of(bytes), what);
  DecodedFrame frame;
  const int64_t before = allocations;
  const FrameFault fault = frames.decode(span_of(bytes), {}, &frame);
  EXPECT_EQ(allocations - before, 0) << what;
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_EQ(fault, FrameFault::none) << what;
  ASSERT_EQ(frame.view.width, image->width) << what;
  ASSERT_EQ(frame.view.height, image->height) << what;
  EXPECT_EQ(frame.full_width, image->width);
  EXPECT_EQ(frame.full_height, image->height);
  EXPECT_EQ(frame.scale, 1);
  EXPECT_EQ(frame.view.format, PixelFormat::rgb8);
  ASSERT_EQ(frame.view.strides[0], 3 * image->width);
  EXPECT_EQ(std::memcmp(frame.view.planes[0], image->rgb.data(), image->rgb.size()), 0) << what;
}

FrameFault fault_of(FrameDecoder& frames, const std::string& bytes, const DecodeTarget& to = {}) {
  DecodedFrame frame;
  const int64_t before = allocations;
  const FrameFault fault = frames.decode(span_of(bytes), to, &frame);
  EXPECT_EQ(allocations - before, 0);
  EXPECT_EQ(fault == FrameFault::none, frame.view.planes[0] != nullptr);
  return fault;
}

std::vector<std::pair<std::string, std::string>> all_kinds() {
  std::vector<std::pair<std::string, std::string>> out = {
      {"seed jpeg", kJpeg}, {"seed cmyk", kCmyk},  {"seed grey jpeg", kGreyJpeg},
      {"seed png", kPng},   {"palette", kPalette}, {"alpha", kAlpha},
      {"grey 16", kGrey16}, {"grey 1", kGrey1}};
  const std::pair<int64_t, int64_t> sizes[] = {{1, 1}, {131, 77}, {640, 479}, {3, 301}};
  for (const auto& [w, h] : sizes) {
    const std::string size = fmt::format(" {}x{}", w, h);
    for (const bool progressive : {false, true}) {
      const std::string kind = (progressive ? "progressive" : "baseline") + size;
      out.emplace_back(kind + " 4:2:0", test_jpeg(w, h, {.progressive = progressive}));
      out.emplace_back(kind + " 4:4:4",
                       test_jpeg(w, h, {.progressive = progressive, .h = 1, .v = 1}));
      out.emplace_back(kind + " 4:2:2", test_jpeg(w, h, {.progressive = progressive, .v = 1}));
      out.emplace_back(kind + " 4:1:1",
                       test_jpeg(w, h, {.progressive = progressive, .h = 4, .v = 1}));
      out.emplace_back(kind + " grey",
                       test_jpeg(w, h, {.channels = 1, .progressive = progressive}));
      out.emplace_back(kind + " cmyk",
                       test_jpeg(w, h, {.channels = 4, .progressive = progressive}));
      out.emplace_back(kind + " ycck",
                       test_jpeg(w, h, {.channels = 4, .progressive = progressive, .ycck = true}));
      out.emplace_back(kind + " restarts",
                       test_jpeg(w, h, {.progressive = progressive, .restart = 3}));
      out.emplace_back(kind + " arithmetic",
                       test_jpeg(w, h, {.progressive = progressive, .arithmetic = true}));
    }
    for (const bool interlaced : {false, true}) {
      const std::string kind = (interlaced ? "interlaced png" : "png") + size;
      for (const int type : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_PALETTE,
                             PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB_ALPHA}) {
        for (const int depth : {1, 2, 4, 8, 16}) {
          if (depth < 8 && type != PNG_COLOR_TYPE_GRAY && type != PNG_COLOR_TYPE_PALETTE) continue;
          if (depth == 16 && type == PNG_COLOR_TYPE_PALETTE) continue;
          for (const bool key : {false, true}) {
            if (key && (type & PNG_COLOR_MASK_ALPHA) != 0) continue;
            out.emplace_back(fmt::format("{} type {} depth {} key {}", kind, type, depth, key),
                             test_png(w, h, {type, depth, interlaced, key, 0}));
          }
        }
      }
    }
  }
  return out;
}

TEST(FrameDecoder, SamePixelsAsDecodeImageAndNoAllocation) {
  FrameDecoder frames = decoder(640, 480);
  for (const auto& [what, bytes] : all_kinds()) expect_same(frames, bytes, what);
}

TEST(FrameDecoder, BigPicturesFillTheLimits) {
  FrameDecoder frames = decoder(3000, 2000);
  expect_same(frames, test_jpeg(3000, 2000, {.progressive = true, .h = 1, .v = 1}), "progressive");
  expect_same(frames, test_jpeg(2999, 1999, {.channels = 4, .progressive = true, .h = 1, .v = 1}),
              "progressive cmyk");
  expect_same(frames, test_jpeg(2993, 1985, {.progressive = true, .h = 4, .v = 2}), "odd units");
  expect_same(frames, test_png(3000, 2000, {PNG_COLOR_TYPE_RGB_ALPHA, 16, true, false, 0}), "png");
  FrameDecoder wide = decoder(20000, 1);
  expect_same(wide, test_jpeg(20000, 1, {.progressive = true, .h = 1, .v = 4}), "wide");
  FrameDecoder tall = decoder(1, 20000);
  expect_same(tall, test_jpeg(1, 20000, {.progressive = true, .h = 4, .v = 1}), "tall");
  expect_same(tall, test_png(1, 20000, {PNG_COLOR_TYPE_RGB_ALPHA, 16, true, false, 0}), "tall png");
}

TEST(FrameDecoder, CommentsAskForNoMemory) {
  FrameDecoder frames = decoder(64, 64);
  expect_same(frames, test_png(64, 64, {.text_bytes = 12 << 20}), "12 MiB of text");
}

TEST(FrameDecoder, ScalesJpegAsAsked) {
  FrameDecoder frames = decoder(640, 480);
  const std::string bytes = test_jpeg(500, 375, {.h = 2, .v = 2});
  const struct {
    DecodeTarget to;
    int scale, width, height;
  } cases[] = {{{0, 0}, 1, 500, 375},     {{250, 188}, 2, 250, 188}, {{251, 188}, 1, 500, 375},
               {{250, 189}, 1, 500, 375}, {{125, 94}, 4, 125, 94},   {{63, 47}, 8, 63, 47},
               {{1, 1}, 8, 63, 47},       {{64, 1}, 4, 125, 94},     {{9999, 9999}, 1, 500, 375},
               {{0, 188}, 2, 250, 188}};
  const auto full = decode_image(span_of(bytes), "full");
  ASSERT_TRUE(full);
  for (const auto& c : cases) {
    DecodedFrame frame;
    const int64_t before = allocations;
    ASSERT_EQ(frames.decode(span_of(bytes), c.to, &frame), FrameFault::none);
    EXPECT_EQ(allocations - before, 0);
    EXPECT_EQ(frame.scale, c.scale) << c.to.min_width;
    EXPECT_EQ(frame.view.width, c.width);
    EXPECT_EQ(frame.view.height, c.height);
    EXPECT_EQ(frame.view.strides[0], 3 * c.width);
    EXPECT_EQ(frame.full_width, 500);
    EXPECT_EQ(frame.full_height, 375);
    // About the mean of the pixels it stands for: the picture, and not another one.
    double off = 0;
    for (int y = 0; y < 375 / c.scale; ++y) {
      for (int x = 0; x < 500 / c.scale; ++x) {
        int sum = 0;
        for (int dy = 0; dy < c.scale; ++dy)
          for (int dx = 0; dx < c.scale; ++dx)
            sum += full->rgb[static_cast<size_t>(((y * c.scale + dy) * 500 + x * c.scale + dx) * 3 +
                                                 1)];
        off += std::abs(frame.view.planes[0][y * frame.view.strides[0] + 3 * x + 1] -
                        sum / (c.scale * c.scale));
      }
    }
    EXPECT_LT(off / ((375 / c.scale) * (500 / c.scale)), 4) << c.scale;
  }
  DecodedFrame frame;
  const std::string cmyk = test_jpeg(200, 100, {.channels = 4, .progressive = true});
  ASSERT_EQ(frames.decode(span_of(cmyk), {50, 25}, &frame), FrameFault::none);
  EXPECT_EQ(frame.view.width, 50);
  const std::string png = test_png(200, 100);
  ASSERT_EQ(frames.decode(span_of(png), {50, 25}, &frame), FrameFault::none);
  EXPECT_EQ(frame.view.width, 200);
  EXPECT_EQ(frame.scale, 1);
}

// The sides in a JPEG's SOF or a PNG's IHDR, whose checksum is mended.
std::string with_sides(std::string bytes, uint32_t width, uint32_t height) {
  const auto put = [&](size_t at, uint32_t v, int count) {
    for (int i = 0; i < count; ++i)
      bytes[at + static_cast<size_t>(i)] = static_cast<char>(v >> 8 * (count - 1 - i));
  };
  if (bytes[0] == '\xff') {
    size_t sof = bytes.find("\xff\xc0");
    if (sof == bytes.npos) sof = bytes.find("\xff\xc2");
    put(sof + 5, height, 2);
    put(sof + 7, width, 2);
    return bytes;
  }
  put(16, width, 4);
  put(20, height, 4);
  uint32_t crc = 0xffffffff;
  for (size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<uint8_t>(bytes[i]);
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  put(29, ~crc, 4);
  return bytes;
}

TEST(FrameDecoder, LargePicturesAreTooLarge) {
  FrameDecoder frames = decoder(640, 480, 200 * 200);
  for (const std::string& bytes : {test_jpeg(32, 32), test_png(32, 32)}) {
    expect_same(frames, with_sides(bytes, 32, 32), "as it was");
    EXPECT_EQ(fault_of(frames, with_sides(bytes, 30000, 32)), FrameFault::too_large);
    EXPECT_EQ(fault_of(frames, with_sides(bytes, 32, 30000)), FrameFault::too_large);
    EXPECT_EQ(fault_of(frames, with_sides(bytes, 641, 1)), FrameFault::too_large);
    EXPECT_EQ(fault_of(frames, with_sides(bytes, 1, 481)), FrameFault::too_large);
    EXPECT_EQ(fault_of(frames, with_sides(bytes, 400, 101)), FrameFault::too_large);
    DecodedFrame frame;
    EXPECT_EQ(frames.decode(span_of(with_sides(bytes, 30000, 7)), {}, &frame),
              FrameFault::too_large);
    EXPECT_EQ(frame.full_width, 30000);
    EXPECT_EQ(frame.full_height, 7);
    expect_same(frames, bytes, "after them");
  }
  EXPECT_EQ(fault_of(frames, with_sides(test_jpeg(32, 32), 65535, 65535)), FrameFault::too_large);
  EXPECT_EQ(fault_of(frames, with_sides(test_png(32, 32), 0x7fffffff, 0x7fffffff)),
            FrameFault::too_large);
}

// The arena of a FrameDecoder holds whatever its limits let in; here it is smaller than that.
TEST(FrameDecoder, MoreThanTheArenaIsTooLarge) {
  auto arena = Arena::create(1);
  ASSERT_TRUE(arena);
  const DecodeLimits limits = {kMaxSide, kMaxSide, kMaxPixels};
  const PixelSink sink = {[](void* from, size_t bytes) {
                            return static_cast<uint8_t*>(static_cast<Arena*>(from)->take(bytes));
                          },
                          &*arena};
  const auto jpeg = [&](int64_t side, bool progressive) {
    jpeg_decompress_struct info;
    JpegTrap trap;
    CodecResult result;
    EXPECT_TRUE(create_jpeg(&info, &trap));
    jpeg_memory_mgr* const own = info.mem;
    JpegMemory memory;
    memory.init(&*arena, &trap.no_memory);
    info.mem = &memory.pub;
    arena->reset();
    const std::string bytes = test_jpeg(side, side, {.progressive = progressive, .h = 1, .v = 1});
    const FrameFault fault = run_jpeg(&info, &trap, span_of(bytes), limits, {}, sink, &result);
    info.mem = own;
    jpeg_destroy_decompress(&info);
    return fault;
  };
  EXPECT_EQ(jpeg(300, true), FrameFault::none);
  EXPECT_EQ(jpeg(600, false), FrameFault::none);
  EXPECT_EQ(jpeg(600, true), FrameFault::too_large);    // its coefficients
  EXPECT_EQ(jpeg(1200, false), FrameFault::too_large);  // its pixels
  const PngMemory memory = {[](png_structp png, png_alloc_size_t bytes) {
                              return static_cast<Arena*>(png_get_mem_ptr(png))->take(bytes);
                            },
                            [](png_structp, png_voidp) {}, &*arena};
  // Every amount of memory that is left: the library meets the end at each of its requests.
  const std::string bytes = test_png(60, 60, {.interlaced = true});
  bool some = false, enough = false;
  for (size_t left = 0; left < size_t{96} << 10; left += 128) {
    arena->reset();
    arena->take(arena->size() - left - 128);
    CodecResult result;
    const FrameFault fault = run_png(span_of(bytes), limits, memory, sink, &result);
    ASSERT_TRUE(fault == FrameFault::too_large || fault == FrameFault::none)
        << left << " " << result.message;
    ASSERT_FALSE(enough && fault != FrameFault::none) << left;
    (fault == FrameFault::none ? enough : some) = true;
  }
  EXPECT_TRUE(some && enough);
}

TEST(FrameDecoder, WordsOfFaults) {
  FrameDecoder frames = decoder(640, 480);
  EXPECT_EQ(fault_of(frames, ""), FrameFault::empty);
  EXPECT_EQ(fault_of(frames, "GIF89a and more"), FrameFault::not_an_image);
  EXPECT_EQ(fault_of(frames, "\xff\xd8"), FrameFault::not_an_image);
  std::string deep = test_jpeg(32, 32);
  deep[deep.find("\xff\xc0") + 4] = 12;  // bits a sample
  EXPECT_EQ(fault_of(frames, deep), FrameFault::unsupported);
  std::string lossless = test_jpeg(32, 32);
  lossless[lossless.find("\xff\xc0") + 1] = '\xc3';
  EXPECT_EQ(fault_of(frames, lossless), FrameFault::unsupported);
  EXPECT_EQ(fault_of(frames, test_jpeg(32, 32, {.channels = 2, .h = 1, .v = 1})),
            FrameFault::unsupported);  // no known colours
  EXPECT_EQ(fault_of(frames, with_sides(test_jpeg(32, 32), 0, 32)), FrameFault::damaged);
  std::string must = kPng;  // a chunk that must be understood, with a good checksum
  must.insert(33, std::string("\0\0\0\0CgBI\x28\x32\x21\xd9", 12));
  EXPECT_EQ(fault_of(frames, must), FrameFault::unsupported);
  std::string flipped = kPng;
  flipped[flipped.size() / 2] ^= 1;
  EXPECT_EQ(fault_of(frames, flipped), FrameFault::damaged);
  std::string warned = test_jpeg(64, 64, {.restart = 2});
  warned.erase(warned.find("\xff\xd1"), 2);  // libjpeg alone would go on with a warning
  EXPECT_EQ(fault_of(frames, warned), FrameFault::damaged);
}

TEST(FrameDecoder, TooManyScansEnd) {
  const std::string bytes = test_jpeg(32, 32, {.channels = 1, .two_scans = true});
  const size_t last = bytes.rfind("\xff\xda"), end = bytes.rfind("\xff\xd9");
  const auto repeated = [&](int count) {
    std::string out = bytes.substr(0, end);
    for (int i = 0; i < count; ++i) out += bytes.substr(last, end - last);
    return out + bytes.substr(end);
  };
  FrameDecoder frames = decoder(64, 64);
  expect_same(frames, repeated(0), "two scans");
  expect_same(frames, repeated(400), "many scans");
  EXPECT_EQ(fault_of(frames, repeated(600)), FrameFault::unsupported);
  const auto image = decode_image(span_of(repeated(600)), "many");
  ASSERT_FALSE(image);
  EXPECT_NE(image.error().message.find("more than 500 scans"), std::string::npos);
}

TEST(FrameDecoder, EveryCutIsAFaultAndTheNextIsExact) {
  FrameDecoder frames = decoder(64, 64);
  const std::string whole[] = {kPng,
                               kPalette,
                               kCmyk,
                               test_jpeg(37, 29, {.restart = 2}),
                               test_jpeg(37, 29, {.progressive = true}),
                               test_jpeg(17, 9, {.channels = 4, .progressive = true}),
                               test_png(21, 13, {.interlaced = true}),
                               test_png(21, 13, {PNG_COLOR_TYPE_RGB_ALPHA, 16, true, false, 0})};
  for (const std::string& bytes : whole) {
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      // Its own memory, so that a read past the end is seen by a sanitizer.
      const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut));
      DecodedFrame frame;
      const FrameFault fault = frames.decode(std::as_bytes(std::span(part)), {}, &frame);
      ASSERT_EQ(fault, cut == 0  ? FrameFault::empty
                       : cut < 8 ? frame.full_width == 0 && fault != FrameFault::damaged
                                       ? FrameFault::not_an_image
                                       : FrameFault::damaged
                                 : FrameFault::damaged)
          << cut << " of " << bytes.size();
      if (cut % 64 == 0) expect_same(frames, bytes, "after a cut");
    }
    expect_same(frames, bytes, "at last");
  }
}

// A file without tables must not be decoded with those of the file before it, whose Huffman tables
// are its own. (libjpeg has standard ones for files that bring none, as cameras write them.)
TEST(FrameDecoder, NothingIsLeftFromThePictureBefore) {
  FrameDecoder frames = decoder(64, 64);
  const std::string own = test_jpeg(32, 32, {.progressive = true, .quality = 30});
  const auto without = [&](const char* marker) {
    std::string bytes = test_jpeg(32, 32);
    for (size_t at; (at = bytes.find(marker)) < bytes.find("\xff\xda");)
      bytes.erase(at, size_t{static_cast<uint8_t>(bytes[at + 2])} * 256 +
                          static_cast<uint8_t>(bytes[at + 3]) + 2);
    return bytes;
  };
  expect_same(frames, own, "with tables of its own");
  expect_same(frames, without("\xff\xc4"), "without Huffman tables");
  expect_same(frames, own, "with tables of its own");
  EXPECT_EQ(fault_of(frames, without("\xff\xdb")), FrameFault::damaged);
  EXPECT_FALSE(decode_image(span_of(without("\xff\xdb")), "without"));
}

TEST(FrameDecoder, MovesAndLimits) {
  FrameDecoder first = decoder(64, 64), second = decoder(16, 16);
  second = std::move(first);
  expect_same(second, test_jpeg(64, 64), "moved");
  FrameDecoder third = std::move(second);
  expect_same(third, test_png(64, 64), "moved again");
  for (const DecodeLimits& limits :
       {DecodeLimits{0, 1, 1}, DecodeLimits{1, 0, 1}, DecodeLimits{1, 1, 0},
        DecodeLimits{kMaxSide + 1, 1, 1}, DecodeLimits{1, kMaxSide + 1, 1},
        DecodeLimits{1, 1, kMaxPixels + 1}}) {
    const auto made = FrameDecoder::create(limits);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ExitCode::usage);
  }
}

// The counter counts what the libraries take: else the zeros above would mean nothing.
TEST(FrameDecoder, TheCounterSeesTheLibraries) {
  const std::string jpeg = test_jpeg(64, 64, {.progressive = true}), png = test_png(64, 64);
  for (const std::string* bytes : {&jpeg, &png}) {
    const int64_t before = allocations;
    ASSERT_TRUE(decode_image(span_of(*bytes), "counted"));
    EXPECT_GT(allocations - before, 4);
  }
}

}  // namespace
}  // namespace assay::vision
