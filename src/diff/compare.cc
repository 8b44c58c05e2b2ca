// SPDX-License-Identifier: Apache-2.0
#include "diff/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "diff/side.h"

namespace assay::diff {
namespace {

using Engines = std::span<const EngineMap>;

// Number of each distinct text in order of first sight: equal numbers are equal texts.
std::vector<size_t> numbered(const std::vector<std::string>& texts) {
  std::map<std::string, size_t> seen;
  std::vector<size_t> out;
  for (const std::string& t : texts) out.push_back(seen.emplace(t, seen.size()).first->second);
  return out;
}

class RowComparison {
 public:
  RowComparison(Engines engines, const Row& row, Level level, RowDiff& out)
      : engines_(engines), row_(row), level_(level), out_(out) {
    identity_.resize(engines.size());
  }

  void run() {
    for (size_t e = 0; e < engines_.size(); ++e) {
      const bool present = out_.sides[e].present;
      if (present) present_.push_back(e);
      identity_[e].assign(1, present ? '+' : '-');
    }
    if (present_.size() < engines_.size()) add(Change::absent);
    compare_fusion();
    compare_kernels();
    by(Change::precision, true, [&](size_t e) { return out_.sides[e].precision; });
    if (single()) {
      compare_tensors(&Layer::inputs);
      compare_tensors(&Layer::outputs);
    }
    if (row_.moves())
      by(Change::order, true, [&](size_t e) { return row_.moved[e] ? "moved" : "in place"; });
    std::sort(out_.changes.begin(), out_.changes.end());
    out_.differs = std::any_of(out_.changes.begin(), out_.changes.end(),
                               [](Change c) { return c != Change::name; });
    const std::vector<size_t> variants = numbered(identity_);
    for (size_t e = 0; e < variants.size(); ++e) out_.sides[e].variant = variants[e];
  }

 private:
  void add(Change c) {
    if (std::find(out_.changes.begin(), out_.changes.end(), c) == out_.changes.end())
      out_.changes.push_back(c);
  }
  const Layer& layer(size_t e) const { return engines_[e].layers[row_.layers[e].front()]; }
  bool single() const {
    return std::all_of(present_.begin(), present_.end(),
                       [&](size_t e) { return row_.layers[e].size() == 1; });
  }
  // Of all its layers, where Side shortens; "" when none is told.
  std::string whole(size_t e, std::string Layer::*member) const {
    std::string out;
    bool told = false;
    for (size_t i : row_.layers[e]) {
      const std::string& text = engines_[e].layers[i].*member;
      told = told || !text.empty();
      out += fmt::format("{}:{}", text.size(), text);
    }
    return told ? out : "";
  }
  // Adds `c` when the texts of the engines `among` differ; an empty text is "not told", equal to
  // all.
  template <class Text>
  bool by(Change c, bool counts, Text text) {
    return by(c, counts, text, present_);
  }
  template <class Text>
  bool by(Change c, bool counts, Text text, const std::vector<size_t>& among) {
    std::vector<std::string> texts;
    std::set<std::string> seen;
    for (size_t e : among) {
      texts.push_back(text(e));
      if (!texts.back().empty()) seen.insert(texts.back());
    }
    if (seen.size() < 2) return false;
    add(c);
    for (size_t i = 0; counts && i < texts.size(); ++i)
      identity_[among[i]] += fmt::format("|{}:{}", texts[i].size(), texts[i]);
    return true;
  }

  // Tensor by tensor, as far as two engines tell the same one.
  void compare_tensors(std::vector<TensorRef> Layer::*tensors) {
    size_t most = 0;
    for (size_t e : present_) most = std::max(most, (layer(e).*tensors).size());
    by(Change::shape, true, [&](size_t e) {
      const size_t n = (layer(e).*tensors).size();
      return n == 0 ? "" : std::to_string(n);
    });
    for (size_t i = 0; i < most; ++i) {
      const auto each = [&](auto text) {
        return [&, text](size_t e) {
          const auto& all = layer(e).*tensors;
          return i < all.size() ? text(all[i]) : std::string();
        };
      };
      by(Change::format, true, each([](const TensorRef& t) { return t.dtype; }));
      by(Change::format, true, each([](const TensorRef& t) { return t.format; }));
      by(Change::shape, true,
         each([](const TensorRef& t) { return fmt::format("{}", fmt::join(t.shape, "x")); }));
    }
  }

  void compare_fusion() {
    by(Change::fusion, true, [&](size_t e) { return std::to_string(row_.layers[e].size()); });
    // As many layers, but cut or ordered otherwise.
    if (level_ != Level::nodes && !single())
      by(Change::fusion, true, [&](size_t e) {
        std::string out;
        for (size_t i : row_.layers[e])
          out += fmt::format("{}\n\n", fmt::join(engines_[e].layers[i].origin, "\n"));
        return out;
      });
    // One layer a side, joined by name, that yet covers other nodes. Compilers name further nodes
    // of their own making, so between two of them this says nothing.
    if (level_ == Level::nodes) return;
    by(Change::fusion, true,
       [&](size_t e) { return fmt::format("{}", fmt::join(out_.sides[e].origin, "\n")); });
  }

  // Among engines with as many layers: where the cut is not the same, the code cannot be.
  void compare_kernels() {
    std::map<size_t, std::vector<size_t>> by_count;
    for (size_t e : present_) by_count[row_.layers[e].size()].push_back(e);
    for (const auto& [count, among] : by_count) compare_kernels(among);
  }
  void compare_kernels(const std::vector<size_t>& among) {
    const bool all_told = std::all_of(among.begin(), among.end(),
                                      [&](size_t e) { return !out_.sides[e].code.empty(); });
    const auto code = [&](size_t e) { return out_.sides[e].code; };
    const auto kernel = [&](size_t e) { return whole(e, &Layer::kernel); };
    if (!all_told) {
      by(Change::kernel, true, kernel, among);
      by(Change::code, true, code, among);
      return;
    }
    // Two compilers name the same code as they like: their names are no change.
    if (by(Change::code, true, code, among) || level_ == Level::nodes) return;
    by(Change::name, false, kernel, among);
    by(
        Change::name, false, [&](size_t e) { return whole(e, &Layer::name); }, among);
  }

  Engines engines_;
  const Row& row_;
  Level level_;
  RowDiff& out_;
  std::vector<size_t> present_;
  std::vector<std::string> identity_;
};

// Rows whose layer bears the name of a task that was decided otherwise.
void mark_decisions(Comparison& c) {
  std::set<std::string_view> flipped;
  for (const TaskDiff& t : c.tasks)
    if (t.differs) flipped.insert(t.task);
  for (RowDiff& r : c.rows) {
    if (std::none_of(r.sides.begin(), r.sides.end(),
                     [&](const Side& s) { return s.present && flipped.contains(s.layer); }))
      continue;
    r.changes.push_back(Change::decision);
    std::sort(r.changes.begin(), r.changes.end());
    r.differs = true;
  }
}

void add_notes(Engines engines, Comparison& c) {
  c.notes = c.alignment.notes;
  if (c.names_only) {
    std::vector<std::string> who;
    for (size_t e = 0; e < engines.size(); ++e)
      if (c.totals[e].with_source < c.totals[e].layers) who.push_back(engines[e].label);
    c.notes.push_back(fmt::format(
        "{} tell{} names of kernels, not all sources: equal names may hide unequal code",
        fmt::join(who, ", "), who.size() == 1 ? "s" : ""));
  }
  std::set<std::string> versions;
  for (const EngineMap& e : engines) versions.insert(e.compiler + " " + e.version);
  if (c.alignment.level == Level::nodes)
    c.notes.emplace_back(
        "engines of several compilers: layers are grouped by the ONNX nodes they come from");
  else if (versions.size() > 1)
    c.notes.emplace_back("the engines were not made by one version of the compiler");
}

}  // namespace

std::string_view word(Change c) {
  constexpr std::string_view kWords[kChanges] = {"absent",    "fusion", "code",  "kernel",
                                                 "precision", "format", "shape", "decision",
                                                 "order",     "name"};
  return kWords[static_cast<size_t>(c)];
}

std::string_view statement(Change c) {
  constexpr std::string_view kTexts[kChanges] = {
      "some engine has no layer for it",
      "the same ONNX nodes are cut into layers otherwise",
      "the normalised source of the kernel is not the same",
      "the kernel's name is not the same",
      "executed in another precision",
      "data type or layout of a tensor is not the same",
      "shape of a tensor is not the same",
      "the tuner chose another candidate",
      "runs at another place",
      "another name for the same code"};
  return kTexts[static_cast<size_t>(c)];
}

Comparison compare(Engines engines) {
  Comparison c;
  c.alignment = align(engines);
  for (const EngineMap& e : engines) c.totals.push_back(totals_of(e));
  c.names_only = std::any_of(c.totals.begin(), c.totals.end(),
                             [](const Totals& t) { return t.with_source < t.layers; });
  for (const Row& row : c.alignment.rows) {
    RowDiff& r = c.rows.emplace_back();
    for (size_t e = 0; e < engines.size(); ++e)
      r.sides.push_back(side_of(engines[e], row.layers[e], c.totals[e]));
    RowComparison(engines, row, c.alignment.level, r).run();
  }
  c.tasks = compare_decisions(engines);
  mark_decisions(c);
  for (const RowDiff& r : c.rows) {
    c.rows_differ += r.differs;
    c.rows_renamed += !r.differs && !r.changes.empty();
    for (Change change : r.changes) ++c.counts[static_cast<size_t>(change)];
  }
  for (const TaskDiff& t : c.tasks) {
    c.tasks_differ += t.differs;
    c.near_ties += t.differs && t.tie == Tie::near;
  }
  add_notes(engines, c);
  return c;
}

}  // namespace assay::diff
