// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "report/lock/documents.h"
#include "report/lock/parts.h"

namespace assay::report {
namespace {

int64_t bytes_of(const Json& blobs) {
  int64_t out = 0;
  for (const Json& b : blobs) out += get_int(b, "bytes");
  return out;
}

Part recipe_part(const Json& l, const std::string& sha256, const std::string& signature) {
  Part p;
  p.section.heading = fmt::format("{} on {} {}", get_string(l, "model_name"),
                                  get_string(l, "compiler"), get_string(l, "version"));
  p.section.paragraphs.push_back(proof_text(get_string(l, "proof")));
  Table t({"", ""});
  t.add({"lock", fmt::format("{}, recorded {} by assay {}", short_hash(sha256),
                             get_string(l, "created_utc"), get_string(l, "assay_version"))});
  t.add({"signature", signature});
  t.add({"precision", get_string(l, "precision")});
  t.add({"threads", std::to_string(get_int(l, "threads"))});
  t.add({"options", options_text(get_object(l, "options"))});
  t.add({"model", fmt::format("{}, {} files",
                              get_array(l, "model").empty()
                                  ? ""
                                  : short_hash(get_string(get_array(l, "model")[0], "sha256")),
                              get_array(l, "model").size())});
  const Json& latency = get_object(l, "latency");
  t.add({"latency",
         fmt::format("{} launches of {} samples, margin {:.3g} %", get_int(latency, "launches"),
                     get_int(latency, "samples"), 100 * get_double(latency, "margin"))});
  p.section.table = std::move(t);
  return p;
}

Part covered_part(const Json& l) {
  Part p;
  p.section.heading = "What it covers";
  Table t({"what", "items", "bytes"});
  std::map<std::string, int64_t> kinds;
  for (const auto& [name, value] : get_object(l, "contract").items())
    ++kinds[name.substr(0, name.find('.'))];
  for (const auto& [kind, n] : kinds) t.add({"contract: " + kind, std::to_string(n), "-"});
  std::map<std::string, int64_t> how;
  for (const Json& f : get_array(l, "files"))
    if (f.is_array() && f.size() == 4 && f[1].is_string() && f[2].is_string())
      ++how[f[1].get<std::string>() + " by the " + f[2].get<std::string>()];
  for (const auto& [kind, n] : how) t.add({"files " + kind, std::to_string(n), "-"});
  for (const char* key : {"decisions", "engine", "inputs", "evidence"})
    t.add({key, std::to_string(get_array(l, key).size()),
           std::to_string(bytes_of(get_array(l, key)))});
  t.add({"kernels", std::to_string(get_array(l, "kernels").size()), "-"});
  t.add({"outputs", std::to_string(get_array(l, "outputs").size()), "-"});
  p.section.table = std::move(t);
  return p;
}

Part choices_part(const Json& l) {
  Part p;
  p.section.heading = "What was decided";
  Table t({"layer", "choice"});
  for (const Json& c : get_array(l, "choices"))
    t.add({one_line(get_string(c, "layer"), 80),
           one_line(cut_middle(get_string(c, "choice"), 100), 100)});
  if (t.empty())
    p.section.paragraphs.emplace_back("this compiler searches for nothing; its options decide");
  else
    p.section.table = std::move(t);
  return p;
}

}  // namespace

std::string proof_text(const std::string& proof) {
  return proof == "replayed"
             ? "proof class replayed: the same artifact is loaded again, which says nothing about "
               "rebuilding"
             : "proof class recompiled: the compiler runs again from the recorded decisions";
}

std::string short_hash(const std::string& sha256) { return sha256.substr(0, 12); }

std::string options_text(const Json& options) {
  std::string out;
  for (const auto& [key, value] : options.items())
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", key,
                       value.is_string() ? value.get<std::string>() : dump_json(value));
  return out.empty() ? "none" : out;
}

void clean(Document& d) {
  auto one = [](std::string& s) { s = one_line(s, 2000); };
  one(d.title);
  one(d.subtitle);
  for (Part& p : d.parts) {
    one(p.section.heading);
    for (std::string& s : p.section.paragraphs) one(s);
    if (!p.section.table) continue;
    Table t(p.section.table->header());
    for (std::vector<std::string> row : p.section.table->rows()) {
      for (std::string& s : row) one(s);
      t.add(std::move(row));
    }
    p.section.table = std::move(t);
  }
}

Part not_covered_part(const Json& lines) {
  Part p;
  p.section.heading = "Not covered";
  for (const Json& line : lines)
    if (line.is_string()) p.section.paragraphs.push_back(line.get<std::string>());
  p.section.paragraphs.emplace_back(
      "other inputs than those of the lock, other co-runners, clocks and temperatures than those "
      "measured");
  p.section.paragraphs.emplace_back(
      "the kernel of the operating system, the firmware and the microcode");
  return p;
}

Document lock_document(const Json& l, const std::string& sha256, const std::string& signature) {
  Document d;
  d.title = fmt::format("Lock: {} on {}", get_string(l, "model_name"), get_string(l, "compiler"));
  d.parts.push_back(recipe_part(l, sha256, signature));
  d.parts.push_back(covered_part(l));
  d.parts.push_back(choices_part(l));
  d.parts.push_back(not_covered_part(get_array(l, "not_covered")));
  clean(d);
  return d;
}

}  // namespace assay::report
