// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "base/dtype.h"
#include "base/files.h"
#include "base/json.h"
#include "base/mix.h"
#include "base/text.h"
#include "base/word_table.h"
#include "base/words.h"

namespace assay {
namespace {

TempDir temp() {
  return std::move(TempDir::create(fs::temp_directory_path(), "assay-base-").value());
}

TEST(Json, RefusesBrokenAndDeepText) {
  EXPECT_FALSE(parse_json("{\"a\": ", "x"));
  EXPECT_FALSE(parse_json(std::string(100000, '['), "x"));
  EXPECT_TRUE(parse_json("{\"s\": \"[[[[ \\\" {\"}", "x"));
  EXPECT_EQ(parse_json("nope", "plan.json").error().code, ExitCode::usage);
}

TEST(Json, CheckedAccessNeverThrows) {
  const Json j = parse_json(R"({"s": 1, "n": "x", "o": [], "f": 1.5})", "x").value();
  EXPECT_EQ(get_string(j, "s", "d"), "d");
  EXPECT_EQ(get_int(j, "n", 7), 7);
  EXPECT_EQ(get_int(j, "f", 7), 7);
  EXPECT_DOUBLE_EQ(get_double(j, "f"), 1.5);
  EXPECT_TRUE(get_object(j, "o").empty());
  EXPECT_TRUE(get_array(Json(3), "o").is_array());
}

TEST(Json, DumpsInvalidUtf8) {
  EXPECT_NE(dump_json(Json("\xff")).find("\xEF\xBF\xBD"), std::string::npos);
}

TEST(Files, HashIsTheStandardOne) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Files, WritesWholeOrNotAtAll) {
  TempDir d = temp();
  ASSERT_TRUE(write_file_atomic(d.path() / "f", "hello"));
  EXPECT_EQ(read_file(d.path() / "f").value(), "hello");
  EXPECT_EQ(sha256_file(d.path() / "f").value(), sha256_hex("hello"));
  EXPECT_FALSE(write_file_atomic(d.path() / "no" / "f", "hello"));
  EXPECT_EQ(std::distance(fs::directory_iterator(d.path()), fs::directory_iterator()), 1);
}

TEST(Files, ReadRefusesFoldersAndLargeFiles) {
  TempDir d = temp();
  EXPECT_FALSE(read_file(d.path()));
  ASSERT_TRUE(write_file_atomic(d.path() / "f", "hello"));
  EXPECT_FALSE(read_file(d.path() / "f", 4));
}

TEST(Files, PathInsideRefusesEveryEscape) {
  TempDir d = temp();
  fs::create_directories(d.path() / "root" / "sub");
  const fs::path root = d.path() / "root";
  fs::create_symlink("/etc", root / "link");
  EXPECT_TRUE(path_inside(root, "sub/file.bin"));
  for (const char* bad : {"", "/etc/passwd", "../x", "sub/../../x", "link/passwd", "sub//../../x"})
    EXPECT_FALSE(path_inside(root, bad)) << bad;
}

TEST(Files, MapsEmptyAndFull) {
  TempDir d = temp();
  ASSERT_TRUE(write_file_atomic(d.path() / "e", ""));
  ASSERT_TRUE(write_file_atomic(d.path() / "f", "abc"));
  EXPECT_EQ(MappedFile::open(d.path() / "e")->bytes().size(), 0u);
  EXPECT_EQ(MappedFile::open(d.path() / "f")->bytes().size(), 3u);
  EXPECT_FALSE(MappedFile::open(d.path()));
}

TEST(Text, DurationsAndSizes) {
  EXPECT_EQ(format_ns(812), "812 ns");
  EXPECT_EQ(format_ns(12345), "12.3 us");
  EXPECT_EQ(format_ns(4.56e6), "4.56 ms");
  EXPECT_EQ(format_ns(125e9), "2 min 05 s");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
}

TEST(Text, EscapesHostileText) {
  EXPECT_EQ(html_escape("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
  EXPECT_EQ(one_line("a\nb\x1b[31m"), "a b\\x1b[31m");
  EXPECT_EQ(markdown_escape("a|b"), "a\\|b");
  EXPECT_LE(one_line(std::string(1000, 'x'), 50).size(), 50u);
}

TEST(Text, TableAlignsNumbersRight) {
  Table t({"name", "p50"});
  t.add({"a", "1.5 ms"});
  t.add({"bb", "12.5 ms"});
  EXPECT_EQ(t.text(), "name      p50\na      1.5 ms\nbb    12.5 ms\n");
}

TEST(Text, CsvQuotes) {
  Table t({"a"});
  t.add({"x,\"y\""});
  EXPECT_EQ(t.csv(), "a\r\n\"x,\"\"y\"\"\"\r\n");
}

TEST(DTypes, NamesRoundTripAndShapesAreChecked) {
  for (int i = 0; i < 20; ++i) {
    auto t = dtype_from_onnx(i);
    if (t) {
      EXPECT_EQ(dtype_from_name(dtype_name(*t)).value(), *t);
    }
  }
  EXPECT_FALSE(dtype_from_onnx(8));
  EXPECT_FALSE(tensor_spec_from_json(
      parse_json(R"({"name":"x","dtype":"float32","shape":[-1]})", "x").value(), "x"));
  EXPECT_FALSE(tensor_spec_from_json(
      parse_json(R"({"name":"x","dtype":"float32","shape":[2000000000,2000000000]})", "x").value(),
      "x"));
}

TEST(Words, RoundTrip) {
  for (auto v : {Verdict::same, Verdict::different, Verdict::inconclusive})
    EXPECT_EQ(verdict_from(word(v)), v);
  EXPECT_FALSE(verdict_from("EQUAL"));
}

TEST(Words, ATableIsReadBothWays) {
  enum class Size { small, large };
  constexpr WordTable<Size, 2> words = {{{Size::small, "small"}, {Size::large, "large"}}};
  EXPECT_EQ(word_of(words, Size::large), "large");
  EXPECT_EQ(word_of(words, static_cast<Size>(7)), "unknown");
  EXPECT_EQ(value_of(words, "small"), Size::small);
  EXPECT_FALSE(value_of(words, "unknown"));
}

// The first numbers that splitmix64 gives from state 0 (the reference implementation's).
TEST(Mix, IsSplitmix64) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdafu);
  EXPECT_EQ(mix(kGolden), 0x6e789e6aa1b965f4u);
}

TEST(Text, CutMiddleKeepsBothEnds) {
  EXPECT_EQ(cut_middle("short", 10), "short");
  EXPECT_EQ(cut_middle("0123456789abcdef", 11), "012 ... def");
  EXPECT_EQ(cut_middle("0123456789", 4), "0123");
  EXPECT_EQ(cut_middle("", 4), "");
}

}  // namespace
}  // namespace assay
