// SPDX-License-Identifier: Apache-2.0
#include "report/machines/made_machines.h"

#include "report/fixture.h"

namespace assay::report {
namespace {

Json latency(const MadeMachine& made) {
  Json builds = Json::array();
  for (size_t b = 0; b < made.p50_ms.size(); ++b) {
    const Json p50{{"estimate", made.p50_ms[b] * 1e6},
                   {"lower", made.p50_ms[b] * 0.99e6},
                   {"upper", made.p50_ms[b] * 1.01e6},
                   {"confidence", 0.95},
                   {"n", 3},
                   {"n_needed", 0}};
    Json p99 = p50;
    p99["estimate"] = nullptr;
    p99["lower"] = nullptr;
    p99["upper"] = nullptr;
    p99["n_needed"] = 473;
    builds.push_back({{"build", b}, {"launches", Json::array()}, {"p50", p50}, {"p99", p99}});
  }
  Json out{{"clock", made.clock}, {"builds", builds}, {"trust", made.trust}};
  if (!made.platform.empty()) out["platform"] = parse_json(made.platform, "made").value();
  if (!made.roofline.empty()) out["roofline"] = parse_json(made.roofline, "made").value();
  return out;
}

}  // namespace

Status make_machine(const fs::path& folder, const MadeMachine& made) {
  FixtureOptions o;
  o.recipes = 1;
  o.builds = static_cast<int64_t>(made.p50_ms.size());
  o.launches = 1;
  o.samples = 40;
  o.salt = made.salt.empty() ? folder.string() : made.salt;
  ASSAY_TRY(store::RunFolder run, make_run(folder, o));
  auto& db = run.db();
  ASSAY_TRY(auto transaction, store::Transaction::begin(db));
  Json machine{{"cpu", "Made CPU"}, {"cores", made.cores}, {"kernel", "6.1"}, {"hypervisor", "no"}};
  ASSAY_TRY(machine["gpus"], parse_json(made.gpus, "made"));
  ASSAY_CHECK(db.run("UPDATE attempt SET machine_id=?, boot_id=?, machine_json=?",
                     {made.machine_id, made.boot_id, dump_json(machine)}));
  ASSAY_CHECK(db.run(
      "UPDATE recipe SET threads=?, options_json=?, regime_json=?",
      {made.threads, made.options, dump_json({{"device", made.device}, {"kernels", "name"}})}));
  ASSAY_CHECK(
      db.run("UPDATE dataset SET sha256=?, sampling='independent', n=2", {sha256_hex(made.data)}));
  ASSAY_CHECK(
      db.run("UPDATE verdict SET statistic_json=?, threshold_json=? WHERE subject='latency'",
             {dump_json(latency(made)),
              dump_json({{"margin", 0.01}, {"equivalence_allowed", made.equality}})}));
  if (made.lost)
    ASSAY_CHECK(
        db.run("UPDATE launch SET outcome='crashed' WHERE rowid=(SELECT MIN(rowid) FROM launch)"));
  ASSAY_CHECK(db.run("UPDATE build SET compiler_version=?", {made.version}));
  ASSAY_CHECK(db.run("UPDATE build SET artifact_sha256=CASE WHEN ?='' THEN build_id ELSE ? END",
                     {made.artifact, made.artifact}));
  ASSAY_CHECK(db.run("UPDATE build SET kernel_map_sha256=?", {sha256_hex(made.kernel)}));
  ASSAY_CHECK(db.run("DELETE FROM kernel"));
  ASSAY_CHECK(
      db.run("INSERT INTO kernel SELECT build_id, 0, 'conv', 'same', '', 'fp32', '' FROM build"));
  ASSAY_CHECK(db.run("INSERT INTO kernel SELECT build_id, 1, 'dense', ?, '', 'fp32', '' FROM build",
                     {made.kernel}));
  ASSAY_TRY(const std::string blob,
            run.put_blob({reinterpret_cast<const char*>(made.outputs.data()),
                          made.outputs.size() * sizeof(float)}));
  ASSAY_CHECK(db.run("UPDATE output SET blob=?, n=?, shape_json='[1,2]'",
                     {blob, static_cast<int64_t>(made.outputs.size() / 2)}));
  if (made.peak_flops > 0)
    ASSAY_CHECK(db.run("INSERT INTO peak SELECT attempt_id, ?, ?, ? FROM attempt",
                       {made.device, made.cores, dump_json({{"flops_fp32", made.peak_flops}})}));
  return transaction.commit();
}

}  // namespace assay::report
