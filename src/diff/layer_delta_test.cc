// SPDX-License-Identifier: Apache-2.0
#include "diff/layer_delta.h"

#include <gtest/gtest.h>

#include "diff/made_launches.h"
#include "stats/simulated.h"

namespace assay::diff {
namespace {

const MadeEngine kA = {.layers_ns = {100000, 50000, 200000}};

LayerDeltas deltas(const MadePairs& made, const std::vector<LayerPair>& pairs) {
  auto d = layer_deltas(made.a, made.b, pairs);
  EXPECT_TRUE(d) << (d ? "" : d.error().message);
  return d ? *d : LayerDeltas{};
}

TEST(LayerDelta, ASlowerLayerIsFoundAndExplainsTheDifference) {
  std::mt19937_64 engine(11);
  MadeEngine b = kA;
  b.layers_ns[2] = 240000;
  const LayerDeltas d = deltas(made_pairs(kA, b, 10, 0.003, engine), one_to_one(3));
  EXPECT_EQ(d.explained, Explained::explained);
  EXPECT_FALSE(d.rows[0].differs);
  EXPECT_FALSE(d.rows[1].differs);
  EXPECT_TRUE(d.rows[2].differs);
  EXPECT_NEAR(d.rows[2].delta.estimate, 40000, 3000);
  EXPECT_NEAR(d.sum.estimate, d.end_to_end.estimate, 3000);
  EXPECT_NEAR(d.sum.estimate,
              d.rows[0].delta.estimate + d.rows[1].delta.estimate + d.rows[2].delta.estimate, 1e-6);
  EXPECT_NEAR(d.rest.estimate, d.end_to_end.estimate - d.sum.estimate, 1e-6);
  EXPECT_NE(sentence(d).find("account for"), std::string::npos);
}

TEST(LayerDelta, EqualEnginesHaveNothingToExplain) {
  std::mt19937_64 engine(2);
  const LayerDeltas d = deltas(made_pairs(kA, kA, 10, 0.003, engine), one_to_one(3));
  EXPECT_EQ(d.explained, Explained::no_difference);
  for (const DeltaRow& row : d.rows) EXPECT_FALSE(row.differs);
}

TEST(LayerDelta, TimeOutsideOfLayersIsToldApart) {
  std::mt19937_64 engine(3);
  MadeEngine b = kA;
  b.outside_ns = 60000;
  const LayerDeltas d = deltas(made_pairs(kA, b, 10, 0.003, engine), one_to_one(3));
  EXPECT_EQ(d.explained, Explained::elsewhere);
  EXPECT_NEAR(d.rest.estimate, 60000, 4000);
}

TEST(LayerDelta, InstrumentationThatCostsOneEngineMoreExplainsNothing) {
  std::mt19937_64 engine(4);
  MadeEngine b = kA;
  b.layers_ns[1] = 60000;                 // truly 10 us slower
  b.inflated_ns = {20000, 20000, 20000};  // but instrumented 60 us more
  const LayerDeltas d = deltas(made_pairs(kA, b, 10, 0.003, engine), one_to_one(3));
  EXPECT_EQ(d.explained, Explained::overhead);
  EXPECT_NEAR(d.overhead_difference.estimate, 60000, 4000);
  EXPECT_NE(sentence(d).find("instrumentation itself"), std::string::npos);
}

TEST(LayerDelta, HeavyInstrumentationIsNoted) {
  std::mt19937_64 engine(5);
  MadeEngine a = kA, b = kA;
  a.overhead_ns = b.overhead_ns = 300000;
  b.layers_ns[0] = 140000;
  const LayerDeltas d = deltas(made_pairs(a, b, 10, 0.003, engine), one_to_one(3));
  EXPECT_EQ(d.explained, Explained::explained);  // it costs both the same
  EXPECT_EQ(d.notes.size(), 2u);
}

TEST(LayerDelta, LayersOfOneEngineAloneCountWhole) {
  std::mt19937_64 engine(6);
  const MadeEngine b = {.layers_ns = {100000, 250000}};  // fuses the last two
  const std::vector<LayerPair> fused = {{{0}, {0}, false}, {{1, 2}, {1}, false}};
  const MadePairs made = made_pairs(kA, b, 10, 0.003, engine);
  EXPECT_NEAR(deltas(made, fused).rows[1].delta.estimate, 0, 3000);
  const std::vector<LayerPair> alone = {{{0}, {0}, false}, {{1}, {}, false}, {{2}, {1}, false}};
  const LayerDeltas d = deltas(made, alone);
  EXPECT_EQ(d.rows[1].b_ns, 0);
  EXPECT_LT(d.rows[1].delta.estimate, -45000);
  EXPECT_NEAR(d.sum.estimate, deltas(made, fused).sum.estimate, 1e-6);
}

TEST(LayerDelta, ACoarseProfilerWidensWhatItCannotTell) {
  std::mt19937_64 engine(7);
  MadeEngine a = {.layers_ns = {3100, 2500, 900}, .tick_ns = 1000};
  MadeEngine b = a;
  b.layers_ns[2] = 1900;
  const LayerDeltas d = deltas(made_pairs(a, b, 12, 0.0005, engine), one_to_one(3));
  EXPECT_EQ(d.tick_a_ns, 1000);
  EXPECT_FALSE(d.rows[2].differs);  // 0 against 1 us may be 1 ns
  EXPECT_LE(*d.rows[2].delta.lower, 1000);
  EXPECT_GE(*d.rows[2].delta.upper, 1000);
  EXPECT_GE(*d.sum.upper - *d.sum.lower, 2 * 3 * 999);
  EXPECT_NE(d.explained, Explained::explained);
  EXPECT_FALSE(d.notes.empty());
}

TEST(LayerDelta, EqualTimesInEveryLaunchAreNoCertainty) {
  TimedLaunch one{{{1001}}, {1003}, {1001}}, two{{{1207}}, {1209}, {1207}};
  const std::vector<TimedLaunch> a(3, one), b(3, two);
  auto d = layer_deltas(a, b, one_to_one(1));
  ASSERT_TRUE(d);
  EXPECT_FALSE(d->end_to_end.lower);
  EXPECT_EQ(d->explained, Explained::undecided);
  EXPECT_EQ(d->end_to_end.n_needed, 5);
  const std::vector<TimedLaunch> more_a(6, one), more_b(6, two);
  EXPECT_EQ(layer_deltas(more_a, more_b, one_to_one(1))->explained, Explained::explained);
}

TEST(LayerDelta, RefusesWhatDoesNotFit) {
  std::mt19937_64 engine(8);
  MadePairs made = made_pairs(kA, kA, 3, 0.003, engine);
  EXPECT_FALSE(layer_deltas({}, {}, one_to_one(3)));
  EXPECT_FALSE(layer_deltas(made.a, std::span(made.b).first(2), one_to_one(3)));
  EXPECT_FALSE(layer_deltas(made.a, made.b, one_to_one(4)));
  made.b[1].layers[0].clear();
  EXPECT_FALSE(layer_deltas(made.a, made.b, one_to_one(3)));
  made.b[1].layers[0] = {-5};
  EXPECT_FALSE(layer_deltas(made.a, made.b, one_to_one(3)));
  made.b[1].layers[0] = {5};
  made.b[1].samples.clear();
  EXPECT_FALSE(layer_deltas(made.a, made.b, one_to_one(3)));
}

TEST(LayerDelta, IntervalsCoverTheTruthAsOftenAsTheySay) {
  // Drift of 10 % and launch effects of 1 %; truth: medians of the launch effects are 0 on average.
  std::mt19937_64 engine(9);
  MadeEngine b = kA;
  b.layers_ns[1] = 52000;
  b.outside_ns = 1000;
  const int audits = 2000;
  int missed_layer = 0, missed_sum = 0, missed_whole = 0, missed_rest = 0, false_layers = 0,
      wrong_words = 0;
  for (int i = 0; i < audits; ++i) {
    const LayerDeltas d = deltas(made_pairs(kA, b, 6, 0.01, engine), one_to_one(3));
    const auto misses = [](const stats::Interval& at, double truth) {
      return !(*at.lower <= truth && truth <= *at.upper);
    };
    missed_layer += misses(d.rows[1].delta, 2000);
    missed_sum += misses(d.sum, 2000);
    missed_whole += misses(d.end_to_end, 3000);
    missed_rest += misses(d.rest, 1000);
    false_layers += d.rows[0].differs || d.rows[2].differs;
    // A third of the difference lies outside of layers: "explained" within 25 % is wrong.
    wrong_words += d.explained == Explained::explained;
  }
  const double n = audits;
  stats::figure("missed, layer", missed_layer / n);
  stats::figure("missed, sum", missed_sum / n);
  stats::figure("missed, end to end", missed_whole / n);
  stats::figure("missed, rest", missed_rest / n);
  const double most = stats::most_errors(0.05, audits);
  EXPECT_LE(missed_layer / n, most);
  EXPECT_LE(missed_sum / n, most);
  EXPECT_LE(missed_whole / n, most);
  EXPECT_LE(missed_rest / n, most);
  EXPECT_LE(false_layers / n, most);
  EXPECT_LE(wrong_words / n, most);
  EXPECT_GE(missed_layer / n, 0.01);  // not by being far too wide
}

TEST(LayerDelta, JsonCarriesTheRows) {
  std::mt19937_64 engine(10);
  const LayerDeltas d = deltas(made_pairs(kA, kA, 4, 0.003, engine), one_to_one(3));
  const Json j = to_json(d);
  EXPECT_EQ(j["rows"].size(), 3u);
  EXPECT_TRUE(j["rows"][0]["delta_ns"]["lower"].is_number());
  EXPECT_EQ(j["explained"], std::string(word(d.explained)));
}

}  // namespace
}  // namespace assay::diff
