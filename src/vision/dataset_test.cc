// SPDX-License-Identifier: Apache-2.0
#include "vision/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

#include "vision/npy.h"
#include "vision/test_images.h"
#include "vision/writer.h"

namespace assay::vision {
namespace {

using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  TempDir dir_ = std::move(*TempDir::create(fs::temp_directory_path(), "assay-data"));
  const TensorSpec image_input_{"input", DType::f32, {1, 3, 8, 8}};

  fs::path write(const std::string& name, const std::string& content) {
    fs::create_directories((dir_.path() / name).parent_path());
    std::ofstream(dir_.path() / name, std::ios::binary) << content;
    return dir_.path() / name;
  }
  fs::path at(const std::string& name) { return dir_.path() / name; }
  std::string read(const fs::path& p) { return *read_file(p); }
  template <class T>
  void refuses(const Result<T>& result, const std::string& text) {
    ASSERT_FALSE(result) << "expected: " << text;
    EXPECT_EQ(result.error().code, ExitCode::usage);
    EXPECT_THAT(result.error().message, HasSubstr(text));
  }
  void edit(const fs::path& folder, const std::string& from, const std::string& to) {
    std::string text = read(folder / "dataset.json");
    const size_t found = text.find(from);
    ASSERT_NE(found, std::string::npos) << from;
    write(fs::relative(folder / "dataset.json", dir_.path()).string(),
          text.replace(found, from.size(), to));
  }
};

std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                int version = 1, const std::string& order = "False") {
  const std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(header.size() >> 8 * i);
  return out + header + data;
}

TEST_F(DatasetTest, SyntheticIsSeededAndTyped) {
  const std::vector<TensorSpec> inputs = {{"x", DType::f32, {1, 1000}},
                                          {"i", DType::i64, {5}},
                                          {"b", DType::boolean, {64}},
                                          {"h", DType::f16, {3}},
                                          {"s", DType::f64, {}}};
  const auto a = dataset_synthetic(inputs, 20, 7, at("a")),
             b = dataset_synthetic(inputs, 20, 7, at("b")),
             c = dataset_synthetic(inputs, 20, 8, at("c"));
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->sha256, b->sha256);
  EXPECT_NE(a->sha256, c->sha256);
  EXPECT_EQ(a->sampling, Sampling::independent);
  EXPECT_TRUE(check_fits(*a, inputs));
  EXPECT_EQ(a->cluster_count(), 20);
  const std::string x = read(a->inputs[0].file);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < x.size(); i += 4) {
    float v;
    std::memcpy(&v, x.data() + i, 4);
    sum += v;
    squares += double(v) * v;
  }
  EXPECT_NEAR(sum / 20000, 0, .03);
  EXPECT_NEAR(squares / 20000, 1, .05);
  const std::string i64 = read(a->inputs[1].file);
  for (size_t i = 0; i < i64.size(); i += 8) {
    int64_t v;
    std::memcpy(&v, i64.data() + i, 8);
    EXPECT_TRUE(v >= 0 && v < 10);
  }
  EXPECT_TRUE(open_dataset(at("a"), true));
  refuses(dataset_synthetic(inputs, 0, 1, at("d")), "0 items");
  refuses(dataset_synthetic(inputs, 2, 1, at("a")), "already");
  refuses(dataset_synthetic({}, 2, 1, at("e")), "no inputs");
}

TEST_F(DatasetTest, FitsNamesTheDifference) {
  const auto d = dataset_synthetic({{"x", DType::f32, {1, 4}}}, 2, 1, at("a"));
  EXPECT_THAT(check_fits(*d, {{"x", DType::f32, {1, 5}}}).error().message, HasSubstr("1x4"));
  EXPECT_THAT(check_fits(*d, {{"x", DType::i32, {1, 4}}}).error().message, HasSubstr("int32"));
  EXPECT_THAT(check_fits(*d, {{"x", DType::f32, {1, 4}}, {"y", DType::f32, {1}}}).error().message,
              HasSubstr("'y'"));
}

TEST_F(DatasetTest, OpenRefusesDamage) {
  const auto make = [&](const std::string& name) {
    return dataset_synthetic({{"x", DType::f32, {1, 4}}}, 3, 1, at(name))->folder;
  };
  refuses(open_dataset(at("none"), false), "dataset.json is missing");
  fs::path d = make("size");
  fs::resize_file(d / "input_0.bin", 40);
  refuses(open_dataset(d, false), "40 bytes, expected 3 items of 16");
  d = make("hash");
  write("hash/input_0.bin", std::string(48, 'x'));
  EXPECT_TRUE(open_dataset(d, false));
  refuses(open_dataset(d, true), "SHA-256");
  const struct {
    const char *from, *to, *text;
  } edits[] = {{"\"n\": 3", "\"n\": 0", "n is 0"},
               {"\"format\": 1", "\"format\": 2", "format"},
               {"independent", "anything", "sampling"},
               {"independent", "clustered", "clusters"},
               {"input_0.bin", "../other.bin", "leaves"},
               {"input_0.bin", "absent.bin", "missing"},
               {"\"inputs\": [", "\"inputs\": 3, \"x\": [", "no inputs"},
               {"float32", "float31", "float31"},
               {"\"n\": 3", "\"n\": 3, \"labels\": \"labels.json\"", "labels.json"}};
  int k = 0;
  for (const auto& e : edits) {
    d = make("edit" + std::to_string(k++));
    edit(d, e.from, e.to);
    refuses(open_dataset(d, false), e.text);
  }
  write("edit8/labels.json", R"({"labels": [1, 2]})");
  refuses(open_dataset(at("edit8"), false), "2 labels");
  write("edit8/labels.json", R"({"labels": [1, 2, -1]})");
  refuses(open_dataset(at("edit8"), false), "#2 is -1");
  write("edit8/labels.json", R"({"labels": [1, 2, 0], "names": ["a"]})");
  EXPECT_EQ(open_dataset(at("edit8"), false)->labels, (std::vector<int64_t>{1, 2, 0}));
  write("edit3/clusters.json", R"({"clusters": [4, 4, -9]})");
  edit(at("edit3"), "\"n\": 3", "\"n\": 3, \"clusters\": \"clusters.json\"");
  EXPECT_EQ(open_dataset(at("edit3"), false)->cluster_count(), 2);
}

TEST_F(DatasetTest, Npy) {
  const std::string data(24, 'a');
  const auto parse = [](const std::string& s) {
    return parse_npy(std::as_bytes(std::span(s)), "t.npy");
  };
  for (int version = 1; version <= 3; ++version) {
    const auto good = parse(npy("<f4", "(3, 2)", data, version));
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_EQ(good->shape, (std::vector<int64_t>{3, 2}));
  }
  EXPECT_EQ(parse(npy("|u1", "(24,)", data))->dtype, DType::u8);
  EXPECT_TRUE(parse(npy("<f8", "()", std::string(8, 'a')))->shape.empty());
  EXPECT_TRUE(parse(npy("<f8", "(0, 99999999999)", "")));
  for (const auto& bad :
       {npy(">f4", "(3, 2)", data), npy("<f4", "(3, 2)", data, 1, "True"),
        npy("<f4", "(3, 3)", data), npy("|O", "(3,)", data), npy("<f4", "(-3, 2)", data),
        npy("<f4", "(99999999999, 99999999999)", data), npy("<f4", "(3, 2)", data, 4),
        npy("<f4", "(3, 2", data), std::string("\x93NUMPY"), std::string()}) {
    refuses(parse(bad), "t.npy");
  }
  const fs::path x = write("x.npy", npy("<f4", "(3, 2)", data)),
                 m = write("m.npy", npy("|u1", "(3, 8)", data));
  const std::vector<TensorSpec> inputs = {{"x", DType::f32, {1, 2}}, {"m", DType::u8, {8}}};
  const auto d = dataset_from_npy({{"m", m}, {"x", x}}, inputs, at("d"));
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_EQ(d->n, 3);
  EXPECT_EQ(d->sampling, Sampling::fixed);
  EXPECT_EQ(read(d->inputs[0].file), data);
  refuses(dataset_from_npy({{"x", x}}, inputs, at("e")), "'m'");
  refuses(dataset_from_npy({{"x", x}, {"q", m}}, inputs, at("f")), "no input");
  refuses(dataset_from_npy({{"x", m}, {"m", m}}, inputs, at("g")), "expected float32");
  refuses(dataset_from_npy(
              {{"x", x}, {"m", write("n.npy", npy("|u1", "(2, 8)", std::string(16, 'a')))}}, inputs,
              at("h")),
          "2 items");
}

TEST_F(DatasetTest, ImagesInClassFolders) {
  write("photos/b/1.jpg", kJpeg);
  write("photos/b/2.PNG", kPng);
  write("photos/a/1.jpeg", kGreyJpeg);
  write("photos/a/notes.txt", "not an image");
  ImageFolderOptions options;
  options.preprocess.resize_shorter = 8;
  const auto d = dataset_from_images(at("photos"), image_input_, options, at("out"));
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_EQ(d->n, 3);
  EXPECT_EQ(d->labels, (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(d->label_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_THAT(d->description, HasSubstr("1 other files skipped"));
  EXPECT_EQ(d->sampling, Sampling::fixed);
  const std::string data = read(d->inputs[0].file);
  ASSERT_EQ(data.size(), 3u * 3 * 64 * 4);
  const auto value = [&](size_t i) {
    float v;
    std::memcpy(&v, data.data() + 4 * i, 4);
    return v;
  };
  EXPECT_NEAR(value(0), (77 / 255.0 - .485) / .229, 1e-6);
  EXPECT_NEAR(value(128), (77 / 255.0 - .406) / .225, 1e-6);
  EXPECT_NEAR(value(192), (200 / 255.0 - .485) / .229, 1.01 / 255 / .229);  // image 2, red
  EXPECT_NEAR(value(192 + 128), (50 / 255.0 - .406) / .225, 1.01 / 255 / .225);
  options.limit = 2;
  EXPECT_EQ(dataset_from_images(at("photos"), image_input_, options, at("out2"))->labels,
            (std::vector<int64_t>{0, 1}));
  options.labels_file = write("map.txt", "a 7\nb 3\n");
  EXPECT_EQ(dataset_from_images(at("photos"), image_input_, options, at("out3"))->labels,
            (std::vector<int64_t>{7, 3}));
  options.labels_file = write("names.txt", "z\nb\na\n");
  EXPECT_EQ(dataset_from_images(at("photos"), image_input_, options, at("out4"))->labels,
            (std::vector<int64_t>{2, 1}));
  options.labels_file = write("short.txt", "b\n");
  refuses(dataset_from_images(at("photos"), image_input_, options, at("out5")), "'a'");
}

TEST_F(DatasetTest, LayoutsAndTypes) {
  write("flat/1.jpg", kJpeg);
  ImageFolderOptions options;
  options.preprocess.resize_shorter = 0;
  const auto make = [&](const std::string& out, const TensorSpec& spec) {
    return dataset_from_images(at("flat"), spec, options, at(out));
  };
  const auto raw = make("raw", {"x", DType::u8, {1, 4, 4, 3}});
  ASSERT_TRUE(raw) << raw.error().message;
  EXPECT_TRUE(raw->labels.empty());
  EXPECT_NEAR(static_cast<uint8_t>(read(raw->inputs[0].file)[1]), 100, 1);
  options.preprocess.bgr = true;
  EXPECT_NEAR(
      static_cast<uint8_t>(read(make("bgr", {"x", DType::u8, {3, 4, 4}})->inputs[0].file)[0]), 50,
      1);
  options.preprocess.bgr = false;
  const auto half = make("half", {"x", DType::f16, {1, 3, 4, 4}});
  ASSERT_TRUE(half);
  EXPECT_EQ(half->inputs[0].spec.bytes(), 96);
  refuses(make("grey", {"x", DType::f32, {1, 1, 4, 4}}), "means");
  options.preprocess.mean = {0.5};
  options.preprocess.std = {0.5};
  const auto grey = make("grey2", {"x", DType::f32, {1, 1, 4, 4}});
  ASSERT_TRUE(grey) << grey.error().message;
  float v;
  std::memcpy(&v, read(grey->inputs[0].file).data(), 4);
  EXPECT_NEAR(v, ((200 * .299 + 100 * .587 + 50 * .114) / 255 - .5) / .5, .01);
  refuses(make("batch", {"x", DType::f32, {2, 3, 4, 4}}), "2x3x4x4");
  refuses(make("vector", {"x", DType::f32, {1, 10}}), "1x10");
  refuses(make("ints", {"x", DType::i64, {1, 3, 4, 4}}), "int64");
  options.preprocess.std = {0};
  refuses(make("zero", {"x", DType::f32, {1, 3, 4, 4}}), "deviations");
}

TEST_F(DatasetTest, ImageFoldersFailClosed) {
  refuses(dataset_from_images(at("absent"), image_input_, {}, at("o1")), "no such folder");
  write("junk/readme.txt", "x");
  refuses(dataset_from_images(at("junk"), image_input_, {}, at("o2")), "no JPEG or PNG");
  write("torn/1.jpg", kJpeg);
  write("torn/2.jpg", kJpeg.substr(0, 500));
  refuses(dataset_from_images(at("torn"), image_input_, {}, at("o3")), "2.jpg");
  refuses(open_dataset(at("o3"), false),
          "dataset.json is missing");  // what was begun is no data set
  write("mixed/1.jpg", kJpeg);
  write("mixed/a/1.jpg", kJpeg);
  refuses(dataset_from_images(at("mixed"), image_input_, {}, at("o4")), "side by side");
}

TEST(Halves, RoundToNearestEven) {
  const struct {
    float v;
    uint16_t bits;
  } cases[] = {{0, 0},
               {-0.f, 0x8000},
               {1, 0x3c00},
               {-2, 0xc000},
               {65504, 0x7bff},
               {65519, 0x7bff},
               {65520, 0x7c00},
               {1e9f, 0x7c00},
               {0x1p-14f, 0x400},
               {0x1p-24f, 1},
               {0x1p-25f, 0},
               {0x1.8p-24f, 2},
               {0x1.ff8p-15f, 0x3ff},
               {0x1.ffcp-15f, 0x400},
               {1 + 0x1p-11f, 0x3c00},
               {1 + 0x1.8p-10f, 0x3c02},
               {NAN, 0x7e00}};
  for (const auto& c : cases) EXPECT_EQ(to_half(c.v), c.bits) << c.v;
  EXPECT_EQ(to_bfloat(1), 0x3f80);
  EXPECT_EQ(to_bfloat(1 + 0x1p-8f), 0x3f80);
  EXPECT_EQ(to_bfloat(1 + 0x1.8p-7f), 0x3f82);
  EXPECT_TRUE(std::isnan(
      std::bit_cast<float>(uint32_t{to_bfloat(std::bit_cast<float>(0x7f800001u))} << 16)));
}

}  // namespace
}  // namespace assay::vision
