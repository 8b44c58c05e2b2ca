// SPDX-License-Identifier: Apache-2.0
// Where the values of two engines first part: their intermediate tensors compared layer by layer,
// in order of execution, on the same inputs. Pure; knows no compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/json.h"

namespace assay::diff {

// The tensor that one side of a layer gives for n inputs: n times `shape`, dense. `error`: why
// there are no bytes ("" when there are).
struct TensorSide {
  std::string layer, kernel;         // of the engine; both "" when the engine has no such layer
  std::span<const std::byte> bytes;  // borrowed
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // of one input
  int64_t n = 0;
  std::string format;  // layout when it is not plain ("nchwc", ...)
  std::string error;
  bool repeatable = true;  // false: the engine itself gave other bits in another launch
};

struct TensorPair {
  TensorSide a, b;
  // Nothing but their place says that the two belong together: equal bits are then believed, other
  // bits are not.
  bool by_place = false;
  bool output = false;  // an output of the model, behind all layers
};

enum class Match { equal, differs, not_comparable, not_read };
std::string_view word(Match m);  // "equal" "differs" "not comparable" "not read"

struct LayerMatch {
  size_t pair = 0;  // of the pairs given
  Match match = Match::not_read;
  std::string why;                           // of not_comparable and not_read
  int64_t inputs = 0, inputs_differing = 0;  // with a bit that differs
  double max_abs = 0, max_rel = 0;           // |a-b|, |a-b| / max(|a|,|b|), over finite elements
  int64_t non_finite_differs = 0;            // NaN or infinite on a side, with other bits
};

// What can be said of the first layer that differs.
enum class Blame {
  none,    // no compared layer differs
  kernel,  // every layer before it, of both engines, was compared and is equal: so are its inputs
  first_seen,  // something before it was not compared: the difference may come from there
  unstable     // one engine gives other bits in every launch: nothing to blame a rebuild for
};
std::string_view word(Blame b);  // "no layer" "its kernel" "first seen there" "not repeatable"

struct Divergence {
  std::vector<LayerMatch> layers;  // one a pair, in the order given
  std::optional<size_t> first;     // of `layers`: the first that differs
  Blame blame = Blame::none;
  std::vector<size_t> unknown;  // of `layers`, before `first` (before the end without one): not
                                // compared
  bool outputs_differ = false;  // of the model
};

// `pairs` in order of execution, the model's outputs last. An equal layer means: equal in every bit
// of every input given; it says nothing about other inputs. Tensors of other types, shapes or
// layouts are not comparable and never equal.
Divergence find_divergence(std::span<const TensorPair> pairs);

// One sentence about the result, for people; names are escaped for one line.
std::string sentence(const Divergence& d, std::span<const TensorPair> pairs);
Json to_json(const Divergence& d, std::span<const TensorPair> pairs);

}  // namespace assay::diff
