// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "report/lock/documents.h"
#include "report/lock/parts.h"

namespace assay::report {
namespace {

constexpr size_t kListed = 50;

Part result_part(const Json& c) {
  Part p;
  const std::string result = get_string(c, "result");
  p.section.heading = fmt::format("Lock {}", result);
  p.section.paragraphs.push_back(proof_text(get_string(c, "proof")));
  for (const Json& r : get_array(c, "reasons"))
    if (r.is_string()) p.section.paragraphs.push_back(r.get<std::string>());
  if (result == "inconclusive")
    p.next.emplace_back(
        "more --builds or --launches, a quieter machine, or --allow-inconclusive where what is "
        "proved is enough");
  if (result == "failed" && !get_array(get_object(c, "contract"), "deviations").empty() &&
      !c.contains("claims"))
    p.next.emplace_back(
        "bring back what the lock was recorded with, or name each item that may differ with "
        "--allow ITEM");
  return p;
}

Part lock_part(const Json& c) {
  Part p;
  const Json &lock = get_object(c, "lock"), &recipe = get_object(c, "recipe");
  p.section.heading = "What was locked";
  Table t({"", ""});
  t.add({"model", fmt::format("{} {}", get_string(get_object(c, "model"), "name"),
                              short_hash(get_string(get_object(c, "model"), "sha256")))});
  t.add({"compiler",
         fmt::format("{} {}, {}, {} thread{}", get_string(recipe, "compiler"),
                     get_string(recipe, "version"), get_string(recipe, "precision"),
                     get_int(recipe, "threads"), get_int(recipe, "threads") == 1 ? "" : "s")});
  t.add({"options", options_text(get_object(recipe, "options"))});
  t.add({"lock", fmt::format("{}, recorded {}", short_hash(get_string(lock, "sha256")),
                             get_string(lock, "recorded_utc"))});
  t.add({"signature", get_string(lock, "signature")});
  p.section.table = std::move(t);
  return p;
}

Part contract_part(const Json& c) {
  Part p;
  const Json& contract = get_object(c, "contract");
  const Json& deviations = get_array(contract, "deviations");
  p.section.heading = "Held against the lock before building";
  p.section.paragraphs.push_back(
      deviations.empty() ? fmt::format("{} items, all as recorded", get_int(contract, "items"))
                         : fmt::format("{} items, {} not as recorded", get_int(contract, "items"),
                                       deviations.size()));
  if (deviations.empty()) return p;
  Table t({"item", "state", "in the lock", "here"});
  for (size_t i = 0; i < deviations.size() && i < kListed; ++i) {
    const Json& d = deviations[i];
    t.add({get_string(d, "item"), get_string(d, "state"), one_line(get_string(d, "expected"), 80),
           one_line(get_string(d, "found"), 80)});
  }
  p.section.table = std::move(t);
  if (deviations.size() > kListed)
    p.section.paragraphs.push_back(
        fmt::format("the first {} are shown; the JSON has up to 200", kListed));
  return p;
}

Part claim_part(const Json& c, const char* subject, const char* heading) {
  Part p;
  const Json& claim = get_object(get_object(c, "claims"), subject);
  p.section.heading = heading;
  p.section.word = get_string(claim, "verdict");
  p.section.paragraphs.push_back(get_string(claim, "statement"));
  if (std::string_view(subject) == "outputs") {
    Table t({"output", "inputs", "engines", "with the recorded bits", "largest difference"});
    for (const Json& o : get_array(claim, "outputs"))
      t.add({get_string(o, "name"), std::to_string(get_int(o, "inputs")),
             std::to_string(get_int(o, "engines")),
             std::to_string(get_int(o, "with_the_recorded_hash")),
             fmt::format("{:.3g}", get_double(o, "max_abs"))});
    p.section.table = std::move(t);
    const Json& tolerance = get_object(claim, "tolerance");
    if (get_double(tolerance, "atol") > 0 || get_double(tolerance, "rtol") > 0)
      p.section.paragraphs.push_back(
          fmt::format("tolerance of the lock: {:.3g} + {:.3g} of the value",
                      get_double(tolerance, "atol"), get_double(tolerance, "rtol")));
  }
  if (claim.contains("margin"))
    p.section.paragraphs.push_back(fmt::format("margin {:.3g} %, fixed when the lock was recorded",
                                               100 * get_double(claim, "margin")));
  return p;
}

Part builds_part(const Json& c) {
  Part p;
  p.section.heading = "Engines";
  Table t({"build", "made by", "outcome", "kernel map", "artifact bytes"});
  for (const Json& b : get_array(c, "builds")) {
    const bool ok = get_string(b, "outcome") == "ok";
    t.add({std::to_string(get_int(b, "build")), get_string(b, "made_by"), get_string(b, "outcome"),
           !ok                               ? "-"
           : get_bool(b, "kernel_map_equal") ? "as recorded"
                                             : "another",
           !ok                             ? "-"
           : get_bool(b, "artifact_equal") ? "as recorded"
                                           : "others"});
  }
  p.section.table = std::move(t);
  return p;
}

}  // namespace

Document certificate_document(const Json& c) {
  Document d;
  d.title = fmt::format("Lock certificate: {} on {}", get_string(get_object(c, "model"), "name"),
                        get_string(get_object(c, "recipe"), "compiler"));
  d.subtitle =
      fmt::format("{} by assay {}", get_string(c, "created_utc"), get_string(c, "assay_version"));
  d.parts.push_back(result_part(c));
  d.parts.push_back(lock_part(c));
  d.parts.push_back(contract_part(c));
  if (c.contains("claims")) {
    d.parts.push_back(claim_part(c, "kernels", "Kernels"));
    d.parts.push_back(claim_part(c, "outputs", "Outputs"));
    d.parts.push_back(claim_part(c, "latency", "Latency"));
    d.parts.push_back(builds_part(c));
  }
  d.parts.push_back(not_covered_part(get_array(c, "not_covered")));
  clean(d);
  return d;
}

}  // namespace assay::report
