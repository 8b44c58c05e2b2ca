// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "base/text.h"
#include "platform/record.h"

namespace assay::platform {
namespace {

// Tells how often it was read, a mask with one bit set in one round, and a value that is known in
// one round of `every` only.
class Counting : public Source {
 public:
  Counting(std::atomic<int64_t>& rounds, int64_t bit_in, int64_t every)
      : rounds_(rounds), bit_in_(bit_in), every_(every) {}
  std::vector<Channel> channels() const override {
    return {{"t.count", Kind::counter, 0, 0, 0},
            {"t.mask", Kind::mask, 0, 0, 0},
            {"t.seldom", Kind::gauge, 0, 0, 0}};
  }
  void read(int64_t, int64_t* out) noexcept override {
    const int64_t n = rounds_.fetch_add(1);
    out[0] = n;
    out[1] = n == bit_in_ ? 0x40 : 0;
    out[2] = n % every_ == every_ - 1 ? n : kUnknown;
  }

 private:
  std::atomic<int64_t>& rounds_;
  const int64_t bit_in_, every_;
};

Probe counting(std::atomic<int64_t>& rounds, int64_t bit_in = -1, int64_t every = 2) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::make_unique<Counting>(rounds, bit_in, every));
  return Probe(std::move(sources), {{"nothing", "a test"}});
}

void wait_for(const std::atomic<int64_t>& rounds, int64_t n) {
  while (rounds.load() < n) std::this_thread::yield();
}

TEST(Recorder, CoversExactlyTheTimeBetweenStartAndStop) {
  std::atomic<int64_t> rounds = 0;
  Recorder recorder(counting(rounds), 1, -1, false);
  const int64_t before = monotonic_ns();
  recorder.start();
  const int64_t started = monotonic_ns();
  wait_for(rounds, 5);
  const int64_t asked = monotonic_ns();
  const Record r = recorder.stop();
  const int64_t stopped = monotonic_ns();
  ASSERT_GE(r.t_ns.size(), 6u);
  EXPECT_GE(r.t_ns.front(), before);
  EXPECT_LE(r.t_ns.front(), started);
  EXPECT_GE(r.t_ns.back(), asked);
  EXPECT_LE(r.t_ns.back(), stopped);
  EXPECT_TRUE(std::is_sorted(r.t_ns.begin(), r.t_ns.end()));
  EXPECT_FALSE(r.real);
  EXPECT_EQ(r.interval_ms, 1);
  ASSERT_EQ(r.missing.size(), 1u);
  EXPECT_EQ(growth(r, "t.count", 0, r.t_ns.size() - 1), static_cast<int64_t>(r.t_ns.size()) - 1);
}

TEST(Recorder, StopsOnce) {
  std::atomic<int64_t> rounds = 0;
  Recorder recorder(counting(rounds), 1);
  recorder.start();
  recorder.start();
  const Record first = recorder.stop();
  const int64_t read = rounds.load();
  const Record again = recorder.stop();
  recorder.start();
  EXPECT_EQ(again.t_ns, first.t_ns);
  EXPECT_EQ(again.columns, first.columns);
  EXPECT_EQ(rounds.load(), read);
}

TEST(Recorder, NeverStartedHasOneRound) {
  std::atomic<int64_t> rounds = 0;
  Recorder recorder(counting(rounds), 1000);
  EXPECT_EQ(recorder.stop().t_ns.size(), 1u);
}

TEST(Recorder, DiesWithoutStop) {
  std::atomic<int64_t> rounds = 0;
  {
    Recorder recorder(counting(rounds), 3'600'000);
    recorder.start();
  }
  EXPECT_EQ(rounds.load(), 1);
}

TEST(Recorder, HalvesWhenFullAndLosesNoBitAndNoSeldomValue) {
  std::atomic<int64_t> rounds = 0;
  Recorder recorder(counting(rounds, 6, 2), 1, 0, true, 8);
  recorder.start();
  wait_for(rounds, 20);
  const Record r = recorder.stop();
  EXPECT_LE(r.t_ns.size(), 8u);
  EXPECT_GE(r.t_ns.size(), 5u);
  const auto& count = *r.column("t.count");
  EXPECT_EQ(count.front(), 0);                 // the first round
  EXPECT_EQ(count.back(), rounds.load() - 1);  // the last one
  EXPECT_TRUE(std::is_sorted(count.begin(), count.end()));
  EXPECT_TRUE(std::is_sorted(r.t_ns.begin(), r.t_ns.end()));
  // Rounds with odd numbers tell t.seldom: those are kept of each pair.
  const auto& seldom = *r.column("t.seldom");
  EXPECT_GE(std::count_if(seldom.begin(), seldom.end(), [](int64_t v) { return v != kUnknown; }),
            static_cast<int64_t>(seldom.size()) / 2);
  const auto& mask = *r.column("t.mask");
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 0x40), 1);
  EXPECT_EQ(r.interval_ms, 1);  // as asked for
}

TEST(Probe, MakesNamesUniqueAndWritesWithinItsSpan) {
  std::atomic<int64_t> rounds = 0;
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::make_unique<Counting>(rounds, -1, 2));
  sources.push_back(std::make_unique<Counting>(rounds, -1, 2));
  Probe probe(std::move(sources), {});
  ASSERT_EQ(probe.channels().size(), 6u);
  EXPECT_EQ(probe.channels()[3].name, "t.count-2");
  std::vector<int64_t> values(6, 7);
  probe.read(0, std::span(values).first(5));
  EXPECT_EQ(values, (std::vector<int64_t>{kUnknown, kUnknown, kUnknown, kUnknown, kUnknown, 7}));
  probe.read(0, values);
  EXPECT_EQ(values[0], 0);
  EXPECT_EQ(values[3], 1);
}

}  // namespace
}  // namespace assay::platform
