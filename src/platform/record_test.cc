// SPDX-License-Identifier: Apache-2.0
#include "platform/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace assay::platform {
namespace {

Record counter(int64_t wrap, std::vector<int64_t> values) {
  Record r;
  r.channels = {{"c", Kind::counter, wrap, 0, 0}};
  for (size_t k = 0; k < values.size(); ++k) {
    r.t_ns.push_back(static_cast<int64_t>(k));
  }
  r.columns = {std::move(values)};
  return r;
}

TEST(Growth, IsTheDifference) {
  const Record r = counter(0, {5, 7, kUnknown, 12});
  EXPECT_EQ(growth(r, "c", 0, 3), 7);
  EXPECT_EQ(growth(r, "c", 1, 1), 0);
  EXPECT_EQ(growth(r, "c", 0, 2), std::nullopt);  // the end is unknown
  EXPECT_EQ(growth(r, "c", 2, 3), std::nullopt);
  EXPECT_EQ(growth(r, "c", 0, 4), std::nullopt);
  EXPECT_EQ(growth(r, "c", 3, 0), std::nullopt);
  EXPECT_EQ(growth(r, "d", 0, 3), std::nullopt);
}

TEST(Growth, GoesOverManyWraps) {
  // 0..9, then 0 again: 8 -> 1 is 3 steps, 1 -> 0 is 9.
  EXPECT_EQ(growth(counter(9, {8, 1}), "c", 0, 1), 3);
  EXPECT_EQ(growth(counter(9, {8, 1, kUnknown, 0, 9}), "c", 0, 4), 3 + 9 + 9);
  EXPECT_EQ(growth(counter(0, {8, 1}), "c", 0, 1), std::nullopt);
  EXPECT_EQ(growth(counter(9, {12, 1}), "c", 0, 1), std::nullopt);    // above its own end
  EXPECT_EQ(growth(counter(0, {1, 0, 5}), "c", 0, 2), std::nullopt);  // fell in between
}

TEST(Growth, DoesNotOverflow) {
  EXPECT_EQ(growth(counter(INT64_MAX, {INT64_MAX, 0}), "c", 0, 1), 1);
  EXPECT_EQ(growth(counter(INT64_MAX, {0, INT64_MAX, 0, INT64_MAX}), "c", 0, 3), std::nullopt);
  EXPECT_EQ(growth(counter(0, {-5, 5}), "c", 0, 1), std::nullopt);
}

TEST(Growth, IsOfCountersAlone) {
  Record r = counter(0, {1, 2});
  r.channels[0].kind = Kind::gauge;
  EXPECT_EQ(growth(r, "c", 0, 1), std::nullopt);
}

RC_GTEST_PROP(Growth, OfAWrappedCounterIsThatOfTheTrueOne, ()) {
  const int64_t wrap = *rc::gen::inRange<int64_t>(1, 1'000'000);
  const auto steps =
      *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, wrap + 1));
  int64_t truth = *rc::gen::inRange<int64_t>(0, wrap + 1);
  const int64_t first = truth;
  std::vector<int64_t> shown{truth};
  for (const int64_t step : steps) {
    truth += step;
    shown.push_back(truth % (wrap + 1));
  }
  RC_ASSERT(growth(counter(wrap, shown), "c", 0, steps.size()) == truth - first);
}

Record arbitrary_record() {
  Record r;
  r.interval_ms = *rc::gen::inRange(0, 10000);
  r.real = *rc::gen::arbitrary<bool>();
  r.t_ns = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, INT64_MAX));
  std::sort(r.t_ns.begin(), r.t_ns.end());
  const int channels = *rc::gen::inRange(0, 5);
  for (int k = 0; k < channels; ++k) {
    Channel c;
    c.name = fmt::format("cpu{}.mhz", k);
    c.kind = *rc::gen::element(Kind::gauge, Kind::counter, Kind::mask);
    c.wrap = *rc::gen::inRange<int64_t>(0, INT64_MAX);
    c.refresh_ms = *rc::gen::inRange(0, 100);
    c.least_interval_ms = *rc::gen::inRange(0, 3);
    r.channels.push_back(c);
    r.columns.push_back(*rc::gen::container<std::vector<int64_t>>(
        r.t_ns.size(), rc::gen::oneOf(rc::gen::just(kUnknown), rc::gen::arbitrary<int64_t>())));
  }
  if (*rc::gen::arbitrary<bool>()) r.missing = {{"rapl", "no \"powercap\""}};
  return r;
}

RC_GTEST_PROP(RecordJson, ComesBackAsItWas, ()) {
  const Record r = arbitrary_record();
  const auto parsed = parse_json(dump_json(to_json(r)), "test");
  RC_ASSERT(parsed.has_value());
  const auto back = record_from_json(*parsed);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->interval_ms == r.interval_ms);
  RC_ASSERT(back->real == r.real);
  RC_ASSERT(back->t_ns == r.t_ns);
  RC_ASSERT(back->columns == r.columns);
  RC_ASSERT(to_json(*back) == to_json(r));
}

Json good() {
  Record r;
  r.interval_ms = 100;
  r.channels = {{"cpu0.mhz", Kind::gauge, 0, 0, 0}, {"rapl.package-0.uj", Kind::counter, 9, 1, 0}};
  const int64_t one[] = {3000, 1}, two[] = {kUnknown, 4};
  r.add(10, one);
  r.add(20, two);
  r.missing = {{"nvml", "no library"}};
  return to_json(r);
}

TEST(RecordJson, LooksAsItIsDocumented) {
  EXPECT_EQ(dump_json(good()),
            R"({"interval_ms":100,"real":true,"t_ns":[10,20],"channels":[{"name":"cpu0.mhz",)"
            R"("kind":"gauge","values":[3000,null]},{"name":"rapl.package-0.uj","kind":"counter",)"
            R"("wrap":9,"refresh_ms":1,"values":[1,4]}],"missing":[{"what":"nvml","why":)"
            R"("no library"}]})");
}

TEST(RecordJson, RefusesWhatIsNoRecord) {
  using Change = void (*)(Json&);
  const std::pair<const char*, Change> cases[] = {
      {"no object", [](Json& j) { j = Json::array(); }},
      {"has no \"t_ns\"", [](Json& j) { j.erase("t_ns"); }},
      {"has no \"real\"", [](Json& j) { j.erase("real"); }},
      {"neither true nor false", [](Json& j) { j["real"] = 1; }},
      {"moments fall",
       [](Json& j) {
         j["t_ns"] = {20, 10};
       }},
      {"below 0",
       [](Json& j) {
         j["t_ns"] = {-1, 10};
       }},
      {"t_ns[1]",
       [](Json& j) {
         j["t_ns"] = {10, 1.5};
       }},
      {"t_ns[0]",
       [](Json& j) {
         j["t_ns"] = {nullptr, 10};
       }},
      {"t_ns is no list", [](Json& j) { j["t_ns"] = "10"; }},
      {"2 values for 3 moments",
       [](Json& j) {
         j["t_ns"] = {10, 20, 30};
       }},
      {"has no values", [](Json& j) { j["channels"][0].erase("values"); }},
      {"values of cpu0.mhz[0]", [](Json& j) { j["channels"][0]["values"][0] = 1e300; }},
      {"values of cpu0.mhz[1]", [](Json& j) { j["channels"][0]["values"][1] = UINT64_MAX; }},
      {"values of cpu0.mhz[1]", [](Json& j) { j["channels"][0]["values"][1] = INT64_MIN; }},
      {"stands twice", [](Json& j) { j["channels"][1]["name"] = "cpu0.mhz"; }},
      {"expected gauge, counter or mask", [](Json& j) { j["channels"][1]["kind"] = "Gauge"; }},
      {"a channel's name is", [](Json& j) { j["channels"][1]["name"] = "a\nb"; }},
      {"a channel's name is", [](Json& j) { j["channels"][1]["name"] = std::string(300, 'x'); }},
      {"name is absent", [](Json& j) { j["channels"][1] = 7; }},
      {"wrap is -1", [](Json& j) { j["channels"][1]["wrap"] = -1; }},
      {"refresh_ms is", [](Json& j) { j["channels"][1]["refresh_ms"] = int64_t{1} << 40; }},
      {"interval_ms is", [](Json& j) { j["interval_ms"] = "100"; }},
      {"is no list", [](Json& j) { j["missing"] = Json::object(); }},
  };
  EXPECT_TRUE(record_from_json(good()));
  for (const auto& [words, change] : cases) {
    Json j = good();
    change(j);
    const auto r = record_from_json(j);
    ASSERT_FALSE(r) << words;
    EXPECT_EQ(r.error().code, ExitCode::usage);
    EXPECT_NE(r.error().message.find(words), std::string::npos) << r.error().message;
    EXPECT_FALSE(r.error().fix.empty());
  }
}

TEST(Record, FindsColumnsByName) {
  const Record r = record_from_json(good()).value();
  EXPECT_EQ(r.column("nothing"), nullptr);
  EXPECT_EQ(r.channel("nothing"), nullptr);
  EXPECT_EQ(*r.column("rapl.package-0.uj"), (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(r.channel("rapl.package-0.uj")->wrap, 9);
}

TEST(Record, FillsARoundThatIsTooShort) {
  Record r;
  r.channels = {{"a", Kind::gauge, 0, 0, 0}, {"b", Kind::gauge, 0, 0, 0}};
  const int64_t one[] = {1};
  r.add(5, one);
  EXPECT_EQ(*r.column("b"), std::vector<int64_t>{kUnknown});
}

}  // namespace
}  // namespace assay::platform
