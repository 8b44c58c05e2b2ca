// SPDX-License-Identifier: Apache-2.0
#include "audit/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace assay::audit {
namespace {

using testing::HasSubstr;

Compiler made() {
  Compiler c;
  c.name = "made";
  c.options = {{"n", "int", "", 3, {}},
               {"x", "float", "", 0.5, {}},
               {"on", "bool", "", false, {}},
               {"mode", "string", "", "ga", {"ga", "xgb"}}};
  return c;
}

TEST(Catalog, ListsTheCompilersOfTheIssueAndEachIsWhole) {
  auto all = load_compilers();
  ASSERT_TRUE(all) << all.error().message;
  std::set<std::string> names;
  for (const Compiler& c : *all) {
    names.insert(c.name);
    EXPECT_FALSE(c.summary.empty()) << c.name;
    EXPECT_TRUE(c.decides_at == "build" || c.decides_at == "load" || c.decides_at == "first_run")
        << c.name;
    EXPECT_TRUE(c.kernels == "source" || c.kernels == "name" || c.kernels == "layer") << c.name;
    EXPECT_TRUE(complete_options(c, Json::object())) << c.name << ": defaults do not fit";
    EXPECT_EQ(c.search, c.trial_s > 0) << c.name << ": a search has an estimate of its trials";
    for (const OptionSpec& o : c.options) EXPECT_FALSE(o.help.empty()) << c.name << "." << o.name;
  }
  for (const char* name : {"reference", "onnxruntime", "openvino", "tvm-autotvm",
                           "tvm-autoscheduler", "null", "faulty", "tensorrt"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Catalog, UnknownCompilerListsTheKnown) {
  auto c = find_compiler("nul");
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, ExitCode::usage);
  EXPECT_THAT(c.error().fix, HasSubstr("openvino"));
}

TEST(Catalog, DevicesAreResolvedAndOthersRefused) {
  Compiler c = made();
  EXPECT_EQ(resolve_device(c, "").value(), "cpu");
  EXPECT_EQ(resolve_device(c, "cpu").value(), "cpu");
  auto refused = resolve_device(c, "cuda:0");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::usage);
  EXPECT_THAT(refused.error().fix, HasSubstr("it offers: cpu"));
  c.devices = {"cuda"};
  EXPECT_EQ(resolve_device(c, "").value(), "cuda:0") << "the default is the first";
  EXPECT_EQ(resolve_device(c, "cuda").value(), "cuda:0");
  EXPECT_EQ(resolve_device(c, "cuda:12").value(), "cuda:12");
  c.devices = {"cpu", "cuda"};
  for (const char* text : {"gpu", "cuda:", "cuda:-1", "cuda:00", "cuda:1 ", "cuda:0:1", "cpu:0",
                           "cpu:", ":0", "cuda:1000", "cuda:\x01"})
    EXPECT_FALSE(resolve_device(c, text)) << text;
}

TEST(Catalog, ADeviceMayHaveItsOwnEnvironment) {
  auto tvm = find_compiler("tvm-autotvm");
  ASSERT_TRUE(tvm);
  EXPECT_EQ(tvm->devices, (std::vector<std::string>{"cpu", "cuda"}));
  EXPECT_EQ(tvm->install_command(), "./assay-up compilers tvm-autotvm");
  EXPECT_EQ(tvm->install_command("cuda:1"), "./assay-up compilers tvm-autotvm-cuda");
  EXPECT_FALSE(child_environment(*tvm, "cpu").contains("CUDA_DEVICE_ORDER"));
  EXPECT_EQ(child_environment(*tvm, "cuda:1").at("CUDA_DEVICE_ORDER"), "PCI_BUS_ID");
  auto faulty = find_compiler("faulty");
  ASSERT_TRUE(faulty);
  EXPECT_EQ(faulty->install_command("cuda:0"), "./assay-up compilers faulty");
}

TEST(Catalog, OptionsAreTypedAndCompleted) {
  auto full = complete_options(made(), Json{{"n", 7}});
  ASSERT_TRUE(full);
  EXPECT_EQ(dump_json(*full), R"({"n":7,"x":0.5,"on":false,"mode":"ga"})");
  // A whole number is a fine float, and is stored as one.
  EXPECT_TRUE(complete_options(made(), Json{{"x", 2}}).value()["x"].is_number_float());
  const Json bad[] = {{{"n", 1.5}},
                      {{"n", "7"}},
                      {{"n", nullptr}},
                      {{"x", "1"}},
                      {{"on", 1}},
                      {{"mode", "sa"}},
                      {{"mode", 1}},
                      {{"absent", 1}},
                      {{"n", true}},
                      {{"x", Json::array()}},
                      {{"mode", Json::object()}}};
  for (const Json& given : bad) {
    auto r = complete_options(made(), given);
    ASSERT_FALSE(r) << dump_json(given);
    EXPECT_EQ(r.error().code, ExitCode::usage);
    EXPECT_THAT(r.error().message, HasSubstr(given.begin().key()));
  }
}

TEST(Catalog, OptionsFromTheCommandLine) {
  const Compiler c = made();
  EXPECT_EQ(parse_option(c, "n", "16").value(), Json(16));
  EXPECT_EQ(parse_option(c, "x", "1e-3").value(), Json(1e-3));
  EXPECT_EQ(parse_option(c, "on", "true").value(), Json(true));
  EXPECT_EQ(parse_option(c, "mode", "xgb").value(), Json("xgb"));
  EXPECT_EQ(parse_option(c, "mode", "7").value(), Json("7"));
  for (const char* text : {"", "x", "[1]", "\"7\"", "null", "1 2"})
    EXPECT_FALSE(parse_option(c, "n", text)) << text;
  EXPECT_THAT(parse_option(c, "absent", "1").error().fix, HasSubstr("mode"));
}

TEST(Catalog, MissingInstallationNamesTheCommand) {
  Compiler c = made();
  c.family = "no-such-family";
  c.runner = "none";
  c.builder = {"{python}", "{folder}/build"};
  auto r = find_installation(c);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ExitCode::missing);
  EXPECT_THAT(r.error().fix, HasSubstr("./assay-up compilers made"));
  c.manual = "make it by hand";
  EXPECT_EQ(find_installation(c).error().fix, "make it by hand");
}

}  // namespace
}  // namespace assay::audit
