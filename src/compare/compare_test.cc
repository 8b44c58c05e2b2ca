// SPDX-License-Identifier: Apache-2.0
#include "compare/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compare/elements.h"
#include "compare/test_views.h"

namespace assay::compare {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// The definitions of compare.h, element by element.
template <class T>
Distance reference(const std::vector<T>& a, const std::vector<T>& b, int64_t n) {
  Distance d;
  d.n = n;
  d.item = static_cast<int64_t>(a.size()) / n;
  double sum_abs = 0, sum_rel = 0, sum_cosine = 0;
  int64_t compared = 0;
  for (int64_t i = 0; i < n; ++i) {
    double dot = 0, na = 0, nb = 0;
    bool differs = false;
    for (int64_t j = i * d.item; j < (i + 1) * d.item; ++j) {
      const bool same = std::memcmp(&a[j], &b[j], sizeof(T)) == 0;
      differs |= !same;
      const double x = number(a[j]), y = number(b[j]);
      if (!std::isfinite(x) || !std::isfinite(y)) {
        ++(same ? d.non_finite : d.non_finite_differs);
        continue;
      }
      ++compared;
      const double abs = std::abs(x - y), most = std::max(std::abs(x), std::abs(y));
      if (abs > d.max_abs || d.max_abs_input < 0) d.max_abs_input = i;
      d.max_abs = std::max(d.max_abs, abs);
      sum_abs += abs;
      const double rel = most > 0 ? abs / most : 0;
      d.max_rel = std::max(d.max_rel, rel);
      sum_rel += rel;
      uint64_t steps = rank_distance(a[j], b[j]);
      int bucket = 0;
      for (; steps; steps >>= 1) ++bucket;
      ++d.ulp[bucket];
      dot += x * y;
      na += x * x;
      nb += y * y;
    }
    double cosine = 1;
    if (na > 0 && nb > 0)
      cosine = dot / std::sqrt(na * nb);
    else if (na > 0 || nb > 0)
      cosine = 0;
    d.min_cosine = std::min(d.min_cosine, cosine);
    sum_cosine += cosine;
    d.bitwise_different += differs;
  }
  if (compared) {
    d.mean_abs = sum_abs / double(compared);
    d.mean_rel = sum_rel / double(compared);
  }
  d.mean_cosine = sum_cosine / double(n);
  return d;
}

void expect_same(const Distance& got, const Distance& want) {
  const auto near = [](double g, double w, double tolerance) {
    EXPECT_NEAR(g, w, tolerance * (std::abs(w) + 1e-300));
  };
  EXPECT_EQ(got.bitwise_different, want.bitwise_different);
  EXPECT_EQ(got.max_abs, want.max_abs);
  EXPECT_EQ(got.max_abs_input, want.max_abs_input);
  near(got.mean_abs, want.mean_abs, 1e-12);
  near(got.max_rel, want.max_rel, 2e-7);
  near(got.mean_rel, want.mean_rel, 2e-7);
  EXPECT_NEAR(got.min_cosine, want.min_cosine, 1e-12);
  EXPECT_NEAR(got.mean_cosine, want.mean_cosine, 1e-12);
  EXPECT_EQ(got.non_finite, want.non_finite);
  EXPECT_EQ(got.non_finite_differs, want.non_finite_differs);
  for (int k = 0; k < 65; ++k) EXPECT_EQ(got.ulp[k], want.ulp[k]) << k;
}

template <class T>
void expect_matches(const std::vector<T>& a, const std::vector<T>& b, DType dtype, int64_t n) {
  const auto got = compare_pair(view_of(a, dtype, n), view_of(b, dtype, n), false, false);
  ASSERT_TRUE(got) << got.error().message;
  expect_same(got->distance, reference(a, b, n));
}

TEST(ComparePair, FloatsOfManyShapes) {
  for (const auto& [n, item] : std::vector<std::pair<int64_t, int64_t>>{{1, 1},
                                                                        {3, 5},
                                                                        {70, 10},
                                                                        {200, 16},
                                                                        {65, 1000},
                                                                        {2, 4096},
                                                                        {2, 4097},
                                                                        {3, 9001},
                                                                        {1, 20000}}) {
    const auto v = rebuilt(2, n, item, 17 + static_cast<uint64_t>(item));
    SCOPED_TRACE(std::to_string(n) + "x" + std::to_string(item));
    expect_matches(v[0], v[1], DType::f32, n);
    expect_matches(v[0], v[0], DType::f32, n);
  }
}

TEST(ComparePair, SpecialFloats) {
  auto v = rebuilt(2, 40, 100, 3);
  std::mt19937_64 engine(4);
  const float specials[] = {0.f,
                            -0.f,
                            1e-45f,
                            -1e-40f,
                            3e38f,
                            -3e38f,
                            float(kInf),
                            float(-kInf),
                            std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::max()};
  for (auto& row : v)
    for (int i = 0; i < 900; ++i) row[engine() % row.size()] = specials[engine() % 10];
  expect_matches(v[0], v[1], DType::f32, 40);
  const std::vector<float> zero(8, 0.f), minus(8, -0.f), one(8, 1.f);
  expect_matches(zero, minus, DType::f32, 2);  // other bits, ULP distance 0, cosine 1
  expect_matches(zero, one, DType::f32, 2);    // cosine 0
  const auto pair =
      compare_pair(view_of(zero, DType::f32, 2), view_of(minus, DType::f32, 2), false, false);
  EXPECT_EQ(pair->distance.bitwise_different, 2);
  EXPECT_EQ(pair->distance.ulp[0], 8u);
  EXPECT_EQ(pair->distance.min_cosine, 1);
}

template <class T>
std::vector<T> random_bits(size_t count, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> out(count);
  for (auto& v : out) {
    const uint64_t bits = engine();
    std::memcpy(&v, &bits, sizeof v);
  }
  return out;
}

TEST(ComparePair, EveryType) {
  constexpr size_t kCount = 30 * 77;
  expect_matches(random_bits<Half>(kCount, 1), random_bits<Half>(kCount, 2), DType::f16, 30);
  expect_matches(random_bits<Brain>(kCount, 1), random_bits<Brain>(kCount, 2), DType::bf16, 30);
  expect_matches(random_bits<float>(kCount, 1), random_bits<float>(kCount, 2), DType::f32, 30);
  expect_matches(random_bits<int8_t>(kCount, 1), random_bits<int8_t>(kCount, 2), DType::i8, 30);
  expect_matches(random_bits<uint8_t>(kCount, 1), random_bits<uint8_t>(kCount, 2), DType::u8, 30);
  expect_matches(random_bits<int16_t>(kCount, 1), random_bits<int16_t>(kCount, 2), DType::i16, 30);
  expect_matches(random_bits<uint16_t>(kCount, 1), random_bits<uint16_t>(kCount, 2), DType::u16,
                 30);
  expect_matches(random_bits<int32_t>(kCount, 1), random_bits<int32_t>(kCount, 2), DType::i32, 30);
  expect_matches(random_bits<uint32_t>(kCount, 1), random_bits<uint32_t>(kCount, 2), DType::u32,
                 30);
  std::vector<double> x(kCount), y(kCount);
  std::mt19937_64 engine(8);
  for (size_t i = 0; i < kCount; ++i) {
    x[i] = std::normal_distribution<double>()(engine);
    y[i] = i % 3 ? x[i] : x[i] * (1 + 1e-14);
  }
  expect_matches(x, y, DType::f64, 30);
}

TEST(ComparePair, SixtyFourBitExtremes) {
  const std::vector<int64_t> a = {INT64_MIN, 0, (int64_t{1} << 60) + 1},
                             b = {INT64_MAX, 0, int64_t{1} << 60};
  auto got = compare_pair(view_of(a, DType::i64, 1), view_of(b, DType::i64, 1), false, false);
  EXPECT_EQ(got->distance.ulp[64], 1u);
  EXPECT_EQ(got->distance.ulp[1], 1u);
  EXPECT_EQ(got->distance.max_abs, std::ldexp(1.0, 64));
  const std::vector<double> c = {1.7e308, 1}, d = {-1.7e308, 1};
  got = compare_pair(view_of(c, DType::f64, 1), view_of(d, DType::f64, 1), false, false);
  EXPECT_TRUE(std::isfinite(got->distance.mean_abs));
  EXPECT_EQ(got->distance.max_rel, 2);
}

void expect_identical(const Pair& a, const Pair& b) {
  Distance x = a.distance, y = b.distance;
  EXPECT_EQ(std::memcmp(&x, &y, sizeof x), 0);
  EXPECT_EQ(a.has_labels, b.has_labels);
  EXPECT_EQ(a.labels.top1_differs, b.labels.top1_differs);
  EXPECT_EQ(a.labels.top5_set_differs, b.labels.top5_set_differs);
  EXPECT_EQ(a.labels.top5_order_differs, b.labels.top5_order_differs);
  EXPECT_EQ(a.labels.max_probability_change_all, b.labels.max_probability_change_all);
  ASSERT_EQ(a.labels.flips.size(), b.labels.flips.size());
  for (size_t i = 0; i < a.labels.flips.size(); ++i) {
    EXPECT_EQ(a.labels.flips[i].input, b.labels.flips[i].input);
    EXPECT_EQ(a.labels.flips[i].probability_change, b.labels.flips[i].probability_change);
  }
}

TEST(CompareAll, SameBitsAsPairsAndForAnyThreads) {
  for (const auto& [n, item] :
       std::vector<std::pair<int64_t, int64_t>>{{500, 37}, {130, 1000}, {5, 9000}}) {
    const auto v = rebuilt(5, n, item, 99, .05f);
    std::vector<View> views;
    for (const auto& x : v) views.push_back(view_of(x, DType::f32, n));
    const auto one = compare_all(views, true, true, 1), three = compare_all(views, true, true, 3);
    ASSERT_TRUE(one && three);
    ASSERT_EQ(one->pairs.size(), 10u);
    size_t p = 0;
    for (size_t a = 0; a < 5; ++a) {
      for (size_t b = a + 1; b < 5; ++b, ++p) {
        expect_identical(one->pairs[p], three->pairs[p]);
        expect_identical(one->pairs[p], *compare_pair(views[a], views[b], true, true));
        expect_same(one->pairs[p].distance, reference(v[a], v[b], n));
      }
    }
    if (n < 100) continue;
    for (const auto& pair : one->pairs) EXPECT_FALSE(pair.labels.flips.empty());
  }
}

TEST(CompareAll, TriangleOfMismatches) {  // d13 <= d12 + d23, or the tool is wrong
  const auto v = rebuilt(3, 400, 20, 5, .3f);
  std::vector<View> views;
  for (const auto& x : v) views.push_back(view_of(x, DType::f32, 400));
  const auto all = compare_all(views, true, true, 2);
  const auto d = [&](int p) { return all->pairs[p].labels.top1_mismatch; };
  EXPECT_GT(d(0), 0);
  EXPECT_LE(d(1), d(0) + d(2));
}

TEST(CompareAll, RefusesWhatDoesNotFit) {
  const std::vector<float> a(20), b(18);
  View good = view_of(a, DType::f32, 2), torn = good;
  torn.bytes = torn.bytes.first(79);
  for (const View& bad : {torn, view_of(b, DType::f32, 2), view_of(a, DType::i32, 2),
                          view_of(a, DType::f32, 4), View{good.bytes, DType::f32, -2, -10},
                          View{good.bytes, DType::f32, INT64_MAX, INT64_MAX}}) {
    const auto got = compare_pair(good, bad, true, false);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ExitCode::usage);
  }
  EXPECT_TRUE(compare_all({}, true, false, 1)->pairs.empty());
  EXPECT_TRUE(compare_all(std::vector<View>{good}, true, false, 1)->pairs.empty());
  const View empty{{}, DType::f32, 0, 10};
  EXPECT_EQ(compare_pair(empty, empty, true, false)->distance.bitwise_different, 0);
}

}  // namespace
}  // namespace assay::compare
