// SPDX-License-Identifier: Apache-2.0
// The first byte picks the reader: JPEG and PNG, .npy, or dataset.json with its labels.
#include <cstring>

#include "model/fuzz_driver.h"
#include "vision/dataset.h"
#include "vision/frame_decoder.h"
#include "vision/image.h"
#include "vision/npy.h"
#include "vision/test_encode.h"
#include "vision/test_images.h"

namespace {

// The decoder of frames must say what decode_image() says, whatever came before.
void check_frame(std::span<const std::byte> bytes,
                 const assay::Result<assay::vision::Image>& image) {
  using namespace assay::vision;
  constexpr int64_t kSide = 512;
  static auto frames = FrameDecoder::create({kSide, kSide, kSide * kSide});
  if (!frames) std::abort();
  DecodedFrame frame;
  const FrameFault fault = frames->decode(bytes, {}, &frame);
  if (image && (image->width > kSide || image->height > kSide)) {
    if (fault != FrameFault::too_large) std::abort();
  } else if ((fault == FrameFault::none) != image.has_value()) {
    std::abort();
  } else if (image && (frame.view.width != image->width || frame.view.height != image->height ||
                       std::memcmp(frame.view.planes[0], image->rgb.data(), image->rgb.size()))) {
    std::abort();
  }
  if (fault != FrameFault::none) return;
  // Scaled: the same word, and every byte of it may be read.
  if (frames->decode(bytes, {frame.full_width / 3, frame.full_height / 3}, &frame) != fault)
    std::abort();
  unsigned sum = 0;
  for (int64_t i = 0; i < frame.view.height * frame.view.strides[0]; ++i)
    sum += frame.view.planes[0][i];
  if (sum > 255u * 3 * kSide * kSide) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay;
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  const auto check = [](const auto& result) {
    if (!result && (result.error().message.empty() || result.error().code != ExitCode::usage))
      std::abort();
  };
  if (data[0] % 3 == 0) {
    const auto image = vision::decode_image(bytes, "fuzz");
    check(image);
    check_frame(bytes, image);
    if (image && image->rgb.size() != static_cast<size_t>(image->width * image->height * 3))
      std::abort();
    if (image && image->width * image->height < 100000)
      vision::center_crop(vision::resize(*image, 7, 9), 8, 8);
  } else if (data[0] % 3 == 1) {
    const auto npy = vision::parse_npy(bytes, "fuzz");
    check(npy);
    if (npy && npy->offset > bytes.size()) std::abort();
  } else {
    static const auto folder = TempDir::create(fs::temp_directory_path(), "assay-fuzz");
    if (!folder) std::abort();
    for (const char* name : {"dataset.json", "labels.json", "clusters.json"}) {
      std::ofstream(folder->path() / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
    std::ofstream(folder->path() / "input.bin") << "12345678";
    check(vision::open_dataset(folder->path(), true));
  }
  return 0;
}

#ifndef ASSAY_LIBFUZZER
int main(int argc, char** argv) {
  using namespace assay::vision;
  std::vector<std::string> seeds;
  for (const auto* image :
       {&kJpeg, &kCmyk, &kGreyJpeg, &kPng, &kPalette, &kAlpha, &kGrey16, &kGrey1})
    seeds.push_back(std::string(1, '\0') + *image);
  for (const std::string& image :
       {test_jpeg(40, 24, {.progressive = true}), test_jpeg(33, 17, {.restart = 1}),
        test_jpeg(17, 17, {.channels = 4, .progressive = true, .ycck = true}),
        test_jpeg(24, 24, {.arithmetic = true, .h = 4, .v = 1}),
        test_png(19, 11, {PNG_COLOR_TYPE_RGB_ALPHA, 16, true, false, 0}),
        test_png(19, 11, {PNG_COLOR_TYPE_PALETTE, 2, true, true, 30})})
    seeds.push_back(std::string(1, '\0') + image);
  seeds.push_back(std::string("\x01\x93NUMPY\x01\0\x3a\0", 11) +
                  "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }" +
                  std::string(24, 'a'));
  seeds.push_back(
      std::string("\x02") +
      R"({"format": 1, "name": "a", "n": 2, "sampling": "clustered", "inputs": [{"name": "x", "dtype": "float32",
 "shape": [1], "file": "input.bin", "sha256": ""}], "labels": "labels.json", "clusters": "clusters.json"})");
  seeds.push_back(
      std::string("\x02") +
      R"({"format": 1, "n": 2, "sampling": "fixed", "labels": [1, 2], "clusters": [1, 2]})");
  return assay::fuzz(argc, argv, seeds);
}
#endif
