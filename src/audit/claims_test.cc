// SPDX-License-Identifier: Apache-2.0
#include "audit/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::audit {
namespace {

Plan plan_of(const char* profile) {
  Plan p;
  p.profile = find_profile(profile).value();
  p.builds = p.profile.builds;
  p.launches = p.profile.launches;
  p.samples = p.profile.samples;
  return p;
}

const Claim& named(const std::vector<Claim>& all, std::string_view part) {
  for (const Claim& c : all)
    if (c.name.find(part) != std::string::npos) return c;
  static const Claim none{"absent", false, "", ""};
  ADD_FAILURE() << "no claim names " << part;
  return none;
}

TEST(Claims, QuickCarriesWhatItsNumbersCarry) {
  const auto all = plan_claims(plan_of("quick"), {500, 500});
  EXPECT_TRUE(named(all, "outputs").supported);
  EXPECT_TRUE(named(all, "p50").supported);
  EXPECT_FALSE(named(all, "p99 ").supported);  // 300 samples a launch, 368 are needed
  EXPECT_FALSE(named(all, "p99.9").supported);
  EXPECT_TRUE(named(all, "differs").supported);
  EXPECT_FALSE(named(all, "equivalent").supported);
  EXPECT_FALSE(named(all, "pWCET").supported);
  EXPECT_TRUE(named(all, "label").supported);  // 299 units bound 1 %
}

TEST(Claims, ProfilesGrow) {
  EXPECT_TRUE(named(plan_claims(plan_of("standard"), {5000, 5000}), "equivalent").supported);
  EXPECT_TRUE(named(plan_claims(plan_of("standard"), {5000, 5000}), "variance").supported);
  EXPECT_TRUE(named(plan_claims(plan_of("standard"), {5000, 5000}), "p99 ").supported);
  EXPECT_FALSE(named(plan_claims(plan_of("standard"), {5000, 5000}), "p99.9").supported);
  EXPECT_FALSE(named(plan_claims(plan_of("standard"), {5000, 5000}), "pWCET").supported);
  EXPECT_TRUE(named(plan_claims(plan_of("certify"), {46050, 46050}), "pWCET").supported);
  EXPECT_TRUE(named(plan_claims(plan_of("certify"), {46050, 46050}), "p99.9").supported);
}

// What a flag takes away is said with the number that would bring it back.
TEST(Claims, FlagsThatTakeAwaySayWhatIsMissing) {
  Plan p = plan_of("certify");
  p.launches = 3;
  p.samples = 50;
  const auto all = plan_claims(p, {100, 21});
  EXPECT_FALSE(named(all, "equivalent").supported);
  EXPECT_THAT(named(all, "equivalent").needs, testing::HasSubstr("10 launches"));
  EXPECT_FALSE(named(all, "p99 ").supported);
  EXPECT_THAT(named(all, "p99 ").needs, testing::HasSubstr("368"));
  EXPECT_FALSE(named(all, "label").supported);
  EXPECT_THAT(named(all, "label").needs, testing::HasSubstr("299"));
  EXPECT_FALSE(named(all, "pWCET").supported);
  for (const Claim& c : all) EXPECT_EQ(c.needs.empty(), c.supported) << c.name;
}

TEST(Claims, OfADetectorSpeakOfBoxes) {
  const auto all = plan_claims(plan_of("quick"), {500, 500, true});
  EXPECT_TRUE(named(all, "no box comes or goes, bound of 0.01").supported);
  for (const Claim& c : all) EXPECT_EQ(c.name.find("label"), std::string::npos);
}

TEST(Claims, FixedInputsCarryNoBound) {
  const auto all = plan_claims(plan_of("certify"), {100000, 0});
  EXPECT_FALSE(named(all, "label").supported);
}

TEST(Claims, ARequirementSaysTheSamplesThatItTakes) {
  Plan p = plan_of("quick");
  p.limit_ns = 20'000'000;
  p.limit_below = 1e-2;
  EXPECT_TRUE(named(plan_claims(p, {1, 1}), "P(X >").supported);
  p.limit_below = 1e-4;
  EXPECT_FALSE(named(plan_claims(p, {1, 1}), "P(X >").supported);
}

TEST(Claims, NextBuildNeedsFiftyNine) {
  Plan p = plan_of("certify");
  p.builds = 58;
  EXPECT_FALSE(named(plan_claims(p, {1, 1}), "next builds").supported);
  p.builds = 59;
  EXPECT_TRUE(named(plan_claims(p, {1, 1}), "next builds").supported);
}

}  // namespace
}  // namespace assay::audit
