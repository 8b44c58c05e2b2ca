// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_engines.h"

#include <map>

#include "audit/lock/remeasure.h"
#include "base/text.h"
#include "diff/read/read.h"

namespace assay::cli {
namespace {

// A lock keeps the whole tuning: the candidates that lost stand beside the choice.
Status add_candidates(const audit::LockFolder& lock, diff::EngineMap& map) {
  for (const audit::LockBlob& b : lock.lock().evidence) {
    if (b.role != "candidates") continue;
    // What the reader missed in the engine's own, pruned log stands here.
    std::erase_if(map.notes,
                  [](const std::string& n) { return n.find("candidate") != std::string::npos; });
    ASSAY_TRY(const std::string text, lock.read(b));
    ASSAY_TRY(const Json j, parse_json(text, b.path));
    std::map<std::string, size_t> at;
    for (size_t i = 0; i < map.decisions.size(); ++i) {
      map.decisions[i].candidates.clear();
      at[map.decisions[i].layer] = i;
    }
    for (const audit::RecordedCandidate& c : audit::recorded_from_json(j)) {
      const auto it = at.find(c.name.layer);
      if (it == at.end()) continue;
      diff::Decision& d = map.decisions[it->second];
      diff::Candidate candidate;
      candidate.text = c.text;
      candidate.number = c.name.number;
      candidate.time_ns.assign(c.times_ns.begin(), c.times_ns.end());
      candidate.ok = c.ok;
      candidate.chosen = c.text == d.choice;
      d.candidates.push_back(std::move(candidate));
    }
  }
  return {};
}

// Labels head columns, so no two may be equal: "build (1)", "build (2)".
void tell_apart(std::vector<DiffEngine>& engines) {
  std::map<std::string, int> count, seen;
  for (const DiffEngine& e : engines) ++count[e.map.label];
  for (DiffEngine& e : engines)
    if (count[e.map.label] > 1)
      e.map.label = fmt::format("{} ({})", e.map.label, ++seen[e.map.label]);
}

}  // namespace

Result<std::vector<DiffEngine>> open_diff_engines(const std::vector<std::string>& names,
                                                  const std::string& input_format,
                                                  const fs::path& made) {
  std::vector<DiffEngine> out;
  for (const std::string& name : names) {
    DiffEngine e;
    e.path = name;
    std::error_code ec;
    if (fs::exists(e.path / "lock.json", ec)) {
      ASSAY_TRY(audit::LockFolder lock, audit::LockFolder::open(e.path));
      e.path = made / std::to_string(out.size());
      ASSAY_CHECK(lock.lay_out(lock.lock().engine, e.path));
      e.lock = std::move(lock);
    }
    ASSAY_TRY(e.map, diff::read_engine(e.path, input_format));
    if (e.lock) {
      e.map.label = one_line(fs::path(name).filename().string(), 60);
      ASSAY_CHECK(add_candidates(*e.lock, e.map));
    }
    out.push_back(std::move(e));
  }
  tell_apart(out);
  return out;
}

}  // namespace assay::cli
