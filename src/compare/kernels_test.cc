// SPDX-License-Identifier: Apache-2.0
#include "compare/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace assay::compare {
namespace {

struct alignas(64) Row {
  float value[1056] = {};
  int32_t rank[1056] = {};
};

// Values of all magnitudes, both zeros and denormals among them.
void fill(Row& row, int64_t n, std::mt19937_64& engine) {
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = static_cast<uint32_t>(engine());
    const uint32_t exponent = engine() % 4 == 0 ? engine() % 250 : 110 + engine() % 30;
    row.value[i] = std::bit_cast<float>((bits & 0x807fffffu) | exponent << 23);
    if (engine() % 50 == 0) row.value[i] = bits & 1 ? -0.0f : 0.0f;
  }
}

TEST(Kernels, AllGiveTheSameBits) {
  const auto all = available_kernels();
  ASSERT_FALSE(all.empty());
  std::printf("kernels:");
  for (const auto* k : all) std::printf(" %s", k->name);
  std::printf("\n");
  std::mt19937_64 engine(5);
  for (int round = 0; round < 300; ++round) {
    const int64_t n = 1 + static_cast<int64_t>(engine() % 1040), padded = (n + 15) / 16 * 16;
    Row a, b;
    fill(a, n, engine);
    b = a;
    for (int64_t i = 0; i < n; ++i)
      if (engine() % 2) b.value[i] *= 1 + 1e-6f * static_cast<float>(engine() % 100);
    double norm = 0;
    all[0]->prepare(a.value, padded, a.rank, &norm);
    all[0]->prepare(b.value, padded, b.rank, &norm);
    std::vector<uint32_t> unary(1100), other_unary(1100);
    const RowDelta want = all[0]->pair_row(a.value, a.rank, b.value, b.rank, padded, unary.data());
    uint64_t counts[32] = {};
    all[0]->count_bits(unary.data(), padded, counts);
    for (const auto* k : all) {
      Row copy = a;
      double other_norm = 0;
      const bool clean = k->prepare(copy.value, padded, copy.rank, &other_norm);
      EXPECT_TRUE(clean || n > 0);
      EXPECT_EQ(std::memcmp(copy.rank, a.rank, sizeof a.rank), 0);
      all[0]->prepare(a.value, padded, a.rank, &norm);
      EXPECT_EQ(std::memcmp(&norm, &other_norm, 8), 0);
      const RowDelta got =
          k->pair_row(a.value, a.rank, b.value, b.rank, padded, other_unary.data());
      EXPECT_EQ(std::memcmp(&got, &want, sizeof want), 0) << k->name;
      EXPECT_EQ(unary, other_unary);
      uint64_t other_counts[32] = {};
      k->count_bits(other_unary.data(), padded, other_counts);
      EXPECT_EQ(std::memcmp(counts, other_counts, sizeof counts), 0);
      const float top = *std::max_element(a.value, a.value + n);
      const double s0 = all[0]->sum_exp(a.value, n, top), s1 = k->sum_exp(a.value, n, top);
      EXPECT_EQ(std::memcmp(&s0, &s1, 8), 0);
      for (int64_t from = 0; from <= n; from += 7)
        EXPECT_EQ(k->next_above(a.value, from, n, .7f), all[0]->next_above(a.value, from, n, .7f));
    }
  }
}

TEST(Kernels, CountBitsAgainstCounting) {
  std::mt19937_64 engine(6);
  for (const int64_t words : {16, 512, 528, 4096, 16384}) {
    std::vector<uint32_t> v(static_cast<size_t>(words));
    uint64_t want[32] = {};
    for (auto& w : v) {
      w = static_cast<uint32_t>(engine());
      for (int k = 0; k < 32; ++k) want[k] += w >> k & 1;
    }
    for (const auto* kernels : available_kernels()) {
      uint64_t got[32] = {};
      kernels->count_bits(v.data(), words, got);
      for (int k = 0; k < 32; ++k)
        ASSERT_EQ(got[k], want[k]) << kernels->name << " " << words << " " << k;
    }
  }
}

TEST(Kernels, SumExpIsCloseToTheLibrary) {
  std::mt19937_64 engine(7);
  std::vector<float> v(1000);
  for (const float spread : {.01f, 1.f, 10.f, 80.f, 300.f}) {
    double want = 0;
    for (auto& x : v) {
      x = -spread * static_cast<float>(engine() % 10001) / 10000;
      want += std::exp(static_cast<double>(x));
    }
    for (const auto* k : available_kernels())
      EXPECT_NEAR(k->sum_exp(v.data(), 1000, 0) / want, 1, 1e-6) << spread;
  }
}

TEST(Kernels, PrepareFlagsWhatFloatsCannotCarry) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), -3e38f}) {
    for (const auto* k : available_kernels()) {
      Row row;
      double norm = 0;
      EXPECT_TRUE(k->prepare(row.value, 1024, row.rank, &norm));
      row.value[777] = bad;
      EXPECT_FALSE(k->prepare(row.value, 1024, row.rank, &norm));
    }
  }
}

}  // namespace
}  // namespace assay::compare
