// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compare/compare.h"
#include "compare/elements.h"
#include "compare/test_views.h"

namespace assay::compare {
namespace {

TEST(TopKTest, AgainstSorting) {
  std::mt19937_64 engine(1);
  for (const int64_t item : {2, 4, 5, 6, 16, 17, 100, 1000, 5000}) {
    std::vector<float> v(static_cast<size_t>(20 * item));
    for (auto& x : v) {
      x = static_cast<float>(engine() % 40);  // many ties
      if (engine() % 30 == 0) x = std::numeric_limits<float>::quiet_NaN();
      if (engine() % 30 == 0) x = -std::numeric_limits<float>::infinity();
      if (engine() % 30 == 0) x = -0.0f;
    }
    const TopK got = *top_k(view_of(v, DType::f32, 20));
    EXPECT_EQ(got.k, std::min<int64_t>(5, item));
    for (int64_t i = 0; i < 20; ++i) {
      std::vector<int32_t> order(static_cast<size_t>(item));
      for (size_t j = 0; j < order.size(); ++j) order[j] = static_cast<int32_t>(j);
      const auto key = [&](int32_t j) {
        const float x = v[i * item + j];
        return std::isnan(x) ? -INFINITY : x;
      };
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return key(a) > key(b); });
      for (int j = 0; j < got.k; ++j) {
        ASSERT_EQ(got.index[i * got.k + j], order[j]) << item << " " << i << " " << j;
        ASSERT_EQ(got.value[i * got.k + j], key(order[j]));
      }
    }
  }
}

TEST(TopKTest, LargeIntegersAreNotRounded) {
  const std::vector<int64_t> v = {
      (int64_t{1} << 60), (int64_t{1} << 60) + 1, 3, (int64_t{1} << 60) + 2, -5, 9};
  EXPECT_EQ(top_k(view_of(v, DType::i64, 1))->index, (std::vector<int32_t>{3, 1, 0, 5, 2}));
}

TEST(TopKTest, HalfAndScalarRows) {
  const std::vector<Half> v = {{0x3c00}, {0x4000}, {0xc000},
                               {0x7e00}, {0x0001}, {0x4200}};  // 1 2 -2 NaN 2^-24 3
  EXPECT_EQ(top_k(view_of(v, DType::f16, 1))->index, (std::vector<int32_t>{5, 1, 0, 4, 2}));
  const TopK one = *top_k(view_of(std::vector<float>{7}, DType::f32, 1));
  EXPECT_EQ(one.k, 1);
  EXPECT_EQ(one.margin(0), 0);
  EXPECT_FALSE(top_k(View{{}, DType::f32, 0, 0}));
}

TEST(LabelsTest, HandMade) {
  const std::vector<float> a = {5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5},
                           b = {0, 4, 3, 2, 1, 5, 0, 1, 2, 3, 4, 5};
  const Pair p = *compare_pair(view_of(a, DType::f32, 2), view_of(b, DType::f32, 2), true, true);
  ASSERT_TRUE(p.has_labels);
  const Labels& l = p.labels;
  EXPECT_EQ(l.top1_mismatch, 1);
  EXPECT_EQ(l.top1_a_not_in_top5_b, 1);
  EXPECT_EQ(l.top1_b_not_in_top5_a, 1);
  EXPECT_EQ(l.top5_set_differs, 1);
  EXPECT_EQ(l.top5_order_differs, 1);
  EXPECT_EQ(l.top1_differs, (std::vector<uint8_t>{1, 0}));
  ASSERT_EQ(l.flips.size(), 1u);
  EXPECT_EQ(l.flips[0].a_top1, 0);
  EXPECT_EQ(l.flips[0].b_top1, 5);
  EXPECT_EQ(l.flips[0].a_margin, 1);
  const double sum = 1 + std::exp(-1) + std::exp(-2) + std::exp(-3) + std::exp(-4) + std::exp(-5);
  EXPECT_NEAR(l.flips[0].probability_change, (1 - std::exp(-5)) / sum, 1e-6);
  EXPECT_EQ(l.max_probability_change_flipped, l.flips[0].probability_change);
  const Pair raw = *compare_pair(view_of(a, DType::f32, 2), view_of(b, DType::f32, 2), true, false);
  EXPECT_EQ(raw.labels.flips[0].probability_change, 5);  // as is
  EXPECT_FALSE(
      compare_pair(view_of(a, DType::f32, 12), view_of(b, DType::f32, 12), true, true)->has_labels);
}

TEST(LabelsTest, ProbabilitiesOfManyTypes) {
  std::mt19937_64 engine(2);
  std::vector<double> a(50 * 30), b(50 * 30);
  std::vector<float> fa, fb;
  for (size_t i = 0; i < a.size(); ++i) {
    fa.push_back(std::normal_distribution<float>(0, 4)(engine));
    fb.push_back(fa.back() + std::normal_distribution<float>(0, .5)(engine));
    a[i] = fa[i];
    b[i] = fb[i];
  }
  const Pair f =
      *compare_pair(view_of(fa, DType::f32, 50), view_of(fb, DType::f32, 50), true, true);
  const Pair d = *compare_pair(view_of(a, DType::f64, 50), view_of(b, DType::f64, 50), true, true);
  EXPECT_EQ(f.labels.top1_differs, d.labels.top1_differs);
  EXPECT_EQ(f.labels.top5_order_differs, d.labels.top5_order_differs);
  EXPECT_GT(f.labels.top1_mismatch, 0);
  EXPECT_NEAR(f.labels.max_probability_change_all, d.labels.max_probability_change_all, 1e-6);
  EXPECT_NEAR(f.labels.max_probability_change_flipped, d.labels.max_probability_change_flipped,
              1e-6);
}

TEST(LabelsTest, NonFiniteRowsDoNotBreak) {
  const float inf = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a = {inf, 1, 2, nan, nan, nan}, b = {1, inf, 2, nan, 1, nan};
  for (const bool logits : {false, true}) {
    const Pair p =
        *compare_pair(view_of(a, DType::f32, 2), view_of(b, DType::f32, 2), true, logits);
    EXPECT_EQ(p.labels.top1_mismatch, 2);
    EXPECT_TRUE(std::isfinite(p.labels.max_probability_change_all));
  }
}

TEST(Logits, Recognised) {
  EXPECT_FALSE(
      looks_like_logits(view_of(std::vector<float>{.2f, .3f, .5f, 1, 0, 0}, DType::f32, 2)));
  EXPECT_TRUE(
      looks_like_logits(view_of(std::vector<float>{.2f, .3f, .5f, .5f, .4f, 0}, DType::f32, 2)));
  EXPECT_TRUE(looks_like_logits(view_of(std::vector<float>{-.2f, .7f, .5f}, DType::f32, 1)));
  EXPECT_TRUE(looks_like_logits(view_of(std::vector<float>{1.5f, -.5f}, DType::f32, 1)));
}

TEST(AccuracyTest, Counts) {
  const std::vector<float> v = {9, 8, 7, 6, 5, 4, 4, 5, 6, 7, 8, 9};
  const TopK top = *top_k(view_of(v, DType::f32, 2));
  Accuracy a = *accuracy(top, std::vector<int64_t>{0, 0});
  EXPECT_EQ(a.top1, 1);
  EXPECT_EQ(a.top5, 1);
  EXPECT_EQ(a.top1_correct, (std::vector<uint8_t>{1, 0}));
  a = *accuracy(top, std::vector<int64_t>{4, 1});
  EXPECT_EQ(a.top1, 0);
  EXPECT_EQ(a.top5, 2);
  EXPECT_FALSE(accuracy(top, std::vector<int64_t>{4}));
}

}  // namespace
}  // namespace assay::compare
