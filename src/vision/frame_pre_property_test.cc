// SPDX-License-Identifier: Apache-2.0
// Any frame into any tensor: all levels of SIMD give the same bits, nothing outside is touched,
// and nothing is allocated.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>

#include "vision/frame_pre_fixture.h"
#include "vision/test_allocations.h"

namespace assay::vision {
namespace {

struct Frame {
  FrameView view;
  std::vector<uint8_t> planes[3];
};

// Planes that end with the last pixel of the last row, on the heap: a sanitizer sees a byte more.
Frame draw_frame(PixelFormat format, int64_t w, int64_t h, int64_t pad, uint32_t seed) {
  Frame f;
  f.view.format = format;
  f.view.width = w;
  f.view.height = h;
  f.view.yuv = {seed % 2 == 1, seed % 3 == 1};
  const int64_t cw = (w + 1) / 2, ch = (h + 1) / 2;
  const bool nv12 = format == PixelFormat::nv12;
  const int64_t widths[3] = {format == PixelFormat::rgb8 ? 3 * w : w, nv12 ? 2 * cw : cw, cw},
                heights[3] = {h, ch, ch};
  const int planes = format == PixelFormat::rgb8 ? 1 : nv12 ? 2 : 3;
  for (int i = 0; i < planes; ++i) {
    f.planes[i].resize(static_cast<size_t>((heights[i] - 1) * (widths[i] + pad) + widths[i]));
    for (auto& v : f.planes[i])
      v = static_cast<uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
    f.planes[i].shrink_to_fit();
    f.view.planes[i] = f.planes[i].data();
    f.view.strides[i] = widths[i] + pad;
  }
  return f;
}

int64_t side() {
  return *rc::gen::oneOf(rc::gen::inRange<int64_t>(1, 12), rc::gen::inRange<int64_t>(1, 90),
                         rc::gen::inRange<int64_t>(90, 400));
}

RC_GTEST_PROP(FramePreProperty, LevelsAgreeAndStayInside, ()) {
  PreSpec spec;
  spec.resize = *rc::gen::element(ResizeRule::pil, ResizeRule::opencv, ResizeRule::torch_plain);
  spec.fit = *rc::gen::element(Fit::shorter_crop, Fit::stretch, Fit::letterbox);
  spec.resize_shorter = *rc::gen::element<int64_t>(0, 1, 17, 64);
  spec.bgr = *rc::gen::arbitrary<bool>();
  const DType type = *rc::gen::element(DType::f32, DType::f16, DType::u8, DType::i8);
  spec.quant_scale = type == DType::i8 ? 0.017 : *rc::gen::element(0.0, 0.013);
  const bool last = *rc::gen::arbitrary<bool>(), grey = *rc::gen::arbitrary<bool>();
  int64_t th = side() % 97 + 1;
  const int64_t tw = side() % 97 + 1;
  if (last && (th == 1 || th == 3)) th = 2;  // would be read as channels that come first
  if (grey) spec.mean = spec.std = {0.4};
  const int64_t c = grey ? 1 : 3;
  const auto input = tensor_of(
      type, last ? std::vector<int64_t>{1, th, tw, c} : std::vector<int64_t>{1, c, th, tw});
  // Two frames of one object: what the first leaves behind must not show.
  const auto format = *rc::gen::element(PixelFormat::rgb8, PixelFormat::nv12, PixelFormat::i420);
  const int64_t pad = *rc::gen::inRange<int64_t>(0, 20);
  const Frame frames[2] = {
      draw_frame(format, side(), side(), pad, *rc::gen::arbitrary<uint32_t>()),
      draw_frame(format, side(), side(), pad, *rc::gen::arbitrary<uint32_t>())};
  const auto bytes = static_cast<size_t>(input.bytes());
  std::vector<uint8_t> first[2];
  for (const auto& level : kLevels) {
    const AtLevel at(level);
    auto pre = FramePre::create(spec, input, 400, 400);
    RC_ASSERT(pre.has_value());
    for (int i = 0; i < 2; ++i) {
      auto out = std::make_unique<uint8_t[]>(bytes);
      std::fill_n(out.get(), bytes, uint8_t{0x5a});
      const int64_t before = allocations;
      const FrameFault fault = pre->run(frames[i].view, out.get(), nullptr);
      const int64_t after = allocations;
      RC_ASSERT(fault == FrameFault::none);
      RC_ASSERT(after == before);
      const std::vector<uint8_t> got(out.get(), out.get() + bytes);
      if (level.empty()) first[i] = got;
      RC_ASSERT(got == first[i]);
    }
  }
}

TEST(FramePreProperty, AllocationsAreCounted) {
  const int64_t before = allocations;
  const std::vector<uint8_t> some(1000);
  EXPECT_GT(allocations, before) << some.size();
}

// The largest scale a frame can have: all taps of a row of 20 000 pixels.
TEST(FramePreProperty, ExtremeSides) {
  for (const auto& [w, h] : {std::pair<int64_t, int64_t>{kMaxSide, 3}, {3, kMaxSide}, {1, 1}}) {
    const Frame frame = draw_frame(PixelFormat::rgb8, w, h, 0, 5);
    for (const auto rule : {ResizeRule::pil, ResizeRule::opencv, ResizeRule::torch_plain}) {
      for (const auto fit : {Fit::shorter_crop, Fit::stretch, Fit::letterbox}) {
        for (const auto& shape :
             std::vector<std::vector<int64_t>>{{1, 1, 1}, {1, 2, 3}, {1, 100, 1}, {1, 3, 64, 64}}) {
          auto spec = plain(rule, fit, 2);
          const auto input = tensor_of(DType::f32, shape);
          const auto want = run_pre<float>(spec, input, frame.view, "scalar");
          EXPECT_EQ(run_pre<float>(spec, input, frame.view), want);
          EXPECT_EQ(run_pre<float>(spec, input, frame.view, "vector"), want);
        }
      }
    }
  }
}

TEST(FramePreProperty, FramesThatAreNone) {
  auto pre =
      FramePre::create(plain(ResizeRule::pil, Fit::stretch), tensor_of(DType::u8, {4, 4, 3}), 8, 8);
  ASSERT_TRUE(pre);
  std::vector<uint8_t> out(48, 7);
  const auto fault = [&](auto change) {
    Frame f = draw_frame(PixelFormat::i420, 8, 8, 0, 1);
    change(f.view);
    return pre->run(f.view, out.data(), nullptr);
  };
  EXPECT_EQ(fault([](FrameView& v) { v.width = 9; }), FrameFault::too_large);
  EXPECT_EQ(fault([](FrameView& v) { v.height = INT64_MAX; }), FrameFault::too_large);
  EXPECT_EQ(fault([](FrameView& v) { v.height = 0; }), FrameFault::empty);
  EXPECT_EQ(fault([](FrameView& v) { v.width = INT64_MIN; }), FrameFault::empty);
  EXPECT_EQ(fault([](FrameView& v) { v.planes[2] = nullptr; }), FrameFault::unreadable);
  EXPECT_EQ(fault([](FrameView& v) { v.planes[0] = nullptr; }), FrameFault::unreadable);
  EXPECT_EQ(fault([](FrameView& v) { v.format = static_cast<PixelFormat>(9); }),
            FrameFault::unsupported);
  EXPECT_EQ(out, std::vector<uint8_t>(48, 7));
  EXPECT_EQ(fault([](FrameView&) {}), FrameFault::none);
}

TEST(FramePreProperty, LevelIsStated) {
  const AtLevel at("scalar");
  EXPECT_EQ(simd_level(), "scalar");
  {
    const AtLevel lower("vector");
    EXPECT_EQ(simd_level(), "vector");
  }
  EXPECT_TRUE(simd_level() == "avx2" || simd_level() == "vector");
}

}  // namespace
}  // namespace assay::vision
