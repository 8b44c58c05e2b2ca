// SPDX-License-Identifier: Apache-2.0
// Pictures that need no file: a road-like gradient, moving rectangles and grain, all from the seed,
// so that the same spec gives the same bytes everywhere.
#include <algorithm>

#include "frames/source_raw.h"

namespace assay::frames {
namespace {

constexpr int64_t default_pictures = 16, rectangles = 6;

struct Colour {
  int c[3];
};
struct Rectangle {
  int64_t x0, y0, x1, y1;
  Colour colour;
};

// Levels of one pixel, RGB or YUV alike: what they mean is the reader's affair.
Colour pixel(const SourceSpec& spec, const std::vector<Rectangle>& shapes, uint64_t seed, int64_t x,
             int64_t y) {
  const int ramp = static_cast<int>(40 + 150 * y / spec.height);
  Colour out{{ramp, 110 + static_cast<int>(30 * x / spec.width), 128}};
  for (const Rectangle& r : shapes)
    if (x >= r.x0 && x < r.x1 && y >= r.y0 && y < r.y1) out = r.colour;
  const uint64_t grain = mix(seed ^ static_cast<uint64_t>(y * spec.width + x));
  for (int c = 0; c < 3; ++c)
    out.c[c] = std::clamp(out.c[c] + static_cast<int>(grain >> (8 * c) & 7) - 3, 16, 235);
  return out;
}

void paint(const SourceSpec& spec, uint64_t seed, uint8_t* bytes) {
  const int64_t w = spec.width, h = spec.height;
  std::vector<Rectangle> shapes;
  for (int64_t i = 0; i < rectangles; ++i) {
    const uint64_t draw = mix(seed + static_cast<uint64_t>(i) + 1);
    const auto part = [&](int shift, int64_t of) {
      return static_cast<int64_t>(draw >> shift & 255) * of / 256;
    };
    const int64_t x = part(0, w), y = part(8, h);
    shapes.push_back({x,
                      y,
                      x + 1 + part(16, w / 2),
                      y + 1 + part(24, h / 2),
                      {{static_cast<int>(part(32, 256)), static_cast<int>(part(40, 256)),
                        static_cast<int>(part(48, 256))}}});
  }
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) {
      const Colour level = pixel(spec, shapes, seed, x, y);
      if (spec.format == vision::PixelFormat::rgb8) {
        for (int c = 0; c < 3; ++c) bytes[(y * w + x) * 3 + c] = static_cast<uint8_t>(level.c[c]);
        continue;
      }
      bytes[y * w + x] = static_cast<uint8_t>(level.c[0]);
      if (x % 2 != 0 || y % 2 != 0) continue;
      const auto u = static_cast<uint8_t>(level.c[1]), v = static_cast<uint8_t>(level.c[2]);
      const int64_t chroma = y / 2 * (w / 2) + x / 2;
      if (spec.format == vision::PixelFormat::nv12) {
        bytes[w * h + 2 * chroma] = u;
        bytes[w * h + 2 * chroma + 1] = v;
      } else {
        bytes[w * h + chroma] = u;
        bytes[w * h + w * h / 4 + chroma] = v;
      }
    }
}

}  // namespace

Result<std::shared_ptr<const SourceData>> load_synthetic(const SourceSpec& spec) {
  auto data = std::make_shared<RawData>();
  data->spec = spec;
  data->n = spec.limit > 0 ? spec.limit : default_pictures;
  const int64_t frame = raw_frame_bytes(spec);
  if (spec.limit == 0)  // of large pictures fewer do
    data->n = std::clamp<int64_t>((int64_t{64} << 20) / frame, 2, default_pictures);
  ASSAY_CHECK(check_picture_memory(data->n * frame, "synthetic source"));
  data->bytes.resize(static_cast<size_t>(data->n * frame));
  for (int64_t i = 0; i < data->n; ++i)
    paint(spec, mix(spec.seed) + static_cast<uint64_t>(i), data->bytes.data() + i * frame);
  return data;
}

}  // namespace assay::frames
