// SPDX-License-Identifier: Apache-2.0
#include "diff/swap_share.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "stats/simulated.h"

namespace assay::diff {
namespace {

struct Three {
  std::vector<double> a, b, s;
};
// A takes 100 us, B 80 us, A with the swap 100 - 20 * share; launches of a triple share a drift.
Three made(double share, int launches, double noise_ns, std::mt19937_64& engine,
           double total = 20000) {
  std::uniform_real_distribution<double> drift(0.95, 1.05);
  std::normal_distribution<double> noise(0, noise_ns);
  Three out;
  for (int i = 0; i < launches; ++i) {
    const double d = drift(engine);
    out.a.push_back(100000 * d + noise(engine));
    out.b.push_back((100000 - total) * d + noise(engine));
    out.s.push_back((100000 - total * share) * d + noise(engine));
  }
  return out;
}
SwapShare share_of(const Three& t) {
  auto s = swap_share(t.a, t.b, t.s);
  EXPECT_TRUE(s);
  return s ? *s : SwapShare{};
}

TEST(SwapShare, TellsAllPartNoneMoreAndTheOtherWay) {
  std::mt19937_64 engine(1);
  const std::pair<double, SwapEffect> cases[] = {{1, SwapEffect::all},
                                                 {0.5, SwapEffect::part},
                                                 {0, SwapEffect::none},
                                                 {1.6, SwapEffect::more},
                                                 {-0.7, SwapEffect::opposite}};
  for (const auto& [share, effect] : cases) {
    const SwapShare s = share_of(made(share, 10, 300, engine));
    EXPECT_EQ(s.effect, effect) << share << " " << word(s.effect);
    EXPECT_NEAR(s.share.estimate, share, 0.05);
    EXPECT_NEAR(s.total.estimate, -20000, 1500);
  }
}

TEST(SwapShare, ANoisyMachineIsUndecidedAndEqualEnginesShareNothing) {
  std::mt19937_64 engine(2);
  const Three noisy = {{100, 101, 99, 100}, {80, 81, 79, 80.5}, {70, 115, 85, 95}};
  EXPECT_EQ(share_of(noisy).effect, SwapEffect::undecided);
  const SwapShare none = share_of(made(0.5, 10, 300, engine, 0));
  EXPECT_EQ(none.effect, SwapEffect::no_difference);
  EXPECT_EQ(to_json(none, "t")["share"]["lower"], nullptr);
  EXPECT_NE(sentence(none, "t").find("nothing to share out"), std::string::npos);
}

TEST(SwapShare, RefusesUnequalAndImpossibleMedians) {
  const std::vector<double> two = {1, 2}, one = {1}, bad = {1, 0};
  EXPECT_FALSE(swap_share(two, two, one));
  EXPECT_FALSE(swap_share({}, {}, {}));
  EXPECT_FALSE(swap_share(two, bad, two));
}

TEST(SwapShare, CoversAsOftenAsItSays) {
  std::mt19937_64 engine(3);
  const int audits = 3000;
  int missed = 0;
  for (int i = 0; i < audits; ++i) {
    const SwapShare s = share_of(made(0.4, 8, 1000, engine));
    missed += !(s.share.lower && *s.share.lower <= 0.4 && 0.4 <= *s.share.upper);
  }
  stats::figure("missed, share", missed / static_cast<double>(audits));
  EXPECT_LE(missed / static_cast<double>(audits), stats::most_errors(0.05, audits));
}

TEST(SwapShare, NamesAreEscaped) {
  std::mt19937_64 engine(4);
  EXPECT_EQ(sentence(share_of(made(1, 6, 300, engine)), "a\nb").find('\n'), std::string::npos);
}

}  // namespace
}  // namespace assay::diff
