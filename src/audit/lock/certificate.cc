// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/certificate.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/words.h"
#include "compare/compare.h"

namespace assay::audit {
namespace {

constexpr size_t kListed = 200;

Json deviations_json(const std::vector<LockCheck>& checks) {
  Json out = Json::array();
  for (const LockCheck& c : checks)
    if (c.state != "same" && out.size() < kListed)
      out.push_back(
          {{"item", c.name}, {"state", c.state}, {"expected", c.expected}, {"found", c.found}});
  return out;
}

// The certificate as it grows, with what speaks against it.
struct Draft {
  Json json;
  std::vector<std::string> against, unproved;
};

void add_lock(const CertificateInput& in, Draft& d) {
  const Lock& l = in.lock.lock();
  d.json = {{"format", 1},
            {"result", ""},
            {"reasons", Json::array()},
            {"proof", word(l.proof)},
            {"created_utc", utc_now()},
            {"assay_version", ASSAY_VERSION},
            {"lock",
             {{"sha256", in.lock.sha256()},
              {"recorded_utc", l.created_utc},
              {"signature", in.signature}}},
            {"model", {{"name", l.model_name}, {"sha256", l.model.front().sha256}}},
            {"recipe",
             {{"compiler", l.compiler},
              {"version", l.version},
              {"precision", l.precision},
              {"threads", l.threads},
              {"options", l.options}}},
            {"contract", {{"items", in.before.size()}, {"deviations", deviations_json(in.before)}}},
            {"not_covered", l.not_covered}};
  for (const LockCheck& c : in.before)
    if (!c.holds())
      d.against.push_back(fmt::format("{} {}", one_line(c.name, 200),
                                      c.state == "differs"  ? "differs from the lock"
                                      : c.state == "absent" ? "is not here"
                                                            : "is not in the lock"));
}

Status add_builds(const CertificateInput& in, store::RunFolder& run, Draft& d) {
  ASSAY_TRY(
      auto rows,
      run.db().query("SELECT b.build_index, b.outcome, b.reason, b.artifact_sha256, "
                     "b.kernel_map_sha256, l.made_by FROM build b JOIN locked_build l "
                     "USING(build_id) WHERE b.outcome<>'interrupted' ORDER BY b.build_index"));
  const Lock& lock = in.lock.lock();
  Json builds = Json::array();
  for (const auto& r : rows) {
    builds.push_back({{"build", r.integer(0)},
                      {"made_by", r.text(5)},
                      {"outcome", r.text(1)},
                      {"reason", r.text(2)},
                      {"kernel_map_equal", r.text(4) == lock.kernel_map_sha256},
                      {"artifact_equal", r.text(3) == lock.artifact_sha256}});
    if (r.text(1) != "ok")
      d.against.push_back(
          fmt::format("build {} {}: {}", r.integer(0), r.text(1), one_line(r.text(2), 300)));
  }
  d.json["builds"] = builds;
  ASSAY_TRY(auto launches,
            run.db().query("SELECT l.outcome, l.reason, b.build_index FROM launch l JOIN build b "
                           "USING(build_id) WHERE l.outcome NOT IN ('ok','interrupted')"));
  for (const auto& r : launches)
    d.against.push_back(fmt::format("a launch of build {} {}: {}", r.integer(2), r.text(0),
                                    one_line(r.text(1), 300)));
  ASSAY_TRY(auto broken,
            run.db().query("SELECT text FROM finding WHERE code='lock-broken' AND "
                           "derivation_id=(SELECT derivation_id FROM derivation ORDER BY seq "
                           "DESC LIMIT 1)"));
  for (const auto& r : broken) d.against.push_back(r.text(0));
  ASSAY_TRY(auto found,
            run.db().query("SELECT DISTINCT name, state, expected, found FROM lock_check "
                           "WHERE state<>'same' ORDER BY seq"));
  Json later = Json::array();
  for (const auto& r : found)
    if (later.size() < kListed)
      later.push_back({{"item", r.text(0)},
                       {"state", r.text(1)},
                       {"expected", r.text(2)},
                       {"found", r.text(3)}});
  d.json["contract"]["deviations_of_builds"] = std::move(later);
  return {};
}

struct OutputRow {
  std::string name, blob;
  int64_t build = 0;
};

// Outputs of launch 0 of each build against the hash that the lock states for the recorded engine.
Status add_outputs(const CertificateInput& in, store::RunFolder& run, Draft& d, Json& claim) {
  ASSAY_TRY(auto rows,
            run.db().query("SELECT b.build_index, o.name, o.blob, o.n, o.dtype, o.shape_json FROM "
                           "output o JOIN launch l "
                           "USING(launch_id) JOIN build b USING(build_id) WHERE l.launch_index=0 "
                           "AND o.role='main' AND l.outcome='ok' ORDER BY b.build_index, o.name"));
  const Lock& lock = in.lock.lock();
  const int64_t recorded = in.options.builds;
  std::set<std::string> known;
  for (const LockOutput& o : lock.outputs) known.insert(o.spec.name);
  for (const auto& r : rows)
    if (!known.contains(r.text(1)))
      d.against.push_back(fmt::format("output \"{}\" is not in the lock", one_line(r.text(1))));
  Json outputs = Json::array();
  bool tolerated = true;
  for (const LockOutput& o : lock.outputs) {
    int64_t equal = 0, seen = 0;
    double max_abs = 0;
    std::string recorded_blob;
    for (const auto& r : rows)
      if (r.text(1) == o.spec.name && r.integer(0) == recorded) recorded_blob = r.text(2);
    for (const auto& r : rows) {
      if (r.text(1) != o.spec.name) continue;
      ++seen;
      equal += r.text(2) == o.sha256;
      if (r.integer(3) != o.n || r.text(4) != dtype_name(o.spec.dtype) ||
          r.text(5) != dump_json(Json(o.spec.shape))) {
        d.against.push_back(
            fmt::format("output \"{}\" of build {} has another shape, type or number "
                        "of inputs than the lock states",
                        one_line(o.spec.name), r.integer(0)));
        tolerated = false;
        continue;
      }
      if (recorded_blob.empty() || r.text(2) == recorded_blob) continue;
      ASSAY_TRY(MappedFile a, run.map_blob(recorded_blob));
      ASSAY_TRY(MappedFile b, run.map_blob(r.text(2)));
      const compare::View va{a.bytes(), o.spec.dtype, o.n, o.spec.elements()},
          vb{b.bytes(), o.spec.dtype, o.n, o.spec.elements()};
      ASSAY_TRY(compare::Pair pair, compare::compare_pair(va, vb, false, false));
      max_abs = std::max(max_abs, pair.distance.max_abs);
      if (lock.atol > 0 || lock.rtol > 0) {
        ASSAY_TRY(const bool within, compare::within(vb, va, lock.atol, lock.rtol));
        tolerated = tolerated && within;
      } else {
        tolerated = false;
      }
    }
    outputs.push_back({{"name", o.spec.name},
                       {"inputs", o.n},
                       {"engines", seen},
                       {"with_the_recorded_hash", equal},
                       {"max_abs", max_abs}});
    if (seen <= recorded)
      d.unproved.push_back(fmt::format("output \"{}\" was had from {} of {} engines",
                                       one_line(o.spec.name), seen, recorded + 1));
    if (recorded_blob != o.sha256 && (lock.atol > 0 || lock.rtol > 0))
      d.unproved.push_back(
          fmt::format("output \"{}\": the recorded engine gives other bits here than "
                      "when it was recorded",
                      one_line(o.spec.name)));
    if (equal < seen && lock.atol == 0 && lock.rtol == 0)
      d.against.push_back(
          fmt::format("output \"{}\": {} of {} engines give other bits than were "
                      "recorded",
                      one_line(o.spec.name), seen - equal, seen));
  }
  claim["outputs"] = outputs;
  claim["tolerance"] = {{"atol", lock.atol}, {"rtol", lock.rtol}};
  claim["within_tolerance"] = tolerated;
  if (!tolerated && (lock.atol > 0 || lock.rtol > 0))
    d.against.push_back("outputs differ by more than the lock's tolerance");
  return {};
}

Status add_claims(const CertificateInput& in, store::RunFolder& run, Draft& d) {
  ASSAY_TRY(
      auto rows,
      run.db().query("SELECT subject, verdict, statement, statistic_json, threshold_json FROM "
                     "verdict WHERE scope='builds' AND derivation_id=(SELECT derivation_id "
                     "FROM derivation ORDER BY seq DESC LIMIT 1)"));
  Json claims = Json::object();
  for (const auto& r : rows) {
    const std::string subject = r.text(0);
    if (subject != "kernels" && subject != "outputs" && subject != "latency") continue;
    Json claim{{"verdict", r.text(1)}, {"statement", r.text(2)}};
    ASSAY_TRY(Json statistic, parse_json(r.text(3), "verdict.statistic_json"));
    ASSAY_TRY(Json threshold, parse_json(r.text(4), "verdict.threshold_json"));
    bool tolerated = false;
    if (subject == "outputs") {
      ASSAY_CHECK(add_outputs(in, run, d, claim));
      tolerated = (in.lock.lock().atol > 0 || in.lock.lock().rtol > 0) &&
                  get_bool(claim, "within_tolerance");
    }
    if (subject == "latency" && !in.options.latency) {
      claim = {{"verdict", "not asked"}, {"statement", "latency was left out by --no-latency"}};
      tolerated = true;
    }
    if (subject == "latency" && in.options.latency) claim["margin"] = in.lock.lock().margin;
    if (r.text(1) == word(Verdict::different) && !tolerated)
      d.against.push_back(subject + ": " + r.text(2));
    if (r.text(1) == word(Verdict::inconclusive) && !tolerated)
      d.unproved.push_back(subject + ": " + r.text(2));
    claim["statistic"] = statistic;
    claim["threshold"] = threshold;
    claims[subject] = std::move(claim);
  }
  // What an engine says against itself, and launches of one engine that differ.
  ASSAY_TRY(
      auto launches,
      run.db().query("SELECT subject, statement FROM verdict WHERE scope='launches' AND "
                     "verdict=? AND derivation_id=(SELECT derivation_id FROM derivation ORDER "
                     "BY seq DESC LIMIT 1)",
                     {std::string(word(Verdict::different))}));
  for (const auto& r : launches)
    d.against.push_back(fmt::format("{} over launches: {}", r.text(0), r.text(1)));
  ASSAY_TRY(auto odd,
            run.db().query("SELECT text FROM finding WHERE code='outputs-not-finite' AND "
                           "derivation_id=(SELECT derivation_id FROM derivation ORDER BY seq DESC "
                           "LIMIT 1)"));
  for (const auto& r : odd) d.unproved.push_back(r.text(0));
  for (const char* subject : {"kernels", "outputs", "latency"})
    if (!claims.contains(subject))
      d.unproved.push_back(fmt::format("{}: no verdict could be derived", subject));
  d.json["claims"] = std::move(claims);
  return {};
}

}  // namespace

Result<Json> certificate(const CertificateInput& in, store::RunFolder* run) {
  Draft d;
  add_lock(in, d);
  if (run) {
    ASSAY_CHECK(add_builds(in, *run, d));
    ASSAY_CHECK(add_claims(in, *run, d));
    ASSAY_TRY(std::string run_id, run->meta("run_id"));
    ASSAY_TRY(auto derivation, run->db().first("SELECT result_sha256 FROM derivation ORDER BY seq "
                                               "DESC LIMIT 1"));
    d.json["evidence"] = {{"run_id", run_id},
                          {"result_sha256", derivation ? derivation->text(0) : ""}};
  } else if (d.against.empty()) {
    d.unproved.push_back("nothing was built");
  }
  d.json["result"] = !d.against.empty()    ? "failed"
                     : !d.unproved.empty() ? "inconclusive"
                                           : "verified";
  for (const auto* list : {&d.against, &d.unproved})
    for (const std::string& reason : *list) d.json["reasons"].push_back(reason);
  return std::move(d.json);
}

}  // namespace assay::audit
