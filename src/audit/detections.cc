// SPDX-License-Identifier: Apache-2.0
// Detections compared as boxes: what builds find in the same inputs (docs/detections.md).
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "audit/derive_internal.h"
#include "base/text.h"
#include "base/words.h"

namespace assay::audit {
namespace {

using vision::Box;

// A box of the other side that is this close is the same candidate, lost in suppression.
constexpr double kSameCandidate = 0.9;

// What one build found in the inputs. Boxes stand one after another, those of input i from first[i]
// to first[i + 1]: large data sets keep what was found and no more.
struct Side {
  const BuildEvidence* build = nullptr;
  const LaunchEvidence* launch = nullptr;
  int64_t n = 0, width = 0, height = 0;
  std::vector<TensorSpec> tensors;
  std::vector<MappedFile> files;
  std::optional<vision::BoxDecoder> before;  // without suppression
  std::vector<Box> all, scratch;
  std::vector<size_t> first = {0};

  std::span<const Box> boxes(int64_t i) const {
    const size_t from = first[static_cast<size_t>(i)], to = first[static_cast<size_t>(i) + 1];
    return std::span(all).subspan(from, to - from);
  }
  std::span<const Box> decode(vision::BoxDecoder& decoder, int64_t i) {
    std::vector<void*> at;
    for (size_t k = 0; k < files.size(); ++k)  // decoding only reads
      at.push_back(const_cast<std::byte*>(files[k].bytes().data()) + i * tensors[k].bytes());
    const int64_t count = decoder.decode(at, {}, width, height, scratch);
    return std::span(scratch).first(static_cast<size_t>(count));
  }
  // Before suppression: decoded again where a box has no partner, since most inputs never need it.
  std::span<const Box> candidates(int64_t i) { return decode(*before, i); }
};

Result<Side> decode(store::RunFolder& run, const BuildEvidence& build, const LaunchEvidence& launch,
                    const DetectorEvidence& d) {
  Side out;
  out.build = &build;
  out.launch = &launch;
  out.n = launch.outputs.empty() ? 0 : launch.outputs[0].n;
  out.width = d.width;
  out.height = d.height;
  vision::DetectorSpec spec = d.spec;
  if (launch.outputs.size() == 1) {  // compilers may rename a single output
    for (auto& level : spec.levels) level.output = launch.outputs[0].name;
    if (spec.kind == vision::HeadKind::yolo_flat) spec.boxes_output = launch.outputs[0].name;
    if (spec.kind == vision::HeadKind::retinanet)
      for (auto& level : spec.levels) level.output.clear();
  }
  for (const OutputBlob& o : launch.outputs) {
    out.tensors.push_back({o.name, o.dtype, o.shape});
    ASSAY_TRY(MappedFile file, run.map_blob(o.blob));
    int64_t bytes = 0;
    if (o.item() < 0 || o.n != out.n ||
        __builtin_mul_overflow(o.n, out.tensors.back().bytes(), &bytes) ||
        static_cast<int64_t>(file.bytes().size()) != bytes)
      return internal_error("an output blob has the wrong size: " + o.blob);
    out.files.push_back(std::move(file));
  }
  ASSAY_TRY(auto decoder, vision::BoxDecoder::create(spec, out.tensors, d.width, d.height));
  spec.nms_iou = 1;
  spec.max_boxes = spec.max_candidates;
  ASSAY_TRY(out.before, vision::BoxDecoder::create(spec, out.tensors, d.width, d.height));
  out.scratch.resize(static_cast<size_t>(std::max(d.spec.max_boxes, spec.max_candidates)));
  for (int64_t i = 0; i < out.n; ++i) {
    const std::span<const Box> found = out.decode(decoder, i);
    out.all.insert(out.all.end(), found.begin(), found.end());
    out.first.push_back(out.all.size());
  }
  return out;
}

struct PairResult {
  int64_t only_a = 0, only_b = 0, matched = 0, suppressed = 0;
  std::vector<uint8_t> differs;
  std::vector<double> drift, margins;
};

// Boxes of `mine` that `theirs` lacks: how near to the threshold, and whether the other side had
// the box before suppression.
void explain(const std::vector<int64_t>& lost, std::span<const Box> mine, Side& theirs,
             int64_t input, double threshold, PairResult& out) {
  if (lost.empty()) return;
  const std::span<const Box> candidates = theirs.candidates(input);
  for (const int64_t i : lost) {
    const Box& box = mine[static_cast<size_t>(i)];
    out.margins.push_back(std::abs(box.score - threshold));
    out.suppressed += std::any_of(candidates.begin(), candidates.end(), [&](const Box& c) {
      return c.label == box.label && vision::iou(c, box) >= kSameCandidate;
    });
  }
}

PairResult compare(Side& a, Side& b, double threshold) {
  PairResult out;
  for (int64_t i = 0; i < a.n; ++i) {
    const vision::BoxMatch m = vision::match_boxes(a.boxes(i), b.boxes(i));
    out.only_a += static_cast<int64_t>(m.only_a.size());
    out.only_b += static_cast<int64_t>(m.only_b.size());
    out.matched += static_cast<int64_t>(m.pairs.size());
    out.differs.push_back(m.same() ? 0 : 1);
    for (const vision::BoxPair& p : m.pairs) out.drift.push_back(p.drift);
    explain(m.only_a, a.boxes(i), b, i, threshold, out);
    explain(m.only_b, b.boxes(i), a, i, threshold, out);
  }
  return out;
}

// The upper median, exact; null of nothing.
Json median(std::vector<double> v) {
  if (v.empty()) return {};
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}
Json largest(const std::vector<double>& v) {
  return v.empty() ? Json() : Json(*std::max_element(v.begin(), v.end()));
}

Json pair_json(const Side& a, const Side& b, const PairResult& p, const DataEvidence& data) {
  return {{"a", a.build->build_index},
          {"b", b.build->build_index},
          {"inputs", to_json(proportion_of(p.differs, data))},
          {"matched", p.matched},
          {"only_a", p.only_a},
          {"only_b", p.only_b},
          {"lost_in_suppression", p.suppressed},
          {"drift", {{"max", largest(p.drift)}, {"p50", median(p.drift)}}},
          {"score_margin", {{"max", largest(p.margins)}, {"p50", median(p.margins)}}}};
}

Json precision_json(const Side& s, const DetectorEvidence& d) {
  std::vector<vision::FrameBoxes> frames;
  for (int64_t i = 0; i < s.n && i < std::ssize(d.truth); ++i)
    frames.push_back({{s.boxes(i).begin(), s.boxes(i).end()}, d.truth[static_cast<size_t>(i)]});
  const auto p = vision::mean_precision(frames, d.spec.classes);
  return {{"build", s.build->build_index}, {"map", p ? Json(p->map) : Json()}};
}

// `rest`: sides that `a` is compared with, in each of `pairs` (indices of a and b).
VerdictRow judge(const RecipeEvidence& recipe, const char* scope, const std::vector<Side>& sides,
                 const std::vector<std::pair<Side*, Side*>>& pairs, bool whole,
                 const DataEvidence& data, double margin) {
  VerdictRow v = make_verdict(recipe, "detections", scope);
  const DetectorEvidence& d = *data.detector;
  std::vector<uint8_t> any;
  Json list = Json::array(), maps = Json::array();
  int64_t lost = 0, suppressed = 0;
  double max_margin = 0;
  for (const auto& [a, b] : pairs) {
    if (a->n != b->n) {
      whole = false;
      continue;
    }
    const PairResult p = compare(*a, *b, d.spec.score_threshold);
    any.resize(p.differs.size(), 0);
    for (size_t i = 0; i < p.differs.size(); ++i) any[i] |= p.differs[i];
    lost += p.only_a + p.only_b;
    suppressed += p.suppressed;
    for (const double m : p.margins) max_margin = std::max(max_margin, m);
    list.push_back(pair_json(*a, *b, p, data));
    for (const Side* s : {a, b})
      if (Json& ids = v.evidence["launches"];
          std::find(ids.begin(), ids.end(), Json(s->launch->launch_id)) == ids.end())
        ids.push_back(s->launch->launch_id);
  }
  if (!d.truth.empty())
    for (const Side& s : sides) maps.push_back(precision_json(s, d));
  const stats::Proportion inputs = proportion_of(any, data);
  const auto compared = static_cast<int64_t>(list.size());
  v.statistic = {{"pairs", list},
                 {"any", to_json(inputs)},
                 {"boxes_unmatched", lost},
                 {"lost_in_suppression", suppressed},
                 {"max_score_margin", max_margin},
                 {"map", maps}};
  v.threshold = {{"min_iou", 0.5},
                 {"unmatched", 0},
                 {"upper_bound", margin},
                 {"score_threshold", d.spec.score_threshold}};
  const bool reference = std::string_view(scope) == "reference";
  if (compared == 0) {
    v.verdict = word(Verdict::inconclusive);
    v.statement = reference ? "no build and reference gave boxes to compare"
                            : "fewer than two builds gave boxes to compare";
  } else if (inputs.count > 0) {
    v.verdict = word(Verdict::different);
    v.statement = fmt::format(
        "the boxes found {} on {} of {} inputs; {} boxes without a partner, at most {:.3g} from "
        "the score threshold, {} of them lost in suppression",
        reference ? "are not the reference's" : "change with the build", inputs.count, inputs.n,
        lost, max_margin, suppressed);
  } else {
    judge_none_changed(v, "no box appeared or vanished", inputs, compared, whole && inputs.n > 0,
                       margin);
  }
  return v;
}

}  // namespace

Status verdicts_of_detections(store::RunFolder& run, const RecipeEvidence& recipe,
                              const RecipeEvidence* reference, const RecipeComparisons& c,
                              const DataEvidence& data, const Json& plan,
                              std::vector<VerdictRow>& out) {
  if (!data.detector) return {};
  const double margin = get_double(plan, "label_margin", 0.01);
  std::string fault;
  bool whole = c.absent.empty();
  const auto sides_of = [&](const RecipeEvidence& r, size_t most) -> Result<std::vector<Side>> {
    std::vector<Side> sides;
    for (const BuildEvidence& b : r.builds) {
      const LaunchEvidence* l = b.output_launch();
      if (!l || sides.size() == most) continue;
      auto side = decode(run, b, *l, *data.detector);
      if (side) {
        sides.push_back(std::move(*side));
      } else if (side.error().code == ExitCode::usage) {  // other outputs than the head needs
        whole = false;
        fault = side.error().message;
      } else {
        return tl::unexpected<Error>(std::move(side).error());
      }
    }
    return sides;
  };
  ASSAY_TRY(std::vector<Side> sides, sides_of(recipe, recipe.builds.size()));
  std::vector<std::pair<Side*, Side*>> pairs;
  for (size_t i = 0; i < sides.size(); ++i)
    for (size_t j = i + 1; j < sides.size(); ++j) pairs.emplace_back(&sides[i], &sides[j]);
  const auto say_fault = [&] {
    if (!fault.empty()) out.back().statement += "; an engine gives no boxes: " + one_line(fault);
  };
  out.push_back(judge(recipe, "builds", sides, pairs, whole, data, margin));
  say_fault();
  if (!reference) return {};
  ASSAY_TRY(std::vector<Side> yardstick, sides_of(*reference, 1));
  pairs.clear();
  if (!yardstick.empty())
    for (Side& s : sides) pairs.emplace_back(&s, &yardstick[0]);
  out.push_back(judge(recipe, "reference", sides, pairs, whole, data, margin));
  say_fault();
  return {};
}

}  // namespace assay::audit
