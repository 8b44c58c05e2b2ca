// SPDX-License-Identifier: Apache-2.0
#include "vision/labels.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "vision/read_numbers.h"
#include "vision/test_allocations.h"

namespace assay::vision {

int64_t allocations_so_far();  // for boxes_test.cc: the counter stands in one source
int64_t allocations_so_far() { return allocations; }

namespace {

// A stable sort of the negated values, NaN last.
std::vector<int32_t> sorted(const std::vector<float>& v) {
  std::vector<int32_t> index(v.size());
  std::iota(index.begin(), index.end(), 0);
  std::stable_sort(index.begin(), index.end(), [&](int32_t a, int32_t b) {
    const float x = v[static_cast<size_t>(a)], y = v[static_cast<size_t>(b)];
    return x > y || (std::isnan(y) && !std::isnan(x));
  });
  return index;
}

RC_GTEST_PROP(TopK, IsTheStableSort, ()) {
  // Few distinct values, so that ties, infinities and NaN meet in every block.
  const auto picks = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
  const auto k = static_cast<size_t>(*rc::gen::inRange(1, 9));
  const int repeats = *rc::gen::inRange(1, 8);
  std::vector<float> v;
  for (int r = 0; r < repeats; ++r)
    for (const int p : picks)
      v.push_back(p == 0 ? NAN : p == 1 ? -INFINITY : p == 2 ? -0.0f : static_cast<float>(p - 3));
  const auto want = sorted(v);
  std::vector<Label> out(k);
  const int64_t found = top_k(v.data(), DType::f32, static_cast<int64_t>(v.size()), false, out);
  RC_ASSERT(found == static_cast<int64_t>(std::min(k, v.size())));
  for (size_t i = 0; i < k; ++i) {
    if (i >= v.size()) {
      RC_ASSERT(out[i].index == -1);
      continue;
    }
    RC_ASSERT(out[i].index == want[i]);
    const float value = v[static_cast<size_t>(want[i])];
    RC_ASSERT(out[i].score == value || (std::isnan(out[i].score) && std::isnan(value)));
  }
}

RC_GTEST_PROP(TopK, SoftmaxIsThatOfDoubles, ()) {
  const auto raw =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-60000, 60000)));
  std::vector<float> v;
  for (const int r : raw) v.push_back(static_cast<float>(r) / 500);
  double sum = 0, top = -INFINITY;
  for (const float x : v) top = std::max(top, static_cast<double>(x));
  for (const float x : v) sum += std::exp(static_cast<double>(x) - top);
  Label out[5];
  const int64_t found = top_k(v.data(), DType::f32, static_cast<int64_t>(v.size()), true, out);
  const auto want = sorted(v);
  for (int64_t i = 0; i < found; ++i) {
    const auto at = static_cast<size_t>(i);
    RC_ASSERT(out[at].index == want[at]);
    const double p = std::exp(static_cast<double>(v[static_cast<size_t>(want[at])]) - top) / sum;
    RC_ASSERT(std::abs(out[at].score - p) <= 5e-7 * p + 1e-30);
  }
}

TEST(TopK, OtherTypes) {
  const uint16_t half[] = {0x3c00, 0xc000, 0x4200, 0x0001, 0x7e00};  // 1 -2 3 2^-24 NaN
  Label out[5];
  ASSERT_EQ(top_k(half, DType::f16, 5, false, out), 5);
  EXPECT_EQ(out[0].index, 2);
  EXPECT_EQ(out[0].score, 3);
  EXPECT_EQ(out[2].score, 0x1p-24f);
  EXPECT_EQ(out[4].index, 4);                 // NaN
  const uint16_t brain[] = {0x3f80, 0x4040};  // 1 3
  ASSERT_EQ(top_k(brain, DType::bf16, 2, false, out), 2);
  EXPECT_EQ(out[0].score, 3);
  EXPECT_EQ(out[2].index, -1);
  const int8_t small[] = {-128, 127, 5};
  top_k(small, DType::i8, 3, false, out);
  EXPECT_EQ(out[0].score, 127);
  const uint8_t bytes[] = {200, 127, 255};
  top_k(bytes, DType::u8, 3, false, out);
  EXPECT_EQ(out[1].score, 200);
}

TEST(TopK, SoftmaxOfWhatIsNotFinite) {
  const float two[] = {INFINITY, 1, INFINITY, NAN};
  Label out[4];
  ASSERT_EQ(top_k(two, DType::f32, 4, true, out), 4);
  EXPECT_EQ(out[0].score, 0.5f);
  EXPECT_EQ(out[1].index, 2);
  EXPECT_EQ(out[2].score, 0.0f);
  EXPECT_TRUE(std::isnan(out[3].score));
  const float none[] = {NAN, NAN};
  ASSERT_EQ(top_k(none, DType::f32, 2, true, out), 2);
  EXPECT_TRUE(std::isnan(out[0].score));
  const float low[] = {-INFINITY, -INFINITY};
  top_k(low, DType::f32, 2, true, out);
  EXPECT_EQ(out[0].score, 0.5f);
  EXPECT_EQ(top_k(low, DType::f32, 0, true, out), 0);
  EXPECT_EQ(top_k(low, DType::f32, 2, true, {}), 0);
}

TEST(Elements, EveryHalfIsWhatTheFormulaSays) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 31);
    const double fraction = h & 1023, sign = h & 0x8000 ? -1 : 1;
    const float got = half_to_float(static_cast<uint16_t>(h));
    if (exponent == 31 && fraction != 0) {
      ASSERT_TRUE(std::isnan(got)) << h;
      continue;
    }
    const double expected = exponent == 31  ? sign * INFINITY
                            : exponent == 0 ? sign * std::ldexp(fraction, -24)
                                            : sign * std::ldexp(1 + fraction / 1024, exponent - 15);
    ASSERT_EQ(got, expected) << h;
    ASSERT_EQ(std::signbit(got), sign < 0) << h;
  }
}

TEST(TopK, SoftmaxOfHugeScoresAndTiesOfZeros) {
  const float huge[] = {3e38f, -3e38f};
  Label out[2];
  top_k(huge, DType::f32, 2, true, out);
  EXPECT_EQ(out[0].score, 1.0f);
  EXPECT_EQ(out[1].score, 0.0f);
  const float zeros[] = {0.0f, -0.0f};
  top_k(zeros, DType::f32, 2, false, out);
  EXPECT_EQ(out[0].index, 0);
  const uint8_t bits[] = {1, 0};
  EXPECT_EQ(top_k(bits, DType::boolean, 2, false, out), 0);
  EXPECT_EQ(out[0].index, -1);
}

TEST(TopK, AllocatesNothing) {
  std::vector<float> v(1000);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>((i * 7919) % 1000);
  Label out[5];
  const int64_t before = allocations;
  top_k(v.data(), DType::f32, 1000, true, out);
  EXPECT_EQ(allocations, before);
  const std::vector<float> counted(10);
  EXPECT_GT(allocations, before);  // the counter counts
}

}  // namespace
}  // namespace assay::vision
