// SPDX-License-Identifier: Apache-2.0
#include "audit/lock/lock.h"

#include "base/text.h"

namespace assay::audit {
namespace {

constexpr int64_t kFormat = 1;

Json blobs_json(const std::vector<LockBlob>& blobs) {
  Json out = Json::array();
  for (const LockBlob& b : blobs)
    out.push_back({{"path", b.path}, {"role", b.role}, {"bytes", b.bytes}, {"sha256", b.sha256}});
  return out;
}

bool is_sha256(std::string_view s) {
  return s.size() == 64 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Plain relative paths only: a lock is laid out below folders of ours.
bool is_plain(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.size() > 1000) return false;
  for (const fs::path& part : fs::path(path))
    if (part.empty() || part == "." || part == "..") return false;
  return path.find('\0') == std::string_view::npos;
}

Result<std::vector<LockBlob>> blobs_from(const Json& j, const char* key) {
  std::vector<LockBlob> out;
  for (const Json& b : get_array(j, key)) {
    LockBlob blob{get_string(b, "path"), get_string(b, "role"), get_string(b, "sha256"),
                  get_int(b, "bytes", -1)};
    if (!is_plain(blob.path) || !is_sha256(blob.sha256) || blob.bytes < 0)
      return bad_input(
          fmt::format("lock.json: {} holds a file without a plain path, size or hash", key));
    out.push_back(std::move(blob));
  }
  return out;
}

Result<std::map<std::string, std::string>> texts_from(const Json& j, const char* key) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : get_object(j, key).items()) {
    if (!value.is_string())
      return bad_input(fmt::format("lock.json: {}.{} is no text", key, one_line(name)));
    out[name] = value.get<std::string>();
  }
  return out;
}

Status check_numbers(const Lock& l) {
  if (!(l.atol >= 0 && l.rtol >= 0 && l.atol < 1e30 && l.rtol < 1e30) ||
      !(l.margin > 0 && l.margin < 1) || l.launches < 1 || l.launches > 100'000 || l.samples < 1 ||
      l.samples > 100'000'000 || l.threads < 1 || l.threads > 4096)
    return bad_input("lock.json: tolerance, margin, launches, samples or threads are out of range");
  if (l.compiler.empty() || l.precision.empty() || l.model.empty() || l.engine.empty() ||
      l.inputs.empty() || l.outputs.empty() || l.contract.empty())
    return bad_input(
        "lock.json: compiler, precision, model, engine, inputs, outputs or contract "
        "is missing");
  return {};
}

}  // namespace

std::string_view word(Proof p) { return p == Proof::recompiled ? "recompiled" : "replayed"; }

Result<Proof> proof_from(std::string_view text) {
  for (Proof p : {Proof::recompiled, Proof::replayed})
    if (text == word(p)) return p;
  return bad_input(fmt::format("unknown proof class \"{}\"", one_line(text)),
                   "use recompiled or replayed");
}

Json to_json(const Lock& l) {
  Json files = Json::array();
  for (const UsedFile& f : l.files) files.push_back(Json::array({f.path, f.how, f.by, f.sha256}));
  Json kernels = Json::array();
  for (const Kernel& k : l.kernels)
    kernels.push_back({{"ordinal", k.ordinal},
                       {"layer", k.layer},
                       {"kernel", k.kernel},
                       {"source_sha256", k.source_sha256},
                       {"precision", k.precision},
                       {"origin", k.origin}});
  Json outputs = Json::array();
  for (const LockOutput& o : l.outputs) {
    Json entry = to_json(o.spec);
    entry["n"] = o.n;
    entry["sha256"] = o.sha256;
    outputs.push_back(std::move(entry));
  }
  Json out{{"format", kFormat},
           {"created_utc", l.created_utc},
           {"assay_version", l.assay_version},
           {"proof", word(l.proof)},
           {"model_name", l.model_name},
           {"compiler", l.compiler},
           {"version", l.version},
           {"precision", l.precision},
           {"threads", l.threads},
           {"seed", l.seed},
           {"options", l.options},
           {"shapes", l.shapes},
           {"contract", Json(l.contract)},
           {"model", blobs_json(l.model)},
           {"decisions", blobs_json(l.decisions)},
           {"choices", l.choices},
           {"selection", l.selection},
           {"engine", blobs_json(l.engine)},
           {"kernel_map_sha256", l.kernel_map_sha256},
           {"artifact_sha256", l.artifact_sha256},
           {"kernels", kernels},
           {"inputs", blobs_json(l.inputs)},
           {"outputs", outputs},
           {"tolerance", {{"atol", l.atol}, {"rtol", l.rtol}}},
           {"latency",
            {{"margin", l.margin},
             {"launches", l.launches},
             {"samples", l.samples},
             {"recorded_p50_ns", l.p50_ns}}},
           {"not_covered", l.not_covered},
           {"evidence", blobs_json(l.evidence)},
           {"files", files}};
  if (l.device != "cpu") out["device"] = l.device;
  return out;
}

Result<Lock> lock_from_json(const Json& j) {
  if (get_int(j, "format") != kFormat)
    return bad_input(
        fmt::format("lock.json: format is {}, this assay reads {}", get_int(j, "format"), kFormat),
        "use the assay that wrote it, or record the lock again");
  Lock l;
  l.created_utc = get_string(j, "created_utc");
  l.assay_version = get_string(j, "assay_version");
  ASSAY_TRY(l.proof, proof_from(get_string(j, "proof")));
  l.model_name = get_string(j, "model_name");
  l.compiler = get_string(j, "compiler");
  l.version = get_string(j, "version");
  l.precision = get_string(j, "precision");
  l.device = get_string(j, "device", "cpu");
  l.threads = get_int(j, "threads");
  const int64_t seed = get_int(j, "seed", -1);
  if (seed < 0) return bad_input("lock.json: seed is missing");
  l.seed = static_cast<uint64_t>(seed);
  l.options = get_object(j, "options");
  l.shapes = get_object(j, "shapes");
  ASSAY_TRY(l.contract, texts_from(j, "contract"));
  ASSAY_TRY(l.model, blobs_from(j, "model"));
  ASSAY_TRY(l.decisions, blobs_from(j, "decisions"));
  ASSAY_TRY(l.engine, blobs_from(j, "engine"));
  ASSAY_TRY(l.inputs, blobs_from(j, "inputs"));
  ASSAY_TRY(l.evidence, blobs_from(j, "evidence"));
  l.choices = get_array(j, "choices");
  if (j.contains("selection")) l.selection = j["selection"];
  for (const Json& k : get_array(j, "kernels")) l.kernels.push_back(kernel_from_json(k));
  l.kernel_map_sha256 = get_string(j, "kernel_map_sha256");
  l.artifact_sha256 = get_string(j, "artifact_sha256");
  for (const Json& o : get_array(j, "outputs")) {
    LockOutput out;
    ASSAY_TRY(out.spec, tensor_spec_from_json(o, "lock.json outputs"));
    out.n = get_int(o, "n", -1);
    out.sha256 = get_string(o, "sha256");
    if (out.n < 1 || !is_sha256(out.sha256))
      return bad_input("lock.json: an output has no n or hash");
    l.outputs.push_back(std::move(out));
  }
  l.atol = get_double(get_object(j, "tolerance"), "atol");
  l.rtol = get_double(get_object(j, "tolerance"), "rtol");
  const Json& latency = get_object(j, "latency");
  l.margin = get_double(latency, "margin");
  l.launches = get_int(latency, "launches");
  l.samples = get_int(latency, "samples");
  for (const Json& p : get_array(latency, "recorded_p50_ns"))
    if (p.is_number_integer()) l.p50_ns.push_back(p.get<int64_t>());
  for (const Json& t : get_array(j, "not_covered"))
    if (t.is_string()) l.not_covered.push_back(t.get<std::string>());
  for (const Json& f : get_array(j, "files")) {
    if (!f.is_array() || f.size() != 4 || !f[0].is_string() || !f[1].is_string() ||
        !f[2].is_string() || !f[3].is_string() || !is_sha256(f[3].get<std::string>()))
      return bad_input("lock.json: files must be [path, how, by, sha256]");
    l.files.push_back({f[0], f[1], f[2], f[3]});
  }
  ASSAY_CHECK(check_numbers(l));
  if (l.kernel_map_sha256 != kernel_map_sha256(l.kernels))
    return bad_input("lock.json: its kernels do not have the hash it states");
  return l;
}

}  // namespace assay::audit
