// SPDX-License-Identifier: Apache-2.0
// The drivers with real launches of made engines (null and faulty runners, scripted clock).
#include "audit/explain.h"

#include <gtest/gtest.h>

#include <fstream>

namespace assay::audit {
namespace {

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-explain-test");
    ASSERT_TRUE(dir) << dir.error().message;
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    fs::create_directory(root() / "data");
    fs::create_directory(root() / "scratch");
    std::vector<float> items(6 * 12);
    for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<float>(i % 37) / 8 - 2;
    write("data/input.bin",
          std::string(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(float)));
    const Json input = {
        {"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 2, 2}}, {"file", "input.bin"}};
    write(
        "data/dataset.json",
        dump_json(
            {{"format", 1}, {"name", "t"}, {"n", 6}, {"sampling", "fixed"}, {"inputs", {input}}}));
  }
  fs::path root() const { return dir_->path(); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(root() / name, std::ios::binary) << text;
  }
  // An engine of the faulty runner with two outputs, which are its layers.
  ExplainSide side(const std::string& name, const std::string& mode, int base_ns = 90000,
                   int seed = 7) {
    fs::create_directory(root() / name);
    write(
        name + "/engine.txt",
        fmt::format("assay-null 1\nseed {}\nclock scripted\nbase_ns {}\njitter_ns 211\ntail_ns 0\n"
                    "mode {}\ninput 1 4 1 3 2 2 input\noutput 1 2 1 10 first\noutput 1 2 1 4 "
                    "second\n",
                    seed, base_ns, mode));
    const Json in = {{"name", "input"}, {"dtype", "float32"}, {"shape", {1, 3, 2, 2}}};
    const Json a = {{"name", "first"}, {"dtype", "float32"}, {"shape", {1, 10}}};
    const Json b = {{"name", "second"}, {"dtype", "float32"}, {"shape", {1, 4}}};
    write(name + "/manifest.json",
          dump_json({{"format", 1}, {"inputs", {in}}, {"outputs", {a, b}}}));
    ExplainSide out;
    out.label = name;
    out.launch.runner = executable_dir().parent_path() / "lib" / "libassay_runner_faulty.so";
    out.launch.engine_dir = root() / name;
    out.launch.dataset = root() / "data";
    out.launch.slots = 4;
    out.launch.warmup_runs = 2;
    out.launch.warmup_ms = 0;
    out.launch.timeout_s = 60;
    return out;
  }
  OutputsExplained outputs(const ExplainSide& a, const ExplainSide& b) {
    auto o = explain_outputs(a, b, {}, root() / "scratch");
    EXPECT_TRUE(o) << (o ? "" : o.error().message);
    return o ? std::move(*o) : OutputsExplained{};
  }
  LatencyOptions short_options() const {
    LatencyOptions o;
    o.launches = 6;
    o.runs = 11;
    o.samples = 51;
    return o;
  }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(ExplainTest, EqualEnginesShowNoDifference) {
  const OutputsExplained o = outputs(side("a", "ok"), side("b", "ok"));
  ASSERT_EQ(o.pairs.size(), 4u);  // two layers, two outputs
  EXPECT_FALSE(o.divergence.first);
  EXPECT_TRUE(o.divergence.unknown.empty());
  EXPECT_TRUE(o.notes.empty());
  EXPECT_EQ(o.pairs[0].a.n, 4);
}

TEST_F(ExplainTest, ABuildThatGivesOtherValuesIsBlamedAtItsLayer) {
  const OutputsExplained o = outputs(side("a", "ok"), side("b", "outputs_by_build"));
  ASSERT_TRUE(o.divergence.first);
  EXPECT_EQ(*o.divergence.first, 0u);
  EXPECT_EQ(o.divergence.blame, diff::Blame::kernel);
  EXPECT_TRUE(o.divergence.outputs_differ);
  EXPECT_EQ(o.divergence.layers[0].inputs_differing, 4);
}

TEST_F(ExplainTest, AnEngineThatChangesByLaunchIsNotBlamedOnItsBuild) {
  const OutputsExplained o = outputs(side("a", "ok"), side("b", "outputs_by_launch"));
  EXPECT_EQ(o.divergence.blame, diff::Blame::unstable);
  EXPECT_FALSE(o.pairs[0].b.repeatable);
  EXPECT_TRUE(o.pairs[0].a.repeatable);
  ASSERT_FALSE(o.notes.empty());
  EXPECT_NE(o.notes[0].find("b does not repeat itself"), std::string::npos) << o.notes[0];
}

TEST_F(ExplainTest, UnreadableTensorsAreReportedNotEqual) {
  const OutputsExplained o = outputs(side("a", "ok"), side("b", "torn_tensors"));
  EXPECT_EQ(o.divergence.layers[0].match, diff::Match::not_read);
  EXPECT_FALSE(o.divergence.first);  // the outputs are equal
  EXPECT_EQ(o.divergence.unknown.size(), 2u);
}

TEST_F(ExplainTest, ALaunchThatDiesIsAnError) {
  const ExplainSide good = side("a", "ok"), bad = side("b", "crash_load");
  const auto o = explain_outputs(good, bad, {}, root() / "scratch");
  ASSERT_FALSE(o);
  EXPECT_NE(o.error().message.find("crashed"), std::string::npos) << o.error().message;
}

TEST_F(ExplainTest, LayersExplainASlowerEngine) {
  const ExplainSide a = side("a", "ok", 90000), b = side("b", "ok", 120000);
  int said = 0;
  const auto l =
      explain_latency(a, b, short_options(), root() / "scratch", [&](std::string_view) { ++said; });
  ASSERT_TRUE(l) << l.error().message;
  EXPECT_EQ(said, 12);
  EXPECT_EQ(l->clock, "scripted");
  ASSERT_EQ(l->deltas.rows.size(), 2u);
  EXPECT_EQ(l->names[1].layer_b, "second");
  // The layers take 1 : 2 of 30 us.
  EXPECT_NEAR(l->deltas.rows[0].delta.estimate, 10000, 200);
  EXPECT_NEAR(l->deltas.rows[1].delta.estimate, 20000, 200);
  EXPECT_EQ(l->deltas.explained, diff::Explained::explained);
}

TEST_F(ExplainTest, WithoutLayerTimesThereIsNoExplanation) {
  const auto l = explain_latency(side("a", "ok"), side("b", "no_layer_times"), short_options(),
                                 root() / "scratch");
  ASSERT_FALSE(l);
  EXPECT_EQ(l.error().code, ExitCode::missing);
  EXPECT_NE(l.error().message.find("no times of layers"), std::string::npos);
}

TEST_F(ExplainTest, ASwapIsSharedOut) {
  const auto s = explain_swap(side("a", "ok", 100000), side("b", "ok", 80000),
                              side("s", "ok", 85000), short_options(), root() / "scratch");
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_EQ(s->effect, diff::SwapEffect::part);
  EXPECT_NEAR(s->share.estimate, 0.75, 0.02);
}

TEST_F(ExplainTest, LoadedFilesComeBack) {
  ExplainSide a = side("a", "ok");
  a.launch.loaded = true;
  const auto r = launch_side(a, a.launch, root() / "scratch", "one");
  ASSERT_TRUE(r) << r.error().message;
  bool runner = false;
  for (const WorkerFile& f : r->loaded) runner = runner || f.path == a.launch.runner.string();
  EXPECT_TRUE(runner);
}

TEST(WithOrigins, TakesThemOnlyFromTheSameLayer) {
  const std::vector<Kernel> manifest = {{0, "x", "k", "", "", "n1"}, {1, "y", "k", "", "", "n2"}};
  const auto out = with_origins({{0, "x", "k", "", "", ""}, {1, "z", "k", "", "", ""}}, manifest);
  EXPECT_EQ(out[0].origin, "n1");
  EXPECT_EQ(out[1].origin, "");
}

}  // namespace
}  // namespace assay::audit
