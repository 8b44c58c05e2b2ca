// SPDX-License-Identifier: Apache-2.0
// Evidence made up for tests: what derivation reads, without any child process.
#pragma once

#include <random>

#include "audit/derive_internal.h"
#include "base/text.h"

namespace assay::audit {

using Rows = std::vector<std::vector<float>>;  // one row of class scores an input

// Outputs as a launch of one build leaves them; the bytes go into `run`.
inline OutputBlob made_output(store::RunFolder& run, const Rows& rows) {
  std::string bytes;
  for (const auto& row : rows)
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
  OutputBlob o;
  o.name = "y";
  o.shape = {1, static_cast<int64_t>(rows.at(0).size())};
  o.n = static_cast<int64_t>(rows.size());
  o.blob = run.put_blob(bytes).value();
  return o;
}

// n rows of scores over `classes`, the largest at `label(i)`.
template <class Label>
Rows made_rows(int64_t n, int64_t classes, Label label) {
  Rows rows;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<float> row(static_cast<size_t>(classes));
    for (int64_t c = 0; c < classes; ++c)
      row[static_cast<size_t>(c)] = static_cast<float>((i * 7 + c * 3) % 11) / 11.0f - 1;
    row[static_cast<size_t>(label(i))] = 5;
    rows.push_back(std::move(row));
  }
  return rows;
}

inline LaunchEvidence made_launch(int64_t index, std::string id) {
  LaunchEvidence l;
  l.launch_id = std::move(id);
  l.launch_index = index;
  l.outcome = "ok";
  l.kernels_agree = "yes";
  l.clock = "monotonic";
  l.environment = {{"pinned", true}, {"memory_locked", true}};
  l.sampler = {{"involuntary_switches", 0}, {"major_faults", 0},
               {"migrations", 0},           {"steal_ticks", 0},
               {"throttle_events", 0},      {"cpu_mhz", Json::array({2300})}};
  l.isolation = {{"read_only", true}, {"pid_namespace", true}};
  return l;
}

inline BuildEvidence made_build(int64_t index, std::string artifact, std::vector<Kernel> kernels) {
  BuildEvidence b;
  b.build_id = "build" + std::to_string(index);
  b.build_index = index;
  b.outcome = "ok";
  b.artifact_sha256 = std::move(artifact);
  b.kernel_map = kernel_map_sha256(kernels);
  b.kernels = std::move(kernels);
  b.isolation = {{"read_only", true}, {"pid_namespace", true}};
  return b;
}

inline RecipeEvidence made_recipe(const char* id, const char* kernels_told = "name") {
  RecipeEvidence r;
  r.recipe_id = id;
  r.label = std::string(id) + " fp32";
  r.compiler = id;
  r.decides_at = "build";
  r.kernels_told = kernels_told;
  return r;
}

// One build an element of `outputs`, each with one launch.
inline RecipeEvidence made_outputs(store::RunFolder& run, const char* id,
                                   const std::vector<Rows>& outputs) {
  RecipeEvidence r = made_recipe(id);
  for (size_t b = 0; b < outputs.size(); ++b) {
    BuildEvidence build =
        made_build(static_cast<int64_t>(b), "artifact", {{0, "l", "k", "", "", ""}});
    LaunchEvidence l = made_launch(0, std::string(id) + "-launch" + std::to_string(b));
    l.outputs.push_back(made_output(run, outputs[b]));
    build.launches.push_back(std::move(l));
    r.builds.push_back(std::move(build));
  }
  return r;
}

// `n` latencies around `median`, all within 0.05 % of it, in a seeded order without trend or
// memory.
inline std::vector<int64_t> made_samples(int64_t median, int64_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> out(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    out[static_cast<size_t>(i)] =
        median + (i - n / 2) * median / 2000 / std::max<int64_t>(n / 2, 1);
  for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[random() % i]);
  return out;
}

// One build an element of `medians`, one launch an element of that: 1001 samples around the median.
inline RecipeEvidence made_times(const std::vector<std::vector<int64_t>>& medians) {
  RecipeEvidence r = made_recipe("timed");
  for (size_t b = 0; b < medians.size(); ++b) {
    BuildEvidence build = made_build(static_cast<int64_t>(b), "artifact", {});
    for (size_t i = 0; i < medians[b].size(); ++i) {
      LaunchEvidence l = made_launch(static_cast<int64_t>(i), fmt::format("b{}l{}", b, i));
      l.series_id = "s" + l.launch_id;
      l.samples = made_samples(medians[b][i], 1001, 7 + 100 * b + i);
      build.launches.push_back(std::move(l));
    }
    r.builds.push_back(std::move(build));
  }
  return r;
}

inline DataEvidence made_data(stats::Design design, int64_t n, int64_t clusters = 0) {
  DataEvidence d;
  d.design = design;
  d.n = n;
  for (int64_t i = 0; i < n && clusters > 0; ++i) d.clusters.push_back(i % clusters);
  return d;
}

inline const VerdictRow* find_verdict(const std::vector<VerdictRow>& all, std::string_view subject,
                                      std::string_view scope = "") {
  for (const VerdictRow& v : all)
    if (v.subject == subject && (scope.empty() || v.scope == scope)) return &v;
  return nullptr;
}

}  // namespace assay::audit
