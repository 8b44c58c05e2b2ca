// SPDX-License-Identifier: Apache-2.0
// Types, layouts, specs and what is refused.
#include <cmath>
#include <limits>
#include <set>

#include "vision/frame_pre_fixture.h"
#include "vision/geometry.h"
#include "vision/pre_spec.h"
#include "vision/writer.h"

namespace assay::vision {
namespace {

constexpr int64_t kW = 37, kH = 6;  // not a multiple of any vector

TEST(FramePreOutput, EveryTypeAndLayout) {
  const Image image = pattern(kW, kH);
  PreSpec spec;
  spec.fit = Fit::stretch;
  for (const auto& level : kLevels) {
    for (const bool bgr : {false, true}) {
      for (const bool last : {false, true}) {
        spec.bgr = bgr;
        const std::vector<int64_t> shape =
            last ? std::vector<int64_t>{1, kH, kW, 3} : std::vector<int64_t>{1, 3, kH, kW};
        spec.quant_scale = 0;
        const auto f32 = run_pre<float>(spec, tensor_of(DType::f32, shape), view_of(image), level);
        const auto f16 =
            run_pre<uint16_t>(spec, tensor_of(DType::f16, shape), view_of(image), level);
        const auto raw = run_pre<uint8_t>(spec, tensor_of(DType::u8, shape), view_of(image), level);
        spec.quant_scale = 0.02;
        spec.zero_point = 3;
        const auto i8 = run_pre<int8_t>(spec, tensor_of(DType::i8, shape), view_of(image), level);
        const auto u8 = run_pre<uint8_t>(spec, tensor_of(DType::u8, shape), view_of(image), level);
        for (int64_t i = 0; i < kW * kH; ++i) {
          for (int64_t c = 0; c < 3; ++c) {
            const auto at = static_cast<size_t>(last ? 3 * i + c : c * kW * kH + i);
            const int grey = image.rgb[static_cast<size_t>(3 * i + (bgr ? 2 - c : c))];
            const auto k = static_cast<size_t>(c);
            const double want = (grey / 255.0 - spec.mean[k]) / spec.std[k];
            ASSERT_NEAR(f32[at], want, 1e-6) << level << at;
            ASSERT_EQ(f16[at], to_half(f32[at])) << level << at;
            ASSERT_EQ(raw[at], grey) << level << at;
            const double q = want / 0.02 + 3;  // within rounding of a tie
            ASSERT_NEAR(i8[at], std::clamp(q, -128.0, 127.0), 0.5001) << level << at;
            ASSERT_NEAR(u8[at], std::clamp(q, 0.0, 255.0), 0.5001) << level << at;
          }
        }
      }
    }
  }
}

TEST(FramePreOutput, OneChannelIsLuma) {
  const Image image = pattern(kW, kH);
  for (const auto& level : kLevels) {
    const auto u8 = run_pre<uint8_t>(plain(ResizeRule::pil, Fit::stretch),
                                     tensor_of(DType::u8, {1, 1, kH, kW}), view_of(image), level);
    auto bgr = plain(ResizeRule::torch_plain, Fit::stretch);
    bgr.bgr = true;  // means nothing with one channel
    const auto f32 = run_pre<float>(bgr, tensor_of(DType::f32, {kH, kW, 1}), view_of(image), level);
    for (size_t i = 0; i < u8.size(); ++i) {
      const uint8_t* p = image.rgb.data() + 3 * i;
      ASSERT_EQ(u8[i], luma_level(p[0], p[1], p[2]));
      ASSERT_NEAR(f32[i], 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2], 0.01);
    }
  }
}

TEST(FramePreOutput, RealLevelsAreRoundedForBytes) {
  const Image row{2, 1, {0, 50, 100, 101, 50, 0}};
  auto spec = plain(ResizeRule::torch_plain, Fit::stretch);
  const auto input = tensor_of(DType::u8, {1, 3, 1, 4});
  const std::vector<uint8_t> want = {0, 25, 76, 101, 50, 50, 50, 50, 100, 75, 25, 0};
  for (const auto& level : kLevels)
    EXPECT_EQ(run_pre<uint8_t>(spec, input, view_of(row), level), want);
}

std::string refusal(const PreSpec& spec, const TensorSpec& input, int64_t w = 64, int64_t h = 64) {
  const auto pre = FramePre::create(spec, input, w, h);
  if (pre) return "";
  EXPECT_EQ(pre.error().code, ExitCode::usage);
  EXPECT_FALSE(pre.error().fix.empty());
  return pre.error().message;
}

TEST(FramePreOutput, ImpossibleTensors) {
  const PreSpec spec;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{},
                                                             {3},
                                                             {3, 4},
                                                             {2, 3, 4, 4},
                                                             {1, 2, 4, 4},
                                                             {1, 3, 0, 4},
                                                             {1, 3, 4, 30000},
                                                             {1, 1, 3, 4, 4},
                                                             {0, 3, 4, 4}})
    EXPECT_NE(refusal(spec, tensor_of(DType::f32, shape)), "") << shape_text(shape);
  for (const DType type : {DType::f64, DType::i32, DType::bf16, DType::boolean})
    EXPECT_NE(refusal(spec, tensor_of(type, {1, 3, 4, 4})), "");
  EXPECT_NE(refusal(spec, tensor_of(DType::f32, {1, 1, 4, 4})), "");  // three means, one channel
  EXPECT_NE(refusal(spec, tensor_of(DType::i8, {1, 3, 4, 4})), "");   // no quantisation
  const auto ok = tensor_of(DType::f32, {1, 3, 4, 4});
  EXPECT_EQ(refusal(spec, ok), "");
  EXPECT_NE(refusal(spec, ok, 0, 4), "");
  EXPECT_NE(refusal(spec, ok, 4, kMaxSide + 1), "");
  PreSpec quantised;
  quantised.quant_scale = 0.1;
  quantised.zero_point = 200;
  EXPECT_NE(refusal(quantised, tensor_of(DType::i8, {1, 3, 4, 4})), "");
  EXPECT_EQ(refusal(quantised, tensor_of(DType::u8, {1, 3, 4, 4})), "");
  PreSpec wide;
  wide.scale = 1000;
  EXPECT_NE(refusal(wide, tensor_of(DType::f16, {1, 3, 4, 4})), "");  // over 65504
}

TEST(FramePreOutput, SpecsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  const auto ok = tensor_of(DType::f32, {1, 3, 4, 4});
  for (const double bad : {nan, inf, -inf}) {
    for (int member = 0; member < 5; ++member) {
      PreSpec spec;
      if (member == 0) spec.pad = bad;
      if (member == 1) spec.scale = bad;
      if (member == 2) spec.mean[1] = bad;
      if (member == 3) spec.std[2] = bad;
      if (member == 4) spec.quant_scale = bad;
      EXPECT_NE(refusal(spec, ok), "") << member << " " << bad;
    }
  }
  const auto with = [](auto change) {
    PreSpec spec;
    change(spec);
    return spec;
  };
  EXPECT_NE(refusal(with([](PreSpec& s) { s.std[0] = 0; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.std = {1}; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.mean = s.std = {}; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.scale = 0; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.pad = 256; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.resize_shorter = -1; }), ok), "");
  EXPECT_NE(refusal(with([](PreSpec& s) { s.zero_point = 256; }), ok), "");
}

TEST(FramePreOutput, JsonBothWays) {
  PreSpec spec;
  spec.resize = ResizeRule::torch_plain;
  spec.fit = Fit::letterbox;
  spec.resize_shorter = 7;
  spec.pad = 1.5;
  spec.scale = 2;
  spec.mean = {0.1};
  spec.std = {0.3};
  spec.bgr = true;
  spec.quant_scale = 0.25;
  spec.zero_point = -4;
  const auto back = pre_spec_from_json(to_json(spec), "plan");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(dump_json(to_json(*back)), dump_json(to_json(spec)));
  EXPECT_NE(dump_json(to_json(spec)), dump_json(to_json(PreSpec())));
  const auto none = pre_spec_from_json(Json::object(), "plan");
  ASSERT_TRUE(none);
  EXPECT_EQ(dump_json(to_json(*none)), dump_json(to_json(PreSpec())));
  for (const char* text :
       {"[]", "1", R"({"resise":"pil"})", R"({"resize":"cubic"})", R"({"resize":1})",
        R"({"fit":"crop"})", R"({"bgr":1})", R"({"mean":[1,2]})", R"({"mean":0.5})",
        R"({"mean":["a"]})", R"({"std":[0,1,1]})", R"({"pad":-1})", R"({"scale":"1"})",
        R"({"scale":1e300})", R"({"resize_shorter":1.5})", R"({"zero_point":1e3})",
        R"({"resize_shorter":18446744073709551615})", R"({"quant_scale":-1})",
        R"({"mean":[0.5]})"}) {
    const auto j = parse_json(text, "test");
    ASSERT_TRUE(j);
    const auto got = pre_spec_from_json(*j, "the plan");
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, ExitCode::usage);
    EXPECT_NE(got.error().message.find("the plan"), std::string::npos) << got.error().message;
  }
}

TEST(FramePreOutput, Words) {
  for (const auto r : {ResizeRule::pil, ResizeRule::opencv, ResizeRule::torch_plain})
    EXPECT_EQ(resize_rule_from(word(r)), r);
  for (const auto f : {Fit::shorter_crop, Fit::stretch, Fit::letterbox})
    EXPECT_EQ(fit_from(word(f)), f);
  for (const auto f : {PixelFormat::rgb8, PixelFormat::nv12, PixelFormat::i420})
    EXPECT_EQ(pixel_format_from(word(f)), f);
  std::set<std::string_view> faults;
  for (int i = 0; i < 10; ++i) faults.insert(word(static_cast<FrameFault>(i)));
  EXPECT_EQ(faults.size(), 10);
  EXPECT_FALSE(faults.contains("unknown"));
  EXPECT_EQ(word(static_cast<FrameFault>(10)), "unknown");
  EXPECT_FALSE(resize_rule_from(""));
}

}  // namespace
}  // namespace assay::vision
