// SPDX-License-Identifier: Apache-2.0
// Pictures that are not what they should be: a fault of their frame, never more.
#include "frames/source.h"

#include <sys/stat.h>

#include <map>
#include <set>

#include "frames/picture_size.h"
#include "frames/test_run.h"

namespace assay::frames {
namespace {

using stream::Fate;
using vision::FrameFault;

class SourceTest : public FramesTest {
 protected:
  void SetUp() override {
    FramesTest::SetUp();
    pictures_ = dir() / "pictures";
    fs::create_directory(pictures_);
  }
  void put(const std::string& name, std::string_view bytes) { write_text(pictures_ / name, bytes); }
  SourceSpec spec() const {
    SourceSpec s;
    s.path = pictures_;
    return s;
  }
  // The fault of each file of the folder, each shown once.
  std::map<std::string, FrameFault> faults(const SourceSpec& s,
                                           const std::function<void()>& meanwhile = nullptr) {
    std::map<std::string, FrameFault> out;
    auto data = load_source(s, 1000);
    EXPECT_TRUE(data) << data.error().message;
    if (!data) return out;
    auto source = (*data)->use();
    EXPECT_TRUE(source) << source.error().message;
    if (meanwhile) meanwhile();
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(pictures_))
      if (e.path().filename().string()[0] != '.' && e.path().extension() != ".txt")
        names.push_back(e.path().filename().string());
    for (const std::string& gone : gone_) names.push_back(gone);
    std::sort(names.begin(), names.end());
    for (int64_t i = 0; i < static_cast<int64_t>(names.size()); ++i) {
      const int64_t picture = (*source)->picture_of(i);
      FrameFault fault = (*source)->read(picture);
      SourceFrame frame;
      if (fault == FrameFault::none) fault = (*source)->decode({}, &frame);
      EXPECT_EQ(frame.view.width > 0, fault == FrameFault::none);
      out[names[static_cast<size_t>(picture)]] = fault;
    }
    return out;
  }
  fs::path pictures_;
  std::vector<std::string> gone_;
};

TEST_F(SourceTest, FaultsOfAFolder) {
  put("a_good.jpg", vision::test_jpeg(40, 30));
  put("b_good.PNG", vision::test_png(20, 20));
  put("c_empty.jpg", "");
  put("d_text.jpg", "this is no picture at all");
  put("e_cut.jpg", vision::test_jpeg(80, 80).substr(0, 400));
  put("f_wide.png", vision::test_png(30000, 1));
  put("g_gone.jpg", vision::test_jpeg(40, 30));
  put("h_changed.jpg", vision::test_jpeg(40, 30));
  put("i_heavy.jpg", std::string(200'000, 'x'));
  put("notes.txt", "not a picture's name");
  put(".hidden.jpg", "ignored");
  gone_ = {"g_gone.jpg"};
  SourceSpec s = spec();
  s.max_file_bytes = 100'000;
  const auto found = faults(s, [&] {
    fs::remove(pictures_ / "g_gone.jpg");
    put("h_changed.jpg", vision::test_jpeg(41, 31));
  });
  const std::map<std::string, FrameFault> expected = {
      {"a_good.jpg", FrameFault::none},      {"b_good.PNG", FrameFault::none},
      {"c_empty.jpg", FrameFault::empty},    {"d_text.jpg", FrameFault::not_an_image},
      {"e_cut.jpg", FrameFault::damaged},    {"f_wide.png", FrameFault::too_large},
      {"g_gone.jpg", FrameFault::absent},    {"h_changed.jpg", FrameFault::unreadable},
      {"i_heavy.jpg", FrameFault::too_large}};
  EXPECT_EQ(found, expected);
}

TEST_F(SourceTest, FaultsInMemoryAreThoseOfLoading) {
  put("a.jpg", vision::test_jpeg(40, 30));
  put("b.jpg", "");
  SourceSpec s = spec();
  s.cache = SourceSpec::Cache::memory;
  const auto found = faults(s, [&] { put("a.jpg", "spoilt later, nobody reads it"); });
  EXPECT_EQ(found.at("a.jpg"), FrameFault::none);
  EXPECT_EQ(found.at("b.jpg"), FrameFault::empty);
}

TEST_F(SourceTest, BadFramesAreCountedAndTheRunGoesOn) {
  put("a.jpg", vision::test_jpeg(40, 30));
  put("b.jpg", "");
  put("c.jpg", "text");
  FrameRequest r = request(stream::Scenario::single_stream, 1, 30);
  r.streams[0].source = spec();
  const Ran ran = run(r);
  expect_all_accounted(ran, 30);
  EXPECT_EQ(ran.count(0, Fate::done), 10);
  EXPECT_EQ(ran.count(0, Fate::failed), 20);
}

TEST_F(SourceTest, ScaledDecodingTellsItsGainAndItsError) {
  put("a.jpg", vision::test_jpeg(400, 300));
  put("b.jpg", vision::test_jpeg(320, 320));
  put("c.png", vision::test_png(200, 200));
  put("d.jpg", "text");
  FrameRequest r = request(stream::Scenario::single_stream, 1, 8);
  r.streams[0].source = spec();
  r.streams[0].source.scaled_decode = true;
  const Ran ran = run(r);
  expect_all_accounted(ran, 8);
  const Json* told = ran.event("scaled_decode");
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(get_int(*told, "pictures"), 3);  // the text is no picture either way
  EXPECT_EQ(get_int(*told, "smaller"), 2);   // PNG has no such thing
  EXPECT_GT(get_int(*told, "decode_full_ns"), 0);
  EXPECT_GT(get_double(*told, "max_levels"), 0);
  EXPECT_LT(get_double(*told, "mean_levels"), 30);
  EXPECT_LE(get_double(*told, "mean_levels"), get_double(*told, "max_levels"));
  EXPECT_GE(get_int(*told, "changed", -1), 0);
  r.streams[0].source.scaled_decode = false;
  EXPECT_EQ(run(r).event("scaled_decode"), nullptr);
}

TEST_F(SourceTest, FolderWithoutAnyGoodPictureFailsFrameByFrame) {
  put("a.jpg", "text");
  FrameRequest r = request(stream::Scenario::constant_stream, 1, 10, 1'000'000);
  r.streams[0].source = spec();
  const Ran ran = run(r);
  expect_all_accounted(ran, 10);
  EXPECT_EQ(ran.count(0, Fate::failed), 10);
}

TEST_F(SourceTest, EmptyFolderIsAUsageError) {
  put("notes.txt", "x");
  const auto data = load_source(spec(), 10);
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().code, ExitCode::usage);
  SourceSpec s = spec();
  s.path = dir() / "nowhere";
  EXPECT_FALSE(load_source(s, 10));
}

TEST_F(SourceTest, LinksOutOfTheFolderAreRefused) {
  write_text(dir() / "outside.jpg", vision::test_jpeg(40, 30));
  put("a.jpg", vision::test_jpeg(40, 30));
  fs::create_symlink(pictures_ / "a.jpg", pictures_ / "b.jpg");
  EXPECT_TRUE(load_source(spec(), 10)) << "a link inside is fine";
  fs::create_symlink(dir() / "outside.jpg", pictures_ / "c.jpg");
  const auto data = load_source(spec(), 10);
  ASSERT_FALSE(data);
  EXPECT_NE(data.error().message.find("c.jpg"), std::string::npos);
}

TEST_F(SourceTest, LinkPutThereLaterIsNotFollowed) {
  write_text(dir() / "outside.jpg", vision::test_jpeg(40, 30));
  put("a.jpg", vision::test_jpeg(40, 30));
  const auto found = faults(spec(), [&] {
    fs::remove(pictures_ / "a.jpg");
    fs::create_symlink(dir() / "outside.jpg", pictures_ / "a.jpg");
  });
  EXPECT_EQ(found.at("a.jpg"), FrameFault::absent);
}

TEST_F(SourceTest, OrderIsSeededAndEveryPictureIsShownOncePerRound) {
  for (int i = 0; i < 9; ++i) put(fmt::format("{}.jpg", i), vision::test_jpeg(16, 16));
  const auto order = [&](uint64_t seed) {
    SourceSpec s = spec();
    s.seed = seed;
    std::vector<int64_t> out;
    auto source = (*load_source(s, 18))->use();
    (void)source;
    auto data = load_source(s, 18);
    auto use = (*data)->use();
    for (int64_t i = 0; i < 18; ++i) out.push_back((*use)->picture_of(i));
    return out;
  };
  const auto first = order(1);
  EXPECT_EQ(order(1), first);
  EXPECT_NE(order(2), first);
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.begin() + 9).size(), 9u);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + 9, first.begin() + 9));
}

TEST_F(SourceTest, RawFramesAreTheFilesBytes) {
  SourceSpec s = synthetic();
  auto made = load_source(s, 1);
  ASSERT_TRUE(made);
  auto synthetic_use = (*made)->use();
  std::string bytes;
  for (int64_t i = 0; i < 3; ++i) {
    SourceFrame frame;
    ASSERT_EQ((*synthetic_use)->read(i), FrameFault::none);
    ASSERT_EQ((*synthetic_use)->decode({}, &frame), FrameFault::none);
    bytes.append(reinterpret_cast<const char*>(frame.view.planes[0]),
                 static_cast<size_t>(raw_frame_bytes(s)));
  }
  EXPECT_NE(bytes.substr(0, bytes.size() / 3), bytes.substr(bytes.size() / 3, bytes.size() / 3));
  s.kind = SourceSpec::Kind::raw;
  s.path = dir() / "camera.nv12";
  for (const auto cache :
       {SourceSpec::Cache::warm, SourceSpec::Cache::cold, SourceSpec::Cache::memory}) {
    write_text(s.path, bytes);
    s.cache = cache;
    auto data = load_source(s, 3);
    ASSERT_TRUE(data) << data.error().message;
    auto use = (*data)->use();
    SourceFrame frame;
    ASSERT_EQ((*use)->read(2), FrameFault::none);
    ASSERT_EQ((*use)->decode({}, &frame), FrameFault::none);
    EXPECT_EQ(bytes.compare(2 * bytes.size() / 3, std::string::npos,
                            reinterpret_cast<const char*>(frame.view.planes[0]), bytes.size() / 3),
              0);
    fs::resize_file(s.path, 100);
    EXPECT_EQ((*use)->read(2),
              cache == SourceSpec::Cache::memory ? FrameFault::none : FrameFault::unreadable);
  }
  EXPECT_FALSE(load_source(s, 3)) << "100 bytes are no whole frame";
}

TEST(PictureSize, FromTheHeadOfAFile) {
  const auto size = [](const std::string& s) {
    return picture_size(std::as_bytes(std::span(s.data(), s.size())));
  };
  for (const std::string& file : {vision::test_jpeg(123, 45), vision::test_png(123, 45)}) {
    ASSERT_TRUE(size(file));
    EXPECT_EQ(size(file)->width, 123);
    EXPECT_EQ(size(file)->height, 45);
    for (size_t n = 0; n < file.size(); ++n)  // whatever is cut off, nothing is read past the end
      EXPECT_EQ(size(file.substr(0, n)).value_or(PictureSize{123, 45}).width, 123);
  }
  EXPECT_FALSE(size("text"));
}

}  // namespace
}  // namespace assay::frames
