// SPDX-License-Identifier: Apache-2.0
#include "diff/divergence.h"

#include <cstring>

#include "base/text.h"
#include "compare/compare.h"
#include "stats/json.h"

namespace assay::diff {
namespace {

bool present(const TensorSide& s) { return !s.layer.empty(); }

std::string described(const TensorSide& s) {
  std::string text = fmt::format("{} {}", dtype_name(s.dtype), shape_text(s.shape));
  return s.format.empty() ? text : text + " " + one_line(s.format, 40);
}

// Why the two cannot be compared element by element; "" when they can.
std::string obstacle(const TensorPair& p) {
  if (p.a.dtype != p.b.dtype || p.a.shape != p.b.shape || p.a.format != p.b.format)
    return fmt::format("{} against {}", described(p.a), described(p.b));
  if (p.a.n != p.b.n) return fmt::format("{} inputs against {}", p.a.n, p.b.n);
  return "";
}

LayerMatch match_of(const TensorPair& p) {
  LayerMatch out;
  if (!present(p.a) || !present(p.b)) {
    out.why = present(p.a) ? "only the first engine has it" : "only the second engine has it";
    return out;
  }
  if (!p.a.error.empty() || !p.b.error.empty()) {
    out.why = p.a.error.empty() ? p.b.error : p.a.error;
    return out;
  }
  out.why = obstacle(p);
  out.match = Match::not_comparable;
  if (!out.why.empty()) return out;
  const TensorSpec spec{"", p.a.dtype, p.a.shape};
  const compare::View a{p.a.bytes, p.a.dtype, p.a.n, spec.elements()};
  const compare::View b{p.b.bytes, p.b.dtype, p.b.n, spec.elements()};
  const auto compared = compare::compare_pair(a, b, false, false);
  if (!compared) {
    out.match = Match::not_read;
    out.why = compared.error().message;
    return out;
  }
  const compare::Distance& d = compared->distance;
  out.inputs = d.n;
  out.inputs_differing = d.bitwise_different;
  out.max_abs = d.max_abs;
  out.max_rel = d.max_rel;
  out.non_finite_differs = d.non_finite_differs;
  out.match = d.bitwise_different == 0 ? Match::equal : Match::differs;
  if (out.match == Match::differs && p.by_place) {
    out.match = Match::not_comparable;
    out.why = "paired by place alone, and other bits: it may be other work";
  }
  return out;
}

std::string name_of(const TensorPair& p) {
  const std::string a = one_line(p.a.layer, 120), b = one_line(p.b.layer, 120);
  if (a == b || b.empty()) return a;
  return a.empty() ? b : a + " / " + b;
}

}  // namespace

std::string_view word(Match m) {
  switch (m) {
    case Match::equal:
      return "equal";
    case Match::differs:
      return "differs";
    case Match::not_comparable:
      return "not comparable";
    case Match::not_read:
      return "not read";
  }
  return "";
}

std::string_view word(Blame b) {
  switch (b) {
    case Blame::none:
      return "no layer";
    case Blame::kernel:
      return "its kernel";
    case Blame::first_seen:
      return "first seen there";
    case Blame::unstable:
      return "not repeatable";
  }
  return "";
}

Divergence find_divergence(std::span<const TensorPair> pairs) {
  Divergence out;
  for (size_t i = 0; i < pairs.size(); ++i) {
    LayerMatch layer = match_of(pairs[i]);
    layer.pair = i;
    // Equal in these launches, in others not: nothing that an engine could be known by.
    if (layer.match == Match::equal && (!pairs[i].a.repeatable || !pairs[i].b.repeatable)) {
      layer.match = Match::not_comparable;
      layer.why = "differs from launch to launch of one engine";
    }
    const bool differs = layer.match == Match::differs;
    if (pairs[i].output) out.outputs_differ = out.outputs_differ || differs;
    if (differs && !out.first) out.first = i;
    if (!out.first && layer.match != Match::equal) out.unknown.push_back(i);
    out.layers.push_back(std::move(layer));
  }
  if (!out.first) return out;
  const TensorPair& first = pairs[*out.first];
  if (!first.a.repeatable || !first.b.repeatable) {
    out.blame = Blame::unstable;
  } else if (!out.unknown.empty() || first.output) {
    // An output alone names no kernel: its layer gave equal bits, or was not read.
    out.blame = Blame::first_seen;
  } else {
    out.blame = Blame::kernel;
  }
  return out;
}

std::string sentence(const Divergence& d, std::span<const TensorPair> pairs) {
  if (!d.first) {
    size_t equal = 0;
    for (const LayerMatch& layer : d.layers) equal += layer.match == Match::equal;
    std::string text =
        equal == 0 ? std::string("nothing could be compared, so nothing is said")
        : d.unknown.empty()
            ? fmt::format("no difference seen: {} of {} tensors compared, all equal", equal,
                          d.layers.size())
            : fmt::format("no difference seen in {} of {} tensors", equal, d.layers.size());
    return d.unknown.empty() ? text : text + fmt::format("; {} not compared", d.unknown.size());
  }
  const LayerMatch& layer = d.layers[*d.first];
  const TensorPair& pair = pairs[*d.first];
  const std::string where =
      fmt::format("{} {} (largest distance {:.3g}, relative {:.3g}; {} of {} inputs)",
                  pair.output ? "output" : "layer", name_of(pair), layer.max_abs, layer.max_rel,
                  layer.inputs_differing, layer.inputs);
  switch (d.blame) {
    case Blame::kernel:
      return "first difference at " + where +
             ": everything before it is equal, so its kernel (or its constants) is to blame";
    case Blame::unstable:
      return "first difference at " + where + ": " +
             (pair.a.repeatable ? "the second" : "the first") +
             " engine gives other bits there in every launch, with or without a rebuild";
    default:
      return "first seen at " + where +
             (d.unknown.empty() ? ": every layer read before it is equal"
                                : fmt::format(": {} before it could not be compared, so the "
                                              "difference may begin earlier",
                                              d.unknown.size()));
  }
}

Json to_json(const Divergence& d, std::span<const TensorPair> pairs) {
  Json layers = Json::array();
  for (const LayerMatch& layer : d.layers) {
    const TensorPair& p = pairs[layer.pair];
    Json row = {{"layer_a", p.a.layer},   {"layer_b", p.b.layer}, {"kernel_a", p.a.kernel},
                {"kernel_b", p.b.kernel}, {"output", p.output},   {"match", word(layer.match)}};
    if (layer.match == Match::equal || layer.match == Match::differs) {
      row["inputs"] = layer.inputs;
      row["inputs_differing"] = layer.inputs_differing;
      row["max_abs"] = stats::number(layer.max_abs);
      row["max_rel"] = stats::number(layer.max_rel);
      row["non_finite_differs"] = layer.non_finite_differs;
    } else {
      row["why"] = layer.why;
    }
    row["repeatable_a"] = p.a.repeatable;
    row["repeatable_b"] = p.b.repeatable;
    layers.push_back(std::move(row));
  }
  return {{"first", d.first ? Json(*d.first) : Json(nullptr)},
          {"blame", word(d.blame)},
          {"outputs_differ", d.outputs_differ},
          {"not_compared_before", d.unknown},
          {"sentence", sentence(d, pairs)},
          {"layers", layers}};
}

}  // namespace assay::diff
