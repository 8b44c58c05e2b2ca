// SPDX-License-Identifier: Apache-2.0
// Longer than 400 lines: one statement a table of the schema, in the order of the schema.
#include "report/fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/json.h"
#include "base/text.h"
#include "stats/intervals.h"

namespace assay::report {
namespace {

Json proportion(int64_t count, int64_t n, bool clustered) {
  const int64_t units = clustered ? 21 : n, hits = clustered ? std::min<int64_t>(count, 2) : count;
  const auto i = stats::clopper_pearson(hits, units, 0.95);
  return {{"count", count},
          {"n", n},
          {"unit", clustered ? "cluster" : "input"},
          {"unit_count", hits},
          {"units", units},
          {"lower", *i.lower},
          {"upper", hits == 0 ? stats::clopper_pearson_upper(0, units, 0.95) : *i.upper},
          {"confidence", 0.95}};
}

class Maker {
 public:
  Maker(store::RunFolder& run, const FixtureOptions& o) : run_(run), o_(o) {}
  Status make();

 private:
  struct Built {
    std::string id, launch0;
    std::vector<std::vector<int64_t>> samples;
  };
  std::string id(std::string_view what) {
    return content_id(fmt::format("{}/{}/{}", o_.salt, what, ++counter_));
  }
  std::string text(std::string_view plain) const {
    return o_.hostile ? std::string(plain) + hostile_text() : std::string(plain);
  }
  Status insert(std::string_view table, const std::vector<store::Value>& values);
  Status job(const std::string& id, const char* kind, const std::string& recipe, int64_t b,
             int64_t l, const char* state);
  Status recipe(int64_t r, const std::string& model, const std::string& dataset);
  Result<Built> build(int64_t r, int64_t b, const std::string& recipe_id);
  Result<std::string> launch(int64_t r, int64_t b, int64_t l, const std::string& recipe_id,
                             Built& built, const char* state);
  Status conclude(int64_t r, const std::string& recipe_id, const std::vector<Built>& builds);
  Status compare(int64_t r, const std::string& recipe_id, const std::vector<Built>& builds);
  Status verdict(const std::string& recipe_id, std::string_view subject, std::string_view scope,
                 std::string_view word, std::string_view statement, const Json& statistic,
                 const Json& threshold = Json::object());

  store::RunFolder& run_;
  const FixtureOptions& o_;
  std::mt19937_64 random_{7};
  int64_t counter_ = 0, position_ = 0;
  std::string attempt_, derivation_, blob_;
};

Status Maker::insert(std::string_view table, const std::vector<store::Value>& values) {
  std::string marks;
  for (size_t i = 0; i < values.size(); ++i) marks += i ? ",?" : "?";
  return run_.db().run(fmt::format("INSERT INTO {} VALUES({})", table, marks), values);
}

Status Maker::job(const std::string& id, const char* kind, const std::string& recipe, int64_t b,
                  int64_t l, const char* state) {
  ASSAY_CHECK(insert("job", {id, kind, recipe, b, l, int64_t{0}, position_++, int64_t{1}}));
  for (const char* s : {"started", state})
    ASSAY_CHECK(
        run_.db().run("INSERT INTO job_event(job_id, attempt_id, state, time_utc, monotonic_ns, "
                      "detail_json) VALUES(?,?,?,?,?,?)",
                      {id, attempt_, s, "2026-01-02T03:04:05Z", position_, "{}"}));
  return {};
}

Result<std::string> Maker::launch(int64_t r, int64_t b, int64_t l, const std::string& recipe_id,
                                  Built& built, const char* state) {
  const std::string launch = id("launch"), job_id = id("job");
  ASSAY_CHECK(job(job_id, "launch", recipe_id, b, l, state));
  const double median =
      2.1e6 * (1 + 0.6 * static_cast<double>(r)) * (r == 2 ? 1 + 0.15 * static_cast<double>(b) : 1);
  std::lognormal_distribution<double> latency(std::log(median), r == 1 ? 0.004 : 0.03);
  std::vector<int64_t> samples(static_cast<size_t>(o_.samples));
  for (size_t i = 0; i < samples.size(); ++i) {
    double v = latency(random_);
    if (random_() % 97 == 0)
      v *= 1 + static_cast<double>(random_() % 1000) / (r == 0 ? 150.0 : 900.0);
    samples[i] = std::llround(v);
  }
  ASSAY_TRY(std::string blob,
            run_.put_blob({reinterpret_cast<const char*>(samples.data()), samples.size() * 8}));
  ASSAY_CHECK(insert(
      "launch",
      {launch,
       job_id,
       built.id,
       l,
       attempt_,
       "ok",
       "",
       int64_t{4'200'000'000},
       int64_t{3'900'000'000},
       int64_t{182'000'000 + 3'000'000 * l},
       int64_t{9'400'000},
       int64_t{312} << 20,
       "cgroup",
       sha256_hex(fmt::format("map{}{}", r, r == 2 ? b : 0)),
       "yes",
       blob_,
       blob_,
       blob_,
       R"({"affinity":[{"tid":12,"cpus":"1"}],"clock":"monotonic","clock_read_ns":22.4,"clock_step_ns":1,"memory_locked":true,"pinned":true})",
       R"({"network":"none","pid_namespace":true,"memory_limit":"cgroup","leftovers":[]})"}));
  ASSAY_CHECK(insert(
      "series",
      {id("series"), launch, "latency", o_.clock, o_.samples, blob, blob, int64_t{0},
       R"({"event":"series","warmup":20,"null_p50_ns":31,"null_p99_ns":44,"null_max_ns":1912})",
       R"({"event":"sampler","wakes":12,"overlapped":2,"involuntary_switches":1,"voluntary_switches":0,"major_faults":0,"migrations":0,"steal_ticks":0,"throttle_events":"unknown","cpu_mhz":[2300,2310],"psi_cpu_some_us":12})"}));
  ASSAY_CHECK(insert("output", {id("output"), launch, "main", text("output"), "float32", "[1,1000]",
                                o_.inputs, blob_}));
  for (const char* check : {"repeat", "early_return", "reload", "after", "batch_rows"}) {
    const bool fails = r == 2 && b == 1 && check == std::string_view("reload"),
               skipped = check == std::string_view("batch_rows");
    ASSAY_CHECK(insert("self_check", {launch, check,
                                      skipped ? "not_run"
                                      : fails ? "fail"
                                              : "pass",
                                      int64_t{skipped ? 0 : 8}, int64_t{fails ? 3 : 0},
                                      fails ? store::Value(1e-5) : store::Value(),
                                      text(skipped ? "the model takes no batch"
                                           : fails ? "input 4 differs first"
                                                   : "")}));
  }
  if (state == std::string_view("done")) built.samples.push_back(std::move(samples));
  return launch;
}

Result<Maker::Built> Maker::build(int64_t r, int64_t b, const std::string& recipe_id) {
  Built built{id("build"), "", {}};
  const std::string job_id = id("job");
  ASSAY_CHECK(job(job_id, "build", recipe_id, b, 0, "done"));
  const bool ok = !o_.only_failures;
  const std::string map = sha256_hex(fmt::format("map{}{}", r, r == 2 ? b : 0));
  ASSAY_CHECK(insert(
      "build",
      {built.id,
       job_id,
       recipe_id,
       b,
       attempt_,
       ok ? "ok" : "crashed",
       text(ok ? "" : "killed by signal 11 (Segmentation fault)"),
       int64_t{2'300'000'000} * (r + 1) + 90'000'000 * b,
       int64_t{2'100'000'000} * (r + 1),
       int64_t{640} << 20,
       "cgroup",
       ok ? (int64_t{18} << 20) + 4096 * b : int64_t{0},
       ok ? sha256_hex(fmt::format("engine{}{}", r, b)) : std::string(),
       ok ? sha256_hex(fmt::format("artifact{}{}", r, r == 0 ? 0 : b)) : std::string(),
       ok ? map : std::string(),
       text("2026.4.1"),
       blob_,
       blob_,
       blob_,
       blob_,
       r == 2
           ? R"({"event":"trials","per_task":16,"requested_total":80,"measured":78,"failed":2,"tasks":5})"
           : "{}",
       R"({"network":"none","leftovers":[]})"}));
  if (!ok) return built;
  ASSAY_CHECK(
      insert("engine_file", {built.id, "model.blob", "artifact", int64_t{18} << 20, blob_}));
  for (int64_t k = 0; k < 4; ++k)
    ASSAY_CHECK(insert("kernel", {built.id, k, text(fmt::format("conv_{}", k)),
                                  text(fmt::format("brgconv_avx512_{}", r == 2 && k == 1 ? b : 0)),
                                  sha256_hex(fmt::format("{}{}", k, r == 2 ? b : 0)), "fp32", ""}));
  for (int64_t l = 0; l < o_.launches; ++l) {
    if (r == 0 && b == 0 && l == 1)
      ASSAY_CHECK(launch(r, b, l, recipe_id, built, "superseded"));  // rerun below
    ASSAY_TRY(std::string launch_id, launch(r, b, l, recipe_id, built, "done"));
    if (l == 0) built.launch0 = launch_id;
  }
  return built;
}

Status Maker::verdict(const std::string& recipe_id, std::string_view subject,
                      std::string_view scope, std::string_view word, std::string_view statement,
                      const Json& statistic, const Json& threshold) {
  return insert("verdict", {id("verdict"), derivation_, recipe_id, std::string(subject),
                            std::string(scope), std::string(word), text(statement),
                            dump_json(statistic), dump_json(threshold), "{}"});
}

Status Maker::compare(int64_t r, const std::string& recipe_id, const std::vector<Built>& builds) {
  for (size_t a = 0; a < builds.size(); ++a) {
    for (size_t b = a + 1; b < builds.size(); ++b) {
      const int64_t different = r == 0   ? 0
                                : r == 1 ? 11
                                         : 500,
                    flips = r == 2 ? 30 * static_cast<int64_t>(b) : 0;
      const std::string comparison = id("comparison");
      const Json metrics = {
          {"distance",
           {{"max_abs", r * 3.4e-6},
            {"mean_abs", r * 2e-7},
            {"max_rel", r * 1e-4},
            {"mean_rel", r * 1e-6},
            {"max_abs_input", 3},
            {"min_cosine", 1 - r * 1e-9},
            {"mean_cosine", 1},
            {"non_finite", 0},
            {"non_finite_differs", 0},
            {"ulp", r == 0 ? Json::array({{0, 500'000}})
                           : Json::array({{0, 312'000},
                                          {1, 90'000},
                                          {2, 60'000},
                                          {3, 8'000},
                                          {4, 600},
                                          {7, 2},
                                          {12, 1}})}}},
          {"bitwise", proportion(different, o_.inputs, true)},
          {"labels", {{"top1", proportion(flips, o_.inputs, true)}, {"logits", true}}}};
      ASSAY_CHECK(insert("comparison", {comparison, derivation_, recipe_id, "builds",
                                        builds[a].launch0, builds[b].launch0, text("output"),
                                        o_.inputs, different, flips, dump_json(metrics)}));
      for (int64_t f = 0; f < flips; ++f)
        ASSAY_CHECK(insert("flip", {derivation_, comparison, 3 + 7 * f, int64_t{281}, int64_t{285},
                                    1e-4 * static_cast<double>(f + 1), 2e-4, 0.0012}));
    }
  }
  return {};
}

Status Maker::conclude(int64_t r, const std::string& recipe_id, const std::vector<Built>& builds) {
  ASSAY_CHECK(compare(r, recipe_id, builds));
  const auto n = static_cast<int64_t>(builds.size()), pairs = n * (n - 1) / 2;
  ASSAY_CHECK(verdict(recipe_id, "outputs", "builds", r == 0 ? "SAME" : "DIFFERENT",
                      r == 0 ? "All pairs of builds gave the same bits on every input."
                             : "Builds of this recipe give different bits on some inputs.",
                      {{"pairs", pairs},
                       {"pairs_different", r == 0 ? 0 : pairs},
                       {"max_abs", r * 3.4e-6},
                       {"worst", proportion(r == 0   ? 0
                                            : r == 1 ? 11
                                                     : 500,
                                            o_.inputs, true)}}));
  ASSAY_CHECK(verdict(recipe_id, "labels", "builds", r == 2 ? "DIFFERENT" : "INCONCLUSIVE",
                      r == 2
                          ? "Rebuilding changes the label of some inputs."
                          : "No label differs, but 21 clusters cannot bound the rate below 0.01.",
                      {{"pairs", pairs},
                       {"worst", proportion(r == 2 ? 60 : 0, o_.inputs, true)},
                       {"flips", r == 2 ? 90 : 0},
                       {"any", proportion(r == 2 ? 60 : 0, o_.inputs, true)}},
                      {{"flips", 0}, {"upper_bound", 0.01}}));
  Json accuracy = {{"labelled", r != 1},
                   {"builds", Json::array()},
                   {"reference", {{"top1", proportion(468, o_.inputs, false)}}}};
  for (int64_t b = 0; b < n; ++b)
    accuracy["builds"].push_back({{"build", b},
                                  {"top1", proportion(468 - (r == 2 ? b : 0), o_.inputs, false)},
                                  {"top5", nullptr},
                                  {"mcnemar_p", 1.0}});
  ASSAY_CHECK(verdict(recipe_id, "accuracy", "", "SAME",
                      "No build loses accuracy beyond the margin of 0.01.", accuracy));
  Json kernels = {{"builds", n},
                  {"distinct_maps", r == 2 ? n : 1},
                  {"source", r == 2 ? "source" : "name"},
                  {"pairs", Json::array()}};
  if (r == 2 && n > 1)
    kernels["pairs"].push_back({{"a", 0},
                                {"b", 1},
                                {"differ", 1},
                                {"layers",
                                 {{{"layer", text("conv_1")},
                                   {"a_kernel", "brgconv_avx512_0"},
                                   {"b_kernel", "brgconv_avx512_1"},
                                   {"a_source", sha256_hex("10")},
                                   {"b_source", sha256_hex("11")}}}}});
  ASSAY_CHECK(verdict(recipe_id, "kernels", "builds", r == 2 ? "DIFFERENT" : "SAME",
                      r == 2 ? "Builds run different kernels."
                             : fmt::format("All {} builds report the same kernels by name.", n),
                      kernels));
  std::vector<std::vector<std::vector<int64_t>>> samples;
  for (const Built& b : builds) samples.push_back(b.samples);
  const Json latency = made_latency(r, o_.clock, samples);
  ASSAY_CHECK(verdict(recipe_id, "latency", "builds", r == 2 ? "DIFFERENT" : "INCONCLUSIVE",
                      r == 2 ? "Builds differ in median latency by more than the margin of 0.01."
                             : "Three launches a build cannot show equal medians within 0.01.",
                      latency, {{"margin", 0.01}}));
  if (r != 1)
    ASSAY_CHECK(verdict(recipe_id, "tail", "builds", r == 2 ? "DIFFERENT" : "INCONCLUSIVE",
                        r == 2 ? "The p99 of launches differs over builds."
                               : "Neither a difference nor equivalence of p99 is shown.",
                        made_tail(r, n), {{"margin", 0.05}}));
  if (r == 2)
    ASSAY_CHECK(insert(
        "finding",
        {id("finding"), derivation_, "warning", "self_contradiction", recipe_id, builds[0].id,
         store::Value(), text("The engine gives other bits after it was loaded again."),
         text("Do not reload it in the field; report it to the compiler's authors.")}));
  return {};
}

Status Maker::recipe(int64_t r, const std::string& model, const std::string& dataset) {
  static constexpr std::string_view kNames[] = {"reference", "openvino", "tvm-autotvm",
                                                "onnxruntime", "tvm-autoscheduler"};
  const std::string recipe_id = id("recipe"), compiler(kNames[static_cast<size_t>(r) % 5]);
  ASSAY_CHECK(insert(
      "recipe",
      {recipe_id, model, dataset, text(compiler + " fp32"), compiler, "fp32", int64_t{1}, "off",
       "build", int64_t{r == 0}, r == 2 ? R"({"trials":16,"tuner":"ga"})" : "{}",
       R"({"inputs":"resident","loop":"closed","sync":"return","batch":1,"page_cache":"warm","threads":"1","cpu":"last"})"}));
  std::vector<Built> builds;
  for (int64_t b = 0; b < o_.builds; ++b) {
    ASSAY_TRY(Built built, build(r, b, recipe_id));
    builds.push_back(std::move(built));
  }
  if (!o_.derived) return {};
  if (o_.only_failures)
    return insert("finding",
                  {id("finding"), derivation_, "error", "build_crashed", recipe_id, builds[0].id,
                   store::Value(), text("Every build crashed: killed by signal 11."),
                   text("Read the stderr of the build.")});
  return conclude(r, recipe_id, builds);
}

Status Maker::make() {
  ASSAY_TRY(auto transaction, store::Transaction::begin(run_.db()));
  attempt_ = id("attempt");
  derivation_ = id("derivation");
  ASSAY_TRY(blob_, run_.put_blob("log\n"));
  for (auto [key, value] :
       {std::pair<const char*, std::string>{"run_id", id("run")},
        {"seed", "42"},
        {"profile", "quick"},
        {"assay_version", "0.1.0"},
        {"plan_json", dump_json({{"profile", "quick"}, {"builds", o_.builds}, {"note", text("")}})},
        {"plan_sha256", sha256_hex("plan")}})
    ASSAY_CHECK(run_.set_meta(key, value));
  ASSAY_CHECK(insert(
      "attempt",
      {attempt_, "boot", "machine", "2026-01-02T03:04:05Z",
       dump_json(Json::array({"assay", "audit", text("model.onnx"), "--compiler", "openvino"})),
       dump_json({{"cpu", text("Example CPU at 2.3 GHz")},
                  {"cores", 2},
                  {"kernel", "6.1.0"},
                  {"memory_bytes", int64_t{24} << 30},
                  {"governor", "unknown"},
                  {"boost", "unknown"},
                  {"hypervisor", "yes"},
                  {"clock_read_ns", 22.4}}),
       "0.1.0"}));
  const std::string model = id("model"), dataset = id("dataset");
  ASSAY_CHECK(insert(
      "model",
      {model, text("efficientnet-lite0"), sha256_hex("model"), int64_t{18'700'000},
       dump_json({{"inputs",
                   {{{"name", text("input")}, {"dtype", "float32"}, {"shape", {1, 3, 224, 224}}}}},
                  {"outputs",
                   {{{"name", text("output")}, {"dtype", "float32"}, {"shape", {1, 1000}}}}}})}));
  ASSAY_CHECK(
      insert("dataset", {dataset, model, text("photos"), sha256_hex("data"), o_.inputs, "clustered",
                         int64_t{21}, int64_t{1}, text("crops of photographs"), "{}", "{}"}));
  if (o_.derived)
    ASSAY_CHECK(run_.db().run(
        "INSERT INTO derivation(derivation_id, attempt_id, time_utc, assay_version, result_sha256) "
        "VALUES(?,?,?,?,?)",
        {derivation_, attempt_, "2026-01-02T03:14:05Z", "0.1.0", sha256_hex("result")}));
  for (int64_t r = 0; r < o_.recipes; ++r) ASSAY_CHECK(recipe(r, model, dataset));
  return transaction.commit();
}

}  // namespace

std::string hostile_text() {
  return "<script>alert(1)</script>\"'><img src=x "
         "onerror=alert(2)>&amp;|`*_[a](http://e.example)\x1b[31m\x07\xC2\x9B\xE2\x80\xAE@you "
         "#1\xFF\r\n| x |" +
         std::string(3000, 'A');
}

Result<store::RunFolder> make_run(const fs::path& folder, const FixtureOptions& options) {
  ASSAY_TRY(auto run, store::RunFolder::open_for_writing(folder));
  ASSAY_CHECK(Maker(run, options).make());
  return run;
}

}  // namespace assay::report
