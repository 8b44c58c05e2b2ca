// SPDX-License-Identifier: Apache-2.0
// Slow: files as large as they come. Prints what it measured.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>

#include "base/text.h"
#include "series/series.h"

namespace assay::series {
namespace {

// "Name: N kB" of /proc/self/status, in bytes; 0 when absent.
int64_t memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1)) * 1024;
  return 0;
}

// Row i of a list whose samples are sample(i) ns.
int64_t sample(int64_t i) { return 1'000'000 + i * 2'654'435'761 % 9'000'000; }

class Big : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create(fs::temp_directory_path(), "assay-series-");
    ASSERT_TRUE(dir);
    dir_.emplace(std::move(*dir));
  }
  // A file of `rows` rows that `row` appends to a buffer.
  fs::path write(const char* name, int64_t rows, const std::string& head, const std::string& tail,
                 const std::function<void(std::string&, int64_t)>& row) {
    const fs::path path = dir_->path() / name;
    std::ofstream out(path, std::ios::binary);
    std::string buffer = head;
    for (int64_t i = 0; i < rows; ++i) {
      row(buffer, i);
      if (buffer.size() > 1 << 20) {
        out << buffer;
        buffer.clear();
      }
    }
    out << buffer << tail;
    EXPECT_TRUE(out.flush().good());
    return path;
  }
  void read(const fs::path& path, int64_t rows, double most_seconds, double least_rate) {
    const int64_t before = memory("RssAnon"), begin = monotonic_ns();
    const std::clock_t cpu_begin = std::clock();
    const auto r = read_series(path, {});
    const double seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
    // Limits hold for the time on the processor: others may use the machine too.
    const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
    const int64_t held = memory("RssAnon") - before;
    ASSERT_TRUE(r) << r.error().message;
    const auto& s = (*r)[0].samples;
    ASSERT_EQ(static_cast<int64_t>(s.size()), rows);
    for (int64_t i = 0; i < rows; ++i) ASSERT_EQ(s[static_cast<size_t>(i)], sample(i)) << i;
    const double megabytes = static_cast<double>(fs::file_size(path)) / 1e6;
    std::printf(
        "%s: %lld rows, %.0f MB in %.2f s (%.2f s on the processor, %.0f MB/s), %.2f bytes a row\n",
        path.filename().c_str(), static_cast<long long>(rows), megabytes, seconds, cpu,
        megabytes / cpu, static_cast<double>(held) / static_cast<double>(rows));
    EXPECT_LT(cpu, most_seconds);
    EXPECT_GT(megabytes / cpu, least_rate);
    EXPECT_LT(held, rows * 9 + (8 << 20));
  }
  std::optional<TempDir> dir_;
};

TEST_F(Big, HundredMillionRowsOfCsv) {
  constexpr int64_t kRows = 100'000'000;
  read(write("ns.csv", kRows, "latency_ns\n", "",
             [](std::string& b, int64_t i) { b.append(std::to_string(sample(i))) += '\n'; }),
       kRows, 60, 50);
}

TEST_F(Big, MillionsOfRowsWithManyColumns) {
  constexpr int64_t kRows = 5'000'000;
  read(write("ms.csv", kRows, "run,\"engine, all\",latency_ms\r\n", "",
             [](std::string& b, int64_t i) {
               const int64_t s = sample(i);
               fmt::format_to(std::back_inserter(b), "{},\"a, b\",{}.{:06}\r\n", i, s / 1'000'000,
                              s % 1'000'000);
             }),
       kRows, 10, 50);
}

TEST_F(Big, AMillionRowsOfTrtexec) {
  constexpr int64_t kRows = 1'000'000;
  read(write("times.json", kRows, "[\n", "]\n",
             [](std::string& b, int64_t i) {
               const double t = static_cast<double>(i);
               const double ms = static_cast<double>(sample(i)) / 1e6;
               fmt::format_to(std::back_inserter(b),
                              "{} {{ \"startEnqMs\" : {:.6g}, \"endEnqMs\" : {:.6g}, "
                              "\"startH2dMs\" : {:.6g}, \"endH2dMs\" : {:.6g}, "
                              "\"startComputeMs\" : {:.6g}, \"endComputeMs\" : {:.6g}, "
                              "\"startD2hMs\" : {:.6g}, \"endD2hMs\" : {:.6g}, \"h2dMs\" : 0.0123, "
                              "\"computeMs\" : {:.6g}, \"d2hMs\" : 0.0123, \"latencyMs\" : {}, "
                              "\"endToEndMs\" : {:.6g} }}\n",
                              i ? ", " : "  ", t, t + .1, t + .2, t + .3, t + .4, t + .5, t + .6,
                              t + .7, ms, ms, ms);
             }),
       kRows, 10, 30);
}

TEST_F(Big, TooManyRowsIsAnError) {
  ReadOptions o;
  o.max_samples = 1'000'000;
  const fs::path path =
      write("long.csv", 3'000'000, "latency_ns\n", "", [](std::string& b, int64_t) { b += "1\n"; });
  const auto r = read_series(path, o);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("line 1000002: more than 1000000 values"), std::string::npos)
      << r.error().message;
}

}  // namespace
}  // namespace assay::series
