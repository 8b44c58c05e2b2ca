// SPDX-License-Identifier: Apache-2.0
// Kernels and outputs of two machines: of build 0 of each, and of the artifacts of all builds.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "compare/compare.h"
#include "diff/compare.h"
#include "report/machines/internal.h"

namespace assay::report::machines {
namespace {

constexpr size_t kMostLayers = 20'000;
constexpr double kConfidence = 0.95;

std::vector<std::string> nodes_of(const std::string& origin) {
  std::vector<std::string> out;
  for (size_t at = 0; at < origin.size();) {
    const size_t end = std::min(origin.find(',', at), origin.size());
    if (end > at) out.push_back(origin.substr(at, end - at));
    at = end + 1;
  }
  std::sort(out.begin(), out.end());
  return out;
}

diff::EngineMap map_of(const Recipe& recipe, const Build& build, const std::string& label) {
  diff::EngineMap map;
  map.label = label;
  map.compiler = recipe.compiler;
  map.version = build.compiler_version;
  map.source = "evidence";
  map.tells_sources = get_string(recipe.regime, "kernels", "name") == "source";
  for (const Kernel& k : build.kernels) {
    diff::Layer layer;
    layer.name = k.layer;
    layer.kernel = k.kernel;
    layer.source_sha256 = k.source_sha256;
    layer.precision = k.precision;
    layer.origin = nodes_of(k.origin);
    map.layers.push_back(std::move(layer));
  }
  return map;
}

MapsSide compare_maps(const MachinesReport& report, const MachinePair& p, const Recipe& ra,
                      const Recipe& rb) {
  MapsSide out;
  std::set<std::string> a, b;
  for (const Build* x : ok_builds(ra)) a.insert(x->kernel_map_sha256);
  for (const Build* x : ok_builds(rb)) b.insert(x->kernel_map_sha256);
  a.erase(""), b.erase("");
  out.maps_a = static_cast<int64_t>(a.size());
  out.maps_b = static_cast<int64_t>(b.size());
  out.maps_common =
      std::count_if(a.begin(), a.end(), [&](const std::string& h) { return b.count(h) > 0; });
  const auto builds_a = ok_builds(ra), builds_b = ok_builds(rb);
  if (builds_a.empty() || builds_b.empty()) {
    out.why = "no build ended well on both machines";
  } else if (builds_a[0]->kernels.empty() || builds_b[0]->kernels.empty()) {
    out.why = "the compiler told no kernels";
  } else if (std::max(builds_a[0]->kernels.size(), builds_b[0]->kernels.size()) > kMostLayers) {
    out.why = fmt::format("more than {} layers: only whole maps are compared", kMostLayers);
  } else {
    const diff::EngineMap maps[] = {map_of(ra, *builds_a[0], report.machines[p.a].name),
                                    map_of(rb, *builds_b[0], report.machines[p.b].name)};
    const diff::Comparison c = diff::compare(maps);
    out.layers = static_cast<int64_t>(c.rows.size());
    out.differ = static_cast<int64_t>(c.rows_differ);
    out.names_only = c.names_only;
  }
  return out;
}

const Launch* output_launch(const Recipe& recipe) {
  for (const Build* b : ok_builds(recipe))
    for (const Launch& l : b->launches)
      if (l.counts && l.index == 0 && l.outcome == "ok" && !l.outputs.empty()) return &l;
  return nullptr;
}

// What a bound on inputs may rest on. Clusters that do not fit the inputs carry no bound.
struct Sampled {
  stats::Design design = stats::Design::fixed;
  std::vector<int64_t> clusters;
};
Sampled sampled(Machine& machine, const DataSet& data, int64_t n) {
  Sampled out;
  const auto sampling = sampling_from(data.sampling);
  if (sampling == Sampling::independent) out.design = stats::Design::independent;
  if (sampling != Sampling::clustered) return out;
  auto row =
      machine.run->db().first("SELECT clusters_json FROM dataset WHERE dataset_id=?", {data.id});
  if (!row || !*row) return out;
  const auto j = parse_json((*row)->text(0), "dataset.clusters_json");
  if (!j || !j->is_array() || static_cast<int64_t>(j->size()) != n) return out;
  for (const Json& c : *j) {
    if (!c.is_number_integer()) return {};
    out.clusters.push_back(c.get<int64_t>());
  }
  out.design = stats::Design::clustered;
  return out;
}

Result<compare::View> view_of(const Output& o, const MappedFile& file) {
  ASSAY_TRY(const Json shape, parse_json(o.shape_json, "output.shape_json"));
  ASSAY_TRY(
      const TensorSpec spec,
      tensor_spec_from_json({{"name", o.name}, {"dtype", o.dtype}, {"shape", shape}}, "output"));
  return compare::View{file.bytes(), spec.dtype, o.n, spec.elements()};
}

Result<OutputsSide> compare_output(MachinesReport& report, const MachineRow& row,
                                   const MachinePair& p, const Output& oa, const Output& ob) {
  OutputsSide out;
  out.output = oa.name;
  out.n = oa.n;
  if (oa.n != ob.n) {
    out.why = fmt::format("not comparable: {} and {} inputs", oa.n, ob.n);
    return out;
  }
  ASSAY_TRY(const MappedFile fa, report.machines[p.a].run->map_blob(oa.blob));
  ASSAY_TRY(const MappedFile fb, report.machines[p.b].run->map_blob(ob.blob));
  ASSAY_TRY(const compare::View va, view_of(oa, fa));
  ASSAY_TRY(const compare::View vb, view_of(ob, fb));
  const auto shape = parse_json(oa.shape_json, "output.shape_json");
  const bool labels = dtype_is_float(va.dtype) && va.item > 1 && shape->is_array() &&
                      !shape->empty() && shape->back() == va.item;
  ASSAY_TRY(const compare::Pair pair,
            compare::compare_pair(va, vb, labels, labels && compare::looks_like_logits(va)));
  out.bitwise_different = pair.distance.bitwise_different;
  out.max_abs = pair.distance.max_abs;
  if (pair.has_labels) {
    const Sampled s = sampled(report.machines[p.a], *row.cells[p.a].data, oa.n);
    out.top1 = stats::proportion(pair.labels.top1_differs, s.design, s.clusters, kConfidence);
  }
  return out;
}

void compare_outputs(MachinesReport& report, const MachineRow& row, MachinePair& p) {
  const auto none = [&](std::string why) {
    p.outputs.push_back({"", std::move(why), 0, 0, 0, {}});
  };
  const MachineCell &a = row.cells[p.a], &b = row.cells[p.b];
  if (!a.data || !b.data || a.data->sha256.empty() || a.data->sha256 != b.data->sha256)
    return none("not comparable: other inputs");
  const Launch *la = output_launch(*a.recipe), *lb = output_launch(*b.recipe);
  if (!la || !lb)
    return none(
        fmt::format("not comparable: {} kept no outputs", report.machines[la ? p.b : p.a].name));
  for (const Output& oa : la->outputs) {
    if (oa.role != "main") continue;
    const auto ob = std::find_if(lb->outputs.begin(), lb->outputs.end(), [&](const Output& o) {
      return o.role == oa.role && o.name == oa.name;
    });
    if (ob == lb->outputs.end()) {
      p.outputs.push_back(
          {oa.name, "not comparable: the other side has no such output", 0, 0, 0, {}});
      continue;
    }
    auto side = compare_output(report, row, p, oa, *ob);
    p.outputs.push_back(side ? std::move(*side)
                             : OutputsSide{oa.name,
                                           fmt::format("not comparable: {}", side.error().message),
                                           oa.n,
                                           0,
                                           0,
                                           {}});
  }
  if (p.outputs.empty()) none("not comparable: no outputs were kept");
}

}  // namespace

void compare_evidence(MachinesReport& report, MachineRow& row, MachinePair& p) {
  const Recipe &ra = *row.cells[p.a].recipe, &rb = *row.cells[p.b].recipe;
  p.maps = compare_maps(report, p, ra, rb);
  compare_outputs(report, row, p);
  std::set<std::string> a, both;
  for (const Build* x : ok_builds(ra)) a.insert(x->artifact_sha256);
  a.erase("");
  for (const Build* x : ok_builds(rb))
    if (a.count(x->artifact_sha256)) both.insert(x->artifact_sha256);
  p.same_artifacts = static_cast<int64_t>(both.size());
}

}  // namespace assay::report::machines
