// SPDX-License-Identifier: Apache-2.0
// Inputs that must not be read, each with one line that says what and where, and with what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/read/made_files.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Case {
  std::string text, message;
  std::string fix = "";
  Format format = Format::automatic;
};

void expect_refused(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const auto r = parse_engine(c.text, "f.x", c.format);
    ASSERT_FALSE(r) << c.text;
    EXPECT_EQ(r.error().code, ExitCode::usage) << r.error().message;
    EXPECT_THAT(r.error().message, StartsWith("f.x: ")) << c.text;
    EXPECT_THAT(r.error().message, HasSubstr(c.message)) << c.text;
    EXPECT_THAT(r.error().fix, HasSubstr(c.fix)) << r.error().message;
    EXPECT_FALSE(r.error().fix.empty()) << r.error().message;
    EXPECT_EQ(r.error().message.find('\n'), std::string::npos) << r.error().message;
  }
}

// Replaces the first `from` of a made file, which must be there.
std::string with(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// "a0":0,"a1":0, ...
std::string members(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += fmt::format("{}\"a{}\":0", i ? "," : "", i);
  return out;
}

TEST(BadInput, WhatNoToolWrote) {
  expect_refused({
      {"", "is empty", "ended well"},
      {" \r\n\t", "is empty"},
      {std::string("\x7f") + "ELF\0\0", "neither XML nor JSON"},
      {std::string("{\"Layers\": [\0", 13), "binary file", "export its layers"},
      {"\xFF\xFE{\0", "UTF-16", "UTF-8"},
      {"layer,time\na,1\n", "neither XML nor JSON, which fails at byte 1", "trt-layers"},
      {"{}", "a layout that is not known", "ort-profile"},
      {"{\"a\": 1, \"b\": {\"Layers\": 1}}", "a layout that is not known (keys a, b)"},
      {"[]", "a layout that is not known"},
      {"[[1]]", "a layout that is not known"},
      {"[{\"latencyMs\": 1}]", "a layout that is not known (keys latencyMs)"},
      {"7", "a layout that is not known"},
      {"\"text\"", "a layout that is not known"},
      {"{\"format\": 1, \"model_sha256\": \"\"}", "is the manifest of an engine", "folder"},
      {"{\"format\": 1, \"kernels\": []}", "is the kernel map of an engine", "folder"},
      {"[\"123\", \"7EYA\"]", "looks like the workloads of MetaSchedule", "record"},
      {std::string(100'000, '['), "a layout that is not known"},
      {"# only\n# comments", "neither XML nor JSON"},
  });
}

TEST(BadInput, TensorRtLayers) {
  const std::string good = made::kTrtLayers;
  const std::string deep = "{\"Layers\": " + std::string(100, '[');
  expect_refused({
      {good.substr(0, good.size() / 2), "where it ends: truncated?", "write the file again"},
      {good + "x", "not JSON at byte"},
      {deep, "nested deeper than 64", "check the file"},
      {"{\"Layers\": [{" + members(513) + "}]}", "an object of more than 512 members"},
      {"{\"Layers\": 5}", "no array \"Layers\"", "--exportLayerInfo"},
      {"{\"Layers\": {\"a\": \"b\"}}", "no array \"Layers\""},
      {"{\"Bindings\": [\"a\"]}", "no array \"Layers\""},
      {"{\"Layers\": []}", "Layers: an empty array"},
      {"{\"Layers\": [7]}", "Layers[0]: 7, expected a layer"},
      {"{\"Layers\": [\"a\", null]}", "Layers[1]: null, expected a layer"},
      {"{\"Layers\": [\"\"]}", "Layers[0]: no Name"},
      {"{\"Layers\": [{\"LayerType\": \"x\"}]}", "Layers[0]: no Name"},
      {"{\"Layers\": [{\"Name\": 5}]}", "Layers[0]: no Name"},
      {"{\"Layers\": [{\"Name\": \"a\", \"Inputs\": \"b\"}]}",
       "Layers[0].Inputs: the text 'b', expected an array"},
      {"{\"Layers\": [{\"Name\": \"a\", \"Outputs\": [5]}]}", "Layers[0].Outputs[0]: 5, expected"},
      {with(good, "[1,3,8,8]", "[1,-2]"), "Layers[0].Inputs[0].Dimensions: -2, expected extents"},
      {with(good, "[1,3,8,8]", "[1.5]"), "Layers[0].Inputs[0].Dimensions: 1.5, expected extents"},
      {with(good, "[1,3,8,8]", "[1e400]"), "not JSON"},
      {"{\"Layers\": [\"\xC3(\"]}", "not JSON"},
      {"[\"a\"]", "no array \"Layers\"", "", Format::trt_layers},
      {"{\"Layers\": [{\"Name\": \"a\", \"Inputs\": [{\"Dimensions\": [" +
           [] {
             std::string many = "1";
             for (int i = 0; i < 64; ++i) many += ",1";
             return many;
           }() +
           "]}]}]}",
       "65 extents, expected at most 64"},
  });
}

TEST(BadInput, TensorRtProfile) {
  expect_refused({
      {"[{\"count\": 5}]", "no layers", "--exportProfile"},
      {"[{\"count\": 5}, {\"timeMs\": 1}]", "[1]: no \"name\""},
      {"[{\"count\": 5}, 7]", "[1]: 7, expected an object"},
      {"[{\"count\": 5}, {\"name\": \"a\"}]", "[1]: neither \"medianMs\" nor \"averageMs\""},
      {"[{\"count\": 5}, {\"name\": \"a\", \"medianMs\": -1}]",
       "[1].medianMs: -1, expected a number"},
      {"[{\"count\": 5}, {\"name\": \"a\", \"medianMs\": null}]", "[1].medianMs: null, expected"},
      {"[{\"count\": 5}, {\"name\": \"a\", \"medianMs\": 1e300}]", "expected a number from 0 to"},
      {"[{\"count\": 5}, {\"name\": \"a\", \"medianMs\": 1, \"percentage\": 120}]",
       "[1].percentage: 120, expected a number from 0 to 100.5"},
      {"[{\"count\": 5}, {\"name\": \"a\", \"medianMs\": nan}]", "not JSON at byte"},
  });
}

TEST(BadInput, TuningLogs) {
  const std::string autotvm = made::kAutoTvm, scheduler = made::kAutoScheduler;
  const std::string first = autotvm.substr(0, autotvm.find('\n') + 1);
  expect_refused({
      {autotvm.substr(0, autotvm.size() - 20), "line 5: not JSON at byte", "may be cut off"},
      {first + "{\n" + first, "line 2: not JSON at byte", "remove the line"},
      {first + "[1]\n", "line 2: an array, expected a record"},
      {first + scheduler, "line 2: a record of the other tuner", "apart"},
      {with(autotvm, "\"version\": 0.2", "\"version\": 0.1"), "line 1.version: 0.1, expected 0.2"},
      {with(autotvm, "\"version\"", "\"v\""), "line 1.version: absent, expected 0.2"},
      {with(autotvm, "\"conv2d_NCHWc.x86\"", "5"),
       "line 1.input: an array, expected [target, task"},
      {with(autotvm, "\"entity\"", "\"e\""), "line 1.config: no \"entity\""},
      {with(autotvm, "[6e-06, 2e-06], 0", "[6e-06, 2e-06], \"0\""), "line 1.result: an array"},
      {with(autotvm, "\"result\"", "\"r\""), "line 1.result: absent"},
      {with(autotvm, "[6e-06, 2e-06], 0", "[], 0"),
       "line 1.result: an array, expected an array of times"},
      {with(autotvm, "6e-06", "-1"), "line 1.result: -1, expected times in s"},
      {with(autotvm, "6e-06", "NaN"), "line 1: not JSON"},
      {with(autotvm, "6e-06", "null"), "line 1.result: null, expected times in s"},
      {with(scheduler, "\"v0.6\"", "6"), "line 1.v: 6, expected v0.6", "TVM 0.14"},
      {with(scheduler, "\"i\": [[\"[", "\"i\": [5, [\"["),
       "line 1.i: an array, expected [[workload key"},
      {with(scheduler, "0.5, 123]", "0.5]"), "line 1.r: an array, expected [times, error number"},
      {"#\n", "neither XML nor JSON"},
      {"#\n", "no records", "", Format::autotvm},
      {first + std::string(70, '[') + "\n", "line 2: JSON is nested deeper than 64"},
  });
}

TEST(BadInput, Databases) {
  const std::string records = made::kRecords;
  expect_refused({
      {with(records, "[0,[[[[", "[-1,[[[["), "line 1: workload -1, expected a number from 0",
       "both"},
      {"[0]\n", "line 1: an array, expected [workload"},
      {"[0, [5, [1]]]\n", "line 1: an array, expected [workload"},
      {"[0, [[[], []], 5]]\n", "line 1: seconds: 5, expected an array of times"},
      {"[0, [[[], []], [-5]]]\n", "line 1: seconds: -5, expected times in s"},
      {records + "[1", "line 5: not JSON"},
  });
  const auto error = [](std::string_view workloads) {
    return parse_metaschedule(made::kRecords, workloads, "f").error().message;
  };
  EXPECT_THAT(error(""), HasSubstr("line 1: workload 0, expected one of the 0"));
  EXPECT_THAT(error("[\"a\", \"b\"]\n"), HasSubstr("line 3: workload 1, expected one of the 1"));
  EXPECT_THAT(error("[5, \"b\"]\n"), HasSubstr("database_workload.json line 1: an array"));
}

TEST(BadInput, OpenVinoGraphs) {
  const std::string good = made::kOpenVino;
  expect_refused({
      {good.substr(0, good.size() / 2), "not XML at byte", "ov.serialize"},
      {"<net>", "not XML at byte"},
      {"<html></html>", "no <net> with <layers>"},
      {"<net><layers/></net>", "no <layer>"},
      {"<net><layers><layer id='0' type='a'/></layers></net>", "layer 0: no name"},
      {"<net><layers><layer id='0' name='a\nb' type='Add'><data auto='1'/></layer></layers></net>",
       "layer 0 (a b): no execOrder", "get_runtime_model"},
      {with(good, "execOrder=\"0\"", "execOrder=\"x\""),
       "layer 0.execOrder: 'x', expected a number"},
      {with(good, "execOrder=\"0\"", "execOrder=\"-1\""), "layer 0.execOrder: '-1'"},
      {with(good, "execTimeMcs=\"195\"", "execTimeMcs=\"1.5\""), "layer 2.execTimeMcs: '1.5'"},
      {with(good, "execTimeMcs=\"195\"", "execTimeMcs=\"99999999999999999999\""),
       "layer 2.execTimeMcs: '9999"},
      {with(good, "<dim>8</dim>", "<dim>eight</dim>"), "layer 0: <dim>eight, expected extents"},
      {with(good, "<dim>8</dim>", "<dim/>"), "layer 0: <dim>, expected extents"},
      {with(good, "id=\"2\"", "id=\"0\""), "layer 1: the id '0' a second time"},
      {"<net><layers><layer id='0' name='a' type='Const'><data "
       "execOrder='0'/></layer></layers></net>",
       "only constants, inputs and outputs"},
      {std::string("<net>\0</net>", 12), "binary file"},
  });
}

TEST(BadInput, OrtProfiles) {
  const std::string good = made::kOrtProfile;
  expect_refused({
      {good.substr(0, good.rfind(']')), "where it ends: truncated?", "write the file again"},
      {"[{\"cat\": \"Session\", \"name\": \"model_run\"}]", "no runs of nodes", "enable_profiling"},
      {with(good, "\"dur\" :74", "\"dur\" :-1"), "[1].dur: -1, expected a duration"},
      {with(good, "\"dur\" :74", "\"dur\" :\"74\""), "[1].dur: the text '74'"},
      {with(good, "\"dur\" :74,", ""), "[1].dur: absent"},
      {with(good, "[1,1,8,8]", "5"), "[1].args.input_type_shape: an object, expected"},
      {with(good, "[1,1,8,8]", "[-1]"), "[1].args.input_type_shape: -1, expected extents from 0"},
      {"[{\"cat\": \"Node\"}, 5]", "[1]: 5, expected an event"},
      {"{\"cat\": 1}", "no runs of nodes", "", Format::ort_profile},
  });
}

// Texts of others reach an error only as one line, without control characters.
TEST(BadInput, ErrorsAreOneLine) {
  for (const std::string text :
       {"{\"Layers\": [{\"Name\": \"a\", \"Inputs\": \"x\\n\\u001b[2J\"}]}", "{\"a\\nb\": 1}",
        "<net><layers><layer id='&#10;' name='a&#10;b&#27;'/></layers></net>"}) {
    const auto r = parse_engine(text, "f");
    ASSERT_FALSE(r);
    for (char c : r.error().message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
  }
}

}  // namespace
}  // namespace assay::diff
