// SPDX-License-Identifier: Apache-2.0
// Which recipes of the machines are the same, and why others are not.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "report/machines/internal.h"

namespace assay::report::machines {
namespace {

// What must be equal, in the order in which a difference is told.
struct Key {
  std::string model, compiler, precision, options, threads, device, lock, clocks;
  auto operator<=>(const Key&) const = default;
};

Key key_of(const ModelInfo& m, const Recipe& r, bool across_threads) {
  return {m.sha256,
          r.compiler,
          r.precision,
          dump_json(r.options),
          across_threads ? "any" : std::to_string(r.threads),
          device_of(r),
          r.lock_mode,
          get_string(r.regime, "dvfs", "default")};
}

struct Found {
  size_t machine = 0;
  const ModelInfo* model = nullptr;
  const Recipe* recipe = nullptr;
};

// How `a` misses `b`, the fewest words first; "" when they are equal. `rank`: how near they are.
std::string difference(const Key& a, const Key& b, int& rank) {
  const std::pair<const char*, std::pair<const std::string*, const std::string*>> parts[] = {
      {"compiler", {&a.compiler, &b.compiler}},    {"device", {&a.device, &b.device}},
      {"precision", {&a.precision, &b.precision}}, {"threads", {&a.threads, &b.threads}},
      {"options", {&a.options, &b.options}},       {"lock", {&a.lock, &b.lock}},
      {"clocks", {&a.clocks, &b.clocks}}};
  std::string text;
  rank = 0;
  for (const auto& [name, values] : parts) {
    if (*values.first == *values.second) continue;
    ++rank;
    text += fmt::format("{}{} {} instead of {}", text.empty() ? "" : ", ", name,
                        one_line(*values.second, 80), one_line(*values.first, 80));
  }
  return text;
}

// Why nothing on another machine is the same as this recipe.
std::string reason_for(const Key& key, const Found& f, const std::multimap<Key, Found>& all,
                       const std::vector<Machine>& machines) {
  const std::string* nearest_machine = nullptr;
  std::string nearest;
  int best = 1000;
  bool model_elsewhere = false, name_elsewhere = false;
  for (const auto& [other, g] : all) {
    if (g.machine == f.machine) continue;
    name_elsewhere = name_elsewhere || (g.model->name == f.model->name && other.model != key.model);
    if (other.model != key.model) continue;
    model_elsewhere = true;
    if (other.compiler != key.compiler) continue;
    int rank = 0;
    std::string text = difference(key, other, rank);
    if (rank < best) {
      best = rank;
      nearest = std::move(text);
      nearest_machine = &machines[g.machine].name;
    }
  }
  if (nearest_machine) return fmt::format("{} has {}", *nearest_machine, nearest);
  if (model_elsewhere) return "no other machine has this compiler on this model";
  if (name_elsewhere)
    return fmt::format("another machine's model of this name has another SHA-256 than {}",
                       key.model.substr(0, 12));
  return "no other machine has this model";
}

}  // namespace

std::string device_of(const Recipe& recipe) {
  const std::string device = get_string(recipe.regime, "device", "cpu");
  return one_line(device.substr(0, device.find(':')), 20);
}

void match(MachinesReport& report) {
  std::multimap<Key, Found> all;
  std::vector<Key> order;  // rows in the order of their first machine
  std::map<Key, std::vector<Found>> rows;
  for (size_t m = 0; m < report.machines.size(); ++m)
    for (const ModelInfo& model : report.machines[m].model.models)
      for (const Recipe& recipe : model.recipes) {
        const Key key = key_of(model, recipe, report.options.across_threads);
        const Found f{m, &model, &recipe};
        all.emplace(key, f);
        auto [it, fresh] = rows.try_emplace(key);
        if (fresh) order.push_back(key);
        // Two recipes of one run that are the same but for their threads: the first stands.
        const bool twice = std::any_of(it->second.begin(), it->second.end(),
                                       [m](const Found& g) { return g.machine == m; });
        if (twice)
          report.unmatched.push_back({m, model.name, recipe.label,
                                      "the same run has another such recipe, which is compared"});
        else
          it->second.push_back(f);
      }
  for (const Key& key : order) {
    const auto& found = rows[key];
    if (found.size() < 2) {
      const Found& f = found.front();
      report.unmatched.push_back(
          {f.machine, f.model->name, f.recipe->label, reason_for(key, f, all, report.machines)});
      continue;
    }
    MachineRow row;
    const Found& first = found.front();
    row.model = first.model->name;
    row.model_sha256 = first.model->sha256;
    row.label = first.recipe->label;
    row.compiler = first.recipe->compiler;
    row.precision = first.recipe->precision;
    row.device = device_of(*first.recipe);
    row.threads = report.options.across_threads ? 0 : first.recipe->threads;
    row.cells.resize(report.machines.size());
    for (const Found& f : found)
      row.cells[f.machine] =
          cell_of(report.machines[f.machine], *f.model, *f.recipe, report.options.across_threads);
    for (size_t a = 0; a < row.cells.size(); ++a)
      for (size_t b = a + 1; b < row.cells.size(); ++b)
        if (row.cells[a].present && row.cells[b].present) {
          MachinePair pair;
          pair.a = a;
          pair.b = b;
          row.pairs.push_back(std::move(pair));
        }
    report.rows.push_back(std::move(row));
  }
}

}  // namespace assay::report::machines
