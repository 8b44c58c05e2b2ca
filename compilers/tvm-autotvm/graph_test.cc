// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace assay::tvm {
namespace {

// input -> relu -> nop -> heads {relu, nop, input}
constexpr const char* kGraph = R"({
 "nodes": [
  {"op": "null", "name": "x", "inputs": []},
  {"op": "null", "name": "p0", "inputs": []},
  {"op": "tvm_op", "name": "relu", "attrs": {"func_name": "f_relu", "num_outputs": "1"},
   "inputs": [[0, 0, 0], [1, 0, 0]]},
  {"op": "tvm_op", "name": "reshape", "attrs": {"func_name": "__nop", "num_outputs": "1"}, "inputs": [[2, 0, 0]]},
  {"op": "tvm_op", "name": "last", "attrs": {"func_name": "f_last", "num_outputs": "1"}, "inputs": [[3, 0, 0]]}],
 "arg_nodes": [0, 1], "heads": [[2, 0, 0], [3, 0, 0], [0, 0, 0], [4, 0, 0]],
 "attrs": {"dltype": ["list_str", ["float32", "float32", "float32", "float32", "float32"]],
           "shape": ["list_shape", [[1, 4], [4], [1, 4], [4], [4]]],
           "storage_id": ["list_int", [0, 1, 2, 2, 3]]}})";

constexpr const char* kManifest = R"({"format": 1, "version": "0.14.0", "threads": 1,
 "inputs": [{"name": "x", "dtype": "float32", "shape": [1, 4]}],
 "outputs": [{"name": "a", "dtype": "float32", "shape": [1, 4]}, {"name": "b", "dtype": "float32", "shape": [4]},
             {"name": "c", "dtype": "float32", "shape": [1, 4]}, {"name": "d", "dtype": "float32", "shape": [4]}]})";

std::string params_bin(const std::vector<std::string>& names) {
  std::string out;
  const auto word = [&](uint64_t value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  word(0xF7E58D4F05049CB7u);
  word(0);
  word(names.size());
  for (const std::string& name : names) {
    word(name.size());
    out += name;
  }
  return out;
}

class EngineFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("assay_tvm_" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
    write("graph.json", kGraph);
    write("manifest.json", kManifest);
    write("params.bin", params_bin({"p0"}));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Expected<EngineFiles> read() const { return read_engine(folder_.string()); }
  void replace(const char* name, std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    write(name, text.replace(at, from.size(), to));
  }
  std::filesystem::path folder_;
};

TEST_F(EngineFolder, ReadsTensorsAndPaths) {
  const auto engine = read();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ(engine->inputs[0].bytes, 16);
  EXPECT_EQ(engine->input_numbers, std::vector<int32_t>{0});
  EXPECT_TRUE(engine->input_direct[0]);
  // relu's memory has a second name (the nop), the nop is that name, x is an input, last is plain.
  EXPECT_EQ(engine->output_paths,
            (std::vector<OutputPath>{OutputPath::kCopy, OutputPath::kCopy,
                                     OutputPath::kCopyArgument, OutputPath::kDirect}));
}

TEST_F(EngineFolder, AnOutputTwiceIsCopied) {
  replace("graph.json", kGraph, "[[2, 0, 0], [3, 0, 0], [0, 0, 0], [4, 0, 0]]",
          "[[4, 0, 0], [4, 0, 0], [0, 0, 0], [4, 0, 0]]");
  replace("manifest.json", kManifest, R"("a", "dtype": "float32", "shape": [1, 4])",
          R"("a", "dtype": "float32", "shape": [4])");
  const auto engine = read();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ(engine->output_paths[3], OutputPath::kCopy);
}

TEST_F(EngineFolder, AnInputBehindANopIsCopied) {
  replace("graph.json", kGraph, R"("inputs": [[2, 0, 0]])", R"("inputs": [[0, 0, 0]])");
  const auto engine = read();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_FALSE(engine->input_direct[0]);
}

TEST_F(EngineFolder, RefusesWhatDoesNotFit) {
  const struct {
    const char* file;
    const char* from;
    const char* to;
    const char* says;
  } cases[] = {
      {"graph.json", "[4, 0, 0]]", "[5, 0, 0]]", "out of range"},
      {"graph.json", "[4, 0, 0]]", "[4, 1, 0]]", "out of range"},
      {"graph.json", "[[1, 4], [4], ", "[[4], ", "types and"},
      {"graph.json", "[[2, 0, 0]]}", "[[7, 0, 0]]}", "out of range"},
      {"graph.json", R"("num_outputs": "1")", R"("num_outputs": "-1")", "num_outputs"},
      {"graph.json", "\"float32\"", "\"float33\"", "float33"},
      {"graph.json", "[1, 4], [4]", "[1, -4], [4]", "out of range"},
      {"graph.json", "\"heads\"", "\"tails\"", "heads"},
      {"manifest.json", "\"format\": 1", "\"format\": 2", "format"},
      {"manifest.json", "\"shape\": [1, 4]", "\"shape\": [2, 4]", "disagree"},
      {"manifest.json", "\"threads\": 1", "\"threads\": 0", "threads"},
      {"manifest.json", "\"inputs\"", "\"inputz\"", "inputs"},
  };
  for (const auto& c : cases) {
    const std::string original = c.file == std::string("graph.json") ? kGraph : kManifest;
    replace(c.file, original, c.from, c.to);
    const auto engine = read();
    ASSERT_FALSE(engine) << c.to;
    EXPECT_EQ(engine.error().status, ASSAY_INVALID);
    EXPECT_NE(engine.error().message.find(c.says), std::string::npos) << engine.error().message;
    write(c.file, original);
  }
  EXPECT_TRUE(read());
}

TEST_F(EngineFolder, RefusesMissingOrDamagedConstants) {
  write("params.bin", params_bin({"p1"}));
  EXPECT_FALSE(read());
  const std::string good = params_bin({"p0"});
  for (size_t size = 0; size < good.size(); ++size) {
    write("params.bin", good.substr(0, size));
    EXPECT_FALSE(read()) << size;
  }
  std::string huge = good;
  huge[31] = '\x7f';  // length of the name
  write("params.bin", huge);
  EXPECT_FALSE(read());
}

// A graph of kernels in a row on x of shape [1, 8, 2, 2]; node i + 1 is called "n<i>".
std::string row_of(const std::vector<std::pair<std::string, std::string>>& kernels,
                   const std::vector<std::string>& shapes) {
  std::string nodes = R"({"op": "null", "name": "x", "inputs": []})";
  std::string types = R"("float32")", extents = "[1, 8, 2, 2]";
  for (size_t i = 0; i < kernels.size(); ++i) {
    nodes += R"(, {"op": "tvm_op", "name": "n)" + std::to_string(i) +
             R"(", "attrs": {"func_name": ")" + kernels[i].first + R"(", "num_outputs": "1")" +
             kernels[i].second + R"(}, "inputs": [[)" + std::to_string(i) + ", 0, 0]]}";
    types += R"(, "float32")";
    extents += ", " + shapes[i];
  }
  return R"({"nodes": [)" + nodes + R"(], "arg_nodes": [0], "heads": [[1, 0, 0]], "attrs": )" +
         R"({"dltype": ["list_str", [)" + types + R"(]], "shape": ["list_shape", [)" + extents +
         "]]}}";
}

TEST(ParseGraph, TellsBlockedLayoutsWhereTheAttributesDo) {
  const std::string blocked = "[1, 2, 2, 2, 4]", other = "[1, 4, 2, 2, 2]";
  const auto graph = parse_graph(
      row_of({{"f_layout_transform", R"(, "src_layout": "NCHW", "dst_layout": "NCHW4c")"},
              {"f_conv_add", R"(, "data_layout": "NCHW4c", "out_layout": "NCHW2c")"},
              {"f_relu", ""},                         // keeps the layout of its input
              {"f_reshape_relu", ""},                 // moves extents about
              {"f_relu", ""},                         // of an input whose layout is not known
              {"f_pool", R"(, "layout": "NCHW8c")"},  // says another block than the shape
              {"f_layout_transform", R"(, "dst_layout": "NCHW")"}},
             {blocked, other, other, other, other, other, "[1, 8, 2, 2]"}),
      "graph");
  ASSERT_TRUE(graph) << graph.error().message;
  std::vector<int64_t> blocks;
  for (const Node& node : graph->nodes) blocks.push_back(node.channel_block);
  EXPECT_EQ(blocks, (std::vector<int64_t>{0, 4, 2, 2, 0, 0, 0, 0}));
}

TEST(CopyPlain, PutsBlocksOfChannelsApart) {
  TensorInfo blocked;
  blocked.type = {2, 32, 1};
  blocked.shape = {1, 2, 1, 3, 2};  // 4 channels in blocks of 2, 1 x 3 places
  EXPECT_EQ(plain_layout(blocked).shape, (std::vector<int64_t>{1, 4, 1, 3}));
  const float from[] = {0, 10, 1, 11, 2, 12, 20, 30, 21, 31, 22, 32};  // channel * 10 + place
  float to[12] = {};
  copy_plain(blocked, reinterpret_cast<const char*>(from), reinterpret_cast<char*>(to));
  EXPECT_EQ(std::vector<float>(to, to + 12),
            (std::vector<float>{0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32}));
}

TEST(ParseGraph, RefusesCutText) {
  const std::string text = kGraph;
  for (size_t size = 0; size < text.size() - 1; size += 7) {
    EXPECT_FALSE(parse_graph(text.substr(0, size), "graph")) << size;
  }
  EXPECT_TRUE(parse_graph(text, "graph"));
}

}  // namespace
}  // namespace assay::tvm
