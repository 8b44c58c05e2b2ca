// SPDX-License-Identifier: Apache-2.0
// All-pairs comparison of the builds of one recipe, each against the reference, and launches
// against launch 0.
#include <algorithm>
#include <cstring>

#include "audit/derive_internal.h"
#include "base/text.h"
#include "compare/compare.h"

namespace assay::audit {
namespace {

struct Side {
  const BuildEvidence* build;
  const LaunchEvidence* launch;
  const OutputBlob* output;
};

struct Mapped {
  MappedFile file;
  compare::View view;
};

Result<Mapped> map_output(store::RunFolder& run, const OutputBlob& o) {
  ASSAY_TRY(MappedFile file, run.map_blob(o.blob));
  const int64_t item = o.item();
  int64_t bytes = 0;
  const bool fits = item >= 0 && o.n >= 0 && !__builtin_mul_overflow(o.n, item, &bytes) &&
                    !__builtin_mul_overflow(bytes, dtype_size(o.dtype), &bytes);
  compare::View view{file.bytes(), o.dtype, o.n, item};
  if (!fits || static_cast<int64_t>(view.bytes.size()) != bytes)
    return internal_error("an output blob has the wrong size: " + o.blob);
  return Mapped{std::move(file), view};
}

// Class scores: floating point, one row of 2 or more values an input.
bool is_classification(const OutputBlob& o) {
  if (!dtype_is_float(o.dtype) || o.shape.empty() || o.shape.back() < 2) return false;
  return o.item() == o.shape.back();
}

// Inputs whose output holds a NaN or an infinity: all exponent bits set.
int64_t count_non_finite(const compare::View& v) {
  const size_t size = static_cast<size_t>(dtype_size(v.dtype));
  const uint64_t mask = v.dtype == DType::f64   ? uint64_t{0x7ff} << 52
                        : v.dtype == DType::f32 ? 0x7f800000
                        : v.dtype == DType::f16 ? 0x7c00
                                                : 0x7f80;
  int64_t inputs = 0;
  for (int64_t i = 0; dtype_is_float(v.dtype) && i < v.n; ++i) {
    bool hit = false;
    for (int64_t k = 0; k < v.item && !hit; ++k) {
      uint64_t bits = 0;
      std::memcpy(&bits, v.bytes.data() + static_cast<size_t>(i * v.item + k) * size, size);
      hit = (bits & mask) == mask;
    }
    inputs += hit;
  }
  return inputs;
}

std::vector<Side> sides_of(const RecipeEvidence& recipe, const std::string& output) {
  std::vector<Side> out;
  for (const BuildEvidence& b : recipe.builds) {
    const LaunchEvidence* l = b.output_launch();
    if (!l) continue;
    for (const OutputBlob& o : l->outputs)
      if (o.name == output) out.push_back({&b, l, &o});
  }
  return out;
}

bool fit(const OutputBlob& a, const OutputBlob& b) {
  return a.dtype == b.dtype && a.item() == b.item() && a.n == b.n;
}

Json distance_json(const compare::Distance& d) {
  Json ulp = Json::array();
  for (int k = 0; k < 65; ++k)
    if (d.ulp[k] > 0) ulp.push_back({k, d.ulp[k]});
  return {{"max_abs", d.max_abs},
          {"mean_abs", d.mean_abs},
          {"max_rel", d.max_rel},
          {"mean_rel", d.mean_rel},
          {"max_abs_input", d.max_abs_input},
          {"min_cosine", d.min_cosine},
          {"mean_cosine", d.mean_cosine},
          {"non_finite", d.non_finite},
          {"non_finite_differs", d.non_finite_differs},
          {"ulp", ulp}};
}

// The count of inputs is exact. Which inputs differ is not kept, so clusters can be counted only
// when none or all differ; in between a clustered set gets the count without a bound.
Json bitwise_json(const compare::Distance& d, const DataEvidence& data) {
  const bool none_or_all = d.bitwise_different == 0 || d.bitwise_different == d.n;
  if (d.n > 0 && (data.design == stats::Design::independent || none_or_all)) {
    std::vector<uint8_t> hit(static_cast<size_t>(d.n), 0);
    std::fill_n(hit.begin(), d.bitwise_different, 1);
    return to_json(proportion_of(hit, data));
  }
  stats::Proportion p;
  p.count = d.bitwise_different;
  p.n = d.n;
  p.unit = "none";
  return to_json(p);
}

ComparisonRow make_row(const RecipeEvidence& recipe, const char* scope, const Side& a,
                       const Side& b, const compare::Pair& pair, bool logits,
                       const DataEvidence& data) {
  ComparisonRow row;
  row.recipe_id = recipe.recipe_id;
  row.scope = scope;
  row.a = a.launch->launch_id;
  row.b = b.launch->launch_id;
  row.output = a.output->name;
  row.n = pair.distance.n;
  row.bitwise_different = pair.distance.bitwise_different;
  row.comparison_id = content_id(fmt::format(
      "{} {} {} {} {} {} {}", recipe.recipe_id, scope, a.build->build_index, a.launch->launch_index,
      b.build->build_index, b.launch->launch_index, row.output));
  Json labels;
  if (pair.has_labels) {
    const compare::Labels& l = pair.labels;
    row.top1_mismatch = l.top1_mismatch;
    labels = {{"top1", to_json(proportion_of(l.top1_differs, data))},
              {"top1_a_not_in_top5_b", l.top1_a_not_in_top5_b},
              {"top1_b_not_in_top5_a", l.top1_b_not_in_top5_a},
              {"top5_set_differs", l.top5_set_differs},
              {"top5_order_differs", l.top5_order_differs},
              {"max_probability_change_flipped", l.max_probability_change_flipped},
              {"max_probability_change_all", l.max_probability_change_all},
              {"logits", logits}};
    for (const compare::Flip& f : l.flips)
      row.flips.push_back(
          {f.input, f.a_top1, f.b_top1, f.a_margin, f.b_margin, f.probability_change});
  }
  row.metrics = {{"distance", distance_json(pair.distance)},
                 {"bitwise", bitwise_json(pair.distance, data)},
                 {"labels", labels}};
  return row;
}

// A build whose outputs have other names, types, shapes or counts cannot be compared by value: that
// is a finding itself.
void find_unlike(const RecipeEvidence& recipe, bool with_reference, RecipeComparisons& out) {
  const LaunchEvidence* first = nullptr;
  for (const BuildEvidence& b : recipe.builds) {
    const LaunchEvidence* l = b.output_launch();
    if (!l) {
      out.absent.push_back(b.build_index);
      continue;
    }
    if (!first) first = l;
    auto known = [&](const OutputBlob& x) {
      return std::any_of(first->outputs.begin(), first->outputs.end(), [&](const OutputBlob& y) {
        return x.name == y.name && x.shape == y.shape && fit(x, y);
      });
    };
    if (l->outputs.size() != first->outputs.size() ||
        !std::all_of(l->outputs.begin(), l->outputs.end(), known))
      out.unlike.push_back(b.build_index);
    if (with_reference) out.reference_expected += static_cast<int64_t>(l->outputs.size());
  }
}

// Launches j > 0 of each build against launch 0, over the inputs both have.
Status compare_launches(store::RunFolder& run, const RecipeEvidence& recipe,
                        const DataEvidence& data, std::vector<ComparisonRow>& rows) {
  for (const BuildEvidence& b : recipe.builds) {
    const LaunchEvidence* first = b.output_launch();
    if (!first) continue;
    for (const LaunchEvidence& l : b.launches) {
      if (&l == first || l.outcome != "ok") continue;
      for (const OutputBlob& o : l.outputs) {
        auto it = std::find_if(first->outputs.begin(), first->outputs.end(),
                               [&](const OutputBlob& f) { return f.name == o.name; });
        if (it == first->outputs.end() || it->dtype != o.dtype || it->item() != o.item() ||
            it->n < o.n || o.n == 0)
          continue;
        ASSAY_TRY(Mapped m0, map_output(run, *it));
        ASSAY_TRY(Mapped m1, map_output(run, o));
        m0.view.n = o.n;
        m0.view.bytes = m0.view.bytes.first(m1.view.bytes.size());
        ASSAY_TRY(compare::Pair pair, compare::compare_pair(m0.view, m1.view, false, false));
        DataEvidence prefix = data;
        prefix.design = stats::Design::fixed;
        rows.push_back(
            make_row(recipe, "launches", {&b, first, &*it}, {&b, &l, &o}, pair, false, prefix));
      }
    }
  }
  return {};
}

// Accuracy of each build where labels exist, else agreement with the reference's top-1.
Status accuracy_of(const std::vector<Side>& sides, const std::vector<Mapped>& maps,
                   const Mapped* reference, const DataEvidence& data, RecipeComparisons& out) {
  const bool labelled = !data.labels.empty();
  compare::TopK ref;
  if (reference) {
    ASSAY_TRY(ref, compare::top_k(reference->view));
  }
  auto correct = [&](const compare::TopK& top, std::vector<uint8_t>& top1,
                     std::vector<uint8_t>& top5) {
    for (int64_t i = 0; i < top.n; ++i) {
      const int64_t truth = labelled ? data.labels[static_cast<size_t>(i)]
                                     : ref.index[static_cast<size_t>(i * ref.k)];
      const auto* row = &top.index[static_cast<size_t>(i * top.k)];
      top1.push_back(row[0] == truth);
      top5.push_back(std::find(row, row + top.k, truth) != row + top.k);
    }
  };
  if (!labelled && !reference) return {};
  for (size_t s = 0; s < sides.size(); ++s) {
    if (labelled && static_cast<size_t>(maps[s].view.n) > data.labels.size())
      return internal_error("more outputs than labels");
    if (reference && !fit(*sides[s].output, *sides[0].output)) continue;
    ASSAY_TRY(compare::TopK top, compare::top_k(maps[s].view));
    if (!labelled && top.n != ref.n) continue;
    RecipeComparisons::BuildAccuracy a{sides[s].build->build_index, {}, {}};
    correct(top, a.top1, a.top5);
    out.accuracy.push_back(std::move(a));
  }
  if (labelled && reference) {
    std::vector<uint8_t> unused;
    correct(ref, out.reference_top1, unused);
  }
  return {};
}

}  // namespace

Json to_json(const stats::Proportion& p) {
  auto bound = [](const std::optional<double>& b) { return b ? Json(*b) : Json(); };
  return {{"count", p.count},        {"n", p.n},
          {"unit", p.unit},          {"unit_count", p.unit_count},
          {"units", p.units},        {"lower", bound(p.lower)},
          {"upper", bound(p.upper)}, {"confidence", p.confidence}};
}

stats::Proportion proportion_of(const std::vector<uint8_t>& hit, const DataEvidence& data) {
  std::vector<int64_t> clusters = data.clusters;
  if (data.design == stats::Design::clustered) clusters.resize(hit.size());
  return stats::proportion(hit, data.design, clusters, 0.95);
}

Result<RecipeComparisons> compare_recipe(store::RunFolder& run, const RecipeEvidence& recipe,
                                         const RecipeEvidence* reference,
                                         const DataEvidence& data) {
  RecipeComparisons out;
  find_unlike(recipe, reference && reference != &recipe, out);
  std::vector<std::string> names;
  for (const BuildEvidence& b : recipe.builds)
    if (const LaunchEvidence* l = b.output_launch())
      for (const OutputBlob& o : l->outputs)
        if (std::find(names.begin(), names.end(), o.name) == names.end()) names.push_back(o.name);
  bool labels_done = false;
  for (const std::string& name : names) {
    std::vector<Side> sides = sides_of(recipe, name);
    std::erase_if(sides, [&](const Side& s) { return !fit(*s.output, *sides[0].output); });
    std::vector<Mapped> maps;
    std::vector<compare::View> views;
    for (const Side& s : sides) {
      ASSAY_TRY(Mapped m, map_output(run, *s.output));
      views.push_back(m.view);
      if (const int64_t inputs = count_non_finite(m.view); inputs > 0)
        out.non_finite.push_back(
            {s.build->build_id, s.launch->launch_id, name, s.build->build_index, inputs});
      maps.push_back(std::move(m));
    }
    // Labels belong to the first output that holds class scores; a detector's are in its boxes.
    const bool labels = !labels_done && !data.detector && is_classification(*sides[0].output);
    const bool logits = labels && compare::looks_like_logits(views[0]);
    ASSAY_TRY(compare::AllPairs all, compare::compare_all(views, labels, logits, 2));
    if (labels) {
      labels_done = out.has_labels = true;
      out.any_flip.assign(static_cast<size_t>(views[0].n), 0);
    }
    size_t at = 0;
    for (size_t i = 0; i < sides.size(); ++i) {
      for (size_t j = i + 1; j < sides.size(); ++j, ++at) {
        out.rows.push_back(
            make_row(recipe, "builds", sides[i], sides[j], all.pairs[at], logits, data));
        if (labels)
          for (const compare::Flip& f : all.pairs[at].labels.flips)
            out.any_flip[static_cast<size_t>(f.input)] = 1;
      }
    }
    std::vector<Side> ref = reference ? sides_of(*reference, name) : std::vector<Side>();
    if (reference && ref.empty() && names.size() == 1) {
      // Compilers may rename a single output; it is the same tensor.
      for (const BuildEvidence& b : reference->builds)
        if (const LaunchEvidence* l = b.output_launch(); l && l->outputs.size() == 1)
          ref.push_back({&b, l, &l->outputs[0]});
    }
    if (!ref.empty() && fit(*ref[0].output, *sides[0].output)) {
      ASSAY_TRY(Mapped m, map_output(run, *ref[0].output));
      for (size_t i = 0; i < sides.size(); ++i) {
        if (sides[i].launch == ref[0].launch) continue;
        ASSAY_TRY(compare::Pair pair, compare::compare_pair(views[i], m.view, labels, logits));
        out.rows.push_back(make_row(recipe, "reference", sides[i], ref[0], pair, logits, data));
      }
      if (labels) ASSAY_CHECK(accuracy_of(sides, maps, &m, data, out));
    } else if (labels) {
      ASSAY_CHECK(accuracy_of(sides, maps, nullptr, data, out));
    }
  }
  ASSAY_CHECK(compare_launches(run, recipe, data, out.rows));
  return out;
}

}  // namespace assay::audit
