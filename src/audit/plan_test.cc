// SPDX-License-Identifier: Apache-2.0
#include "audit/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace assay::audit {
namespace {

using testing::HasSubstr;

class PlanTest : public testing::Test {
 protected:
  PlanTest() { write("m.onnx", "not inspected by a plan"); }
  void write(const char* name, std::string_view text) {
    std::ofstream(dir_.path() / name, std::ios::binary) << text;
  }
  Request request(std::vector<std::string> compilers = {"null"}) {
    Request r;
    r.reference = false;
    Request::Model m;
    m.model = (dir_.path() / "m.onnx").string();
    m.compilers = std::move(compilers);
    r.models.push_back(m);
    return r;
  }
  // The error of a plan file with this text.
  Error toml_error(std::string_view text) {
    write("p.toml", text);
    auto r = request_from_toml(dir_.path() / "p.toml");
    if (r) {
      auto p = make_plan(*r);
      EXPECT_FALSE(p) << text;
      return p ? Error{} : p.error();
    }
    return r.error();
  }
  TempDir dir_ = std::move(TempDir::create(fs::temp_directory_path(), "assay-plan-test-").value());
};

TEST_F(PlanTest, ProfilesGiveTheDefaults) {
  const struct {
    const char* profile;
    int64_t builds, launches, samples, inputs;
  } table[] = {
      {"quick", 3, 3, 300, 500}, {"standard", 5, 10, 1000, 5000}, {"certify", 10, 20, 5000, 46050}};
  for (const auto& row : table) {
    Request r = request();
    r.profile = row.profile;
    auto plan = make_plan(r);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->builds, row.builds);
    EXPECT_EQ(plan->launches, row.launches);
    EXPECT_EQ(plan->samples, row.samples);
    EXPECT_EQ(plan->models[0].inputs, row.inputs);
    EXPECT_EQ(plan->models[0].data, "synthetic");
    EXPECT_EQ(plan->seed, 1u);
    EXPECT_FALSE(plan->profile.claims.empty());
  }
}

TEST_F(PlanTest, NumbersThatAreAskedForWin) {
  Request r = request();
  r.profile = "standard";
  r.builds = 2;
  r.launches = 7;
  r.samples = 11;
  r.inputs = 13;
  r.seed = 0;
  auto plan = make_plan(r).value();
  EXPECT_EQ(plan.builds, 2);
  EXPECT_EQ(plan.launches, 7);
  EXPECT_EQ(plan.samples, 11);
  EXPECT_EQ(plan.models[0].inputs, 13);
  EXPECT_EQ(plan.seed, 0u);
}

TEST_F(PlanTest, AddsTheReferenceFirstUnlessToldNot) {
  Request r = request({"null", "faulty"});
  r.reference = true;
  auto plan = make_plan(r).value();
  ASSERT_EQ(plan.models[0].recipes.size(), 3u);
  EXPECT_EQ(plan.models[0].recipes[0].label(), "reference fp32");
  r.models[0].compilers = {"null", "reference"};
  r.models[0].precisions = {"fp32", "int8"};
  plan = make_plan(r).value();
  ASSERT_EQ(plan.models[0].recipes.size(), 3u);
  EXPECT_EQ(plan.models[0].recipes[0].label(), "reference fp32");
  EXPECT_EQ(plan.models[0].recipes[2].label(), "null int8");
}

TEST_F(PlanTest, ErrorsNameWhatIsWrong) {
  auto error = [](const Request& r) {
    auto p = make_plan(r);
    EXPECT_FALSE(p);
    if (p) return std::string();
    EXPECT_EQ(p.error().code, ExitCode::usage);
    EXPECT_EQ(p.error().message.find('\n'), std::string::npos);
    return p.error().message + " / " + p.error().fix;
  };
  Request r = request({"tensorrtt"});
  EXPECT_THAT(error(r), HasSubstr("unknown compiler \"tensorrtt\""));
  r = request();
  r.profile = "fast";
  EXPECT_THAT(error(r), HasSubstr("quick, standard, certify"));
  r = request();
  r.builds = 10001;
  EXPECT_THAT(error(r), HasSubstr("builds is 10001"));
  r = request();
  r.threads = 0;
  EXPECT_THAT(error(r), HasSubstr("threads is 0"));
  r = request();
  r.models[0].precisions = {"FP 32; rm"};
  EXPECT_THAT(error(r), HasSubstr("precision"));
  r = request({"null", "null"});
  EXPECT_THAT(error(r), HasSubstr("stands twice"));
  r = request();
  r.models.push_back(r.models[0]);
  EXPECT_THAT(error(r), HasSubstr("two models are named"));
  r = request();
  r.models[0].model = "absent.onnx";
  EXPECT_THAT(error(r), HasSubstr("absent.onnx"));
  r = request();
  r.models[0].sampling = "clustered";
  EXPECT_THAT(error(r), HasSubstr("independent or fixed"));
  r = request();
  r.models[0].shapes = "x:1xtwo";
  EXPECT_THAT(error(r), HasSubstr("x"));
  r = request();
  r.options["null"] = Json{{"base_nss", 1}};
  EXPECT_THAT(error(r), HasSubstr("base_nss"));
  r = request();
  r.options["absent"] = Json::object();
  EXPECT_THAT(error(r), HasSubstr("absent"));
}

TEST_F(PlanTest, PlanFilesAreReadAndRelativePathsBelongToThem) {
  write("p.toml",
        "[audit]\nprofile='standard'\nbuilds=2\nseed=9\nreference=false\nbuild_timeout_s=1.5\n"
        "[[model]]\nmodel='m.onnx'\nname='mine'\ncompilers=['null']\nshapes='x:2x4'\n"
        "[compiler.null]\nbase_ns=5\n");
  auto r = request_from_toml(dir_.path() / "p.toml");
  ASSERT_TRUE(r) << r.error().message;
  auto plan = make_plan(*r).value();
  EXPECT_EQ(plan.models[0].path, fs::canonical(dir_.path() / "m.onnx"));
  EXPECT_EQ(plan.models[0].name, "mine");
  EXPECT_EQ(plan.models[0].shapes.at("x"), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(plan.builds, 2);
  EXPECT_EQ(plan.launches, 10);
  EXPECT_EQ(plan.seed, 9u);
  EXPECT_EQ(plan.build_timeout_s, 1.5);
  EXPECT_EQ(plan.models[0].recipes[0].options["base_ns"], 5);
  EXPECT_EQ(plan.models[0].recipes[0].options["jitter_ns"], 2000);  // a default, filled in
}

TEST_F(PlanTest, PlanFilesRefuseUnknownKeysAndWrongTypes) {
  const std::string model = "[[model]]\nmodel='m.onnx'\ncompilers=['null']\n";
  EXPECT_THAT(toml_error("[audit]\nbuild=3\n" + model).message, HasSubstr("unknown key \"build\""));
  EXPECT_THAT(toml_error("[audit]\nbuild=3\n" + model).fix, HasSubstr("builds"));
  EXPECT_THAT(toml_error("[aduit]\n" + model).message, HasSubstr("aduit"));
  EXPECT_THAT(toml_error(model + "compiler='null'\n").message, HasSubstr("compiler"));
  EXPECT_THAT(toml_error("[audit]\nbuilds='three'\n" + model).message, HasSubstr("builds"));
  EXPECT_THAT(toml_error("[audit]\nbuilds=-1\n" + model).message, HasSubstr("builds"));
  EXPECT_THAT(toml_error("[audit]\nseed=-1\n" + model).message, HasSubstr("seed"));
  EXPECT_THAT(toml_error("[audit]\nbuild_timeout_s=-1\n" + model).message,
              HasSubstr("build_timeout_s"));
  EXPECT_THAT(toml_error("[audit]\nreference='no'\n" + model).message, HasSubstr("reference"));
  EXPECT_THAT(toml_error("[audit]\nmemory_limit_bytes=-5\n" + model).message,
              HasSubstr("memory_limit_bytes"));
  EXPECT_THAT(toml_error("audit=3\n" + model).message, HasSubstr("audit"));
  EXPECT_THAT(toml_error("[model]\nmodel='m.onnx'\n").message, HasSubstr("[[model]]"));
  EXPECT_THAT(toml_error(model + "inputs='all'\n").message, HasSubstr("inputs"));
  EXPECT_THAT(toml_error("[[model]]\nmodel='m.onnx'\ncompilers='null'\n").message,
              HasSubstr("compilers"));
  EXPECT_THAT(toml_error("[[model]]\nmodel='m.onnx'\ncompilers=[1]\n").message,
              HasSubstr("compilers"));
  EXPECT_THAT(toml_error(model + "[compiler]\nnull=3\n").message, HasSubstr("null"));
  EXPECT_THAT(toml_error("[[model]\n").message, HasSubstr("p.toml:1:"));
  EXPECT_THAT(toml_error("").message, HasSubstr("no [[model]]"));
}

TEST_F(PlanTest, PlanFilesNameDevices) {
  write("p.toml", "[[model]]\nmodel = \"m.onnx\"\ncompilers = [\"faulty\"]\ndevice = \"cuda:3\"\n");
  EXPECT_EQ(request_from_toml(dir_.path() / "p.toml")->models[0].devices,
            std::vector<std::string>{"cuda:3"});
  const std::string head = "[[model]]\nmodel = \"m.onnx\"\ncompilers = [\"faulty\"]\n";
  EXPECT_THAT(toml_error(head + "device = 1\n").message, HasSubstr("device"));
  EXPECT_THAT(toml_error(head + "devices = []\n").message, HasSubstr("devices"));
  EXPECT_THAT(toml_error(head + "devices = [\"tpu\"]\n").message, HasSubstr("tpu"));
}

TEST_F(PlanTest, JsonOfEqualPlansIsEqual) {
  const Request r = request();
  EXPECT_EQ(dump_json(to_json(make_plan(r).value())), dump_json(to_json(make_plan(r).value())));
  Request other = r;
  other.samples = 301;
  EXPECT_NE(dump_json(to_json(make_plan(r).value())), dump_json(to_json(make_plan(other).value())));
}

TEST_F(PlanTest, DevicesAreRecipesOfTheirOwn) {
  Request r = request({"faulty"});
  const std::string plain = dump_json(to_json(make_plan(r).value()));
  EXPECT_EQ(plain.find("device"), std::string::npos) << "a plan for the CPU is as it always was";
  r.models[0].devices = {"cpu"};
  EXPECT_EQ(dump_json(to_json(make_plan(r).value())), plain);
  r.models[0].devices = {"cpu", "cuda", "cuda:1"};
  const Plan p = make_plan(r).value();
  ASSERT_EQ(p.models[0].recipes.size(), 3U);
  EXPECT_EQ(p.models[0].recipes[1].device, "cuda:0");
  EXPECT_EQ(p.models[0].recipes[2].label(), "faulty fp32 cuda:1");
  EXPECT_EQ(to_json(p)["models"][0]["recipes"][1]["device"], "cuda:0");
  r.models[0].devices = {"cuda:0", "cuda"};
  EXPECT_THAT(make_plan(r).error().message, HasSubstr("twice"));
  r.models[0].devices = {"cuda"};
  r.models[0].compilers = {"faulty", "null"};
  EXPECT_THAT(make_plan(r).error().message, HasSubstr("null does not build for cuda"));
  // The yardstick stays where it is.
  r.models[0].compilers = {"faulty"};
  r.reference = true;
  const Plan with = make_plan(r).value();
  EXPECT_EQ(with.models[0].recipes[0].device, "cpu");
  EXPECT_EQ(with.models[0].recipes[1].device, "cuda:0");
}

TEST_F(PlanTest, RequirementAndMargins) {
  Request r = request();
  r.limit_ns = 20'000'000;
  EXPECT_FALSE(make_plan(r));  // a limit without its rate
  r.limit_below = 1e-3;
  r.latency_margin = 0.02;
  const auto plan = make_plan(r);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->limit_ns, 20'000'000);
  EXPECT_EQ(get_double(to_json(*plan), "limit_below"), 1e-3);
  EXPECT_EQ(plan->latency_margin, 0.02);
  EXPECT_EQ(plan->tail_margin, 0.05);
  for (const double bad : {-0.5, std::nan("")}) {
    r.latency_margin = bad;
    EXPECT_FALSE(make_plan(r)) << bad;
  }
  r.latency_margin = 1;
  EXPECT_FALSE(make_plan(r));
  const std::string head = "[audit]\nlimit_ms = 5.5\nlimit_below = 1e-4\nlatency_margin = 0.03\n";
  write("p.toml", head + "[[model]]\nmodel = \"m.onnx\"\ncompilers = [\"null\"]\n");
  const auto read = request_from_toml(dir_.path() / "p.toml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->limit_ns, 5'500'000);
  EXPECT_EQ(read->latency_margin, 0.03);
  for (const char* bad : {"nan", "-1e300", "1e300", "inf"}) {
    write("p.toml", std::string("[audit]\nlimit_ms = ") + bad + "\nlimit_below = 1e-4\n");
    const auto refused = request_from_toml(dir_.path() / "p.toml");
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("limit_ms")) << bad;
  }
}

// A detector file stands beside the plan or wherever it says; it is part of the plan.
TEST_F(PlanTest, ADetectorIsNamedByTheModel) {
  write("boxes.json", "{}");
  write("p.toml", R"([[model]]
model = "m.onnx"
detector = "boxes.json"
compilers = ["null"])");
  auto r = request_from_toml(dir_.path() / "p.toml");
  ASSERT_TRUE(r) << r.error().message;
  const Plan plan = make_plan(*r).value();
  EXPECT_EQ(plan.models[0].detector, (dir_.path() / "boxes.json").string());
  EXPECT_EQ(to_json(plan)["models"][0]["detector"], (dir_.path() / "boxes.json").string());
  EXPECT_FALSE(to_json(make_plan(request()).value())["models"][0].contains("detector"));
  EXPECT_THAT(toml_error(R"([[model]]
model = "m.onnx"
detector = 7
compilers = ["null"])")
                  .message,
              HasSubstr("detector is 7, expected a text"));
  EXPECT_THAT(toml_error(R"([[model]]
model = "m.onnx"
detectors = "boxes.json"
compilers = ["null"])")
                  .message,
              HasSubstr("unknown key \"detectors\""));
}

}  // namespace
}  // namespace assay::audit
