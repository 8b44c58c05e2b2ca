// SPDX-License-Identifier: Apache-2.0
// Equation 1 and its terms, each with what repetitions say of it.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "stats/mean_interval.h"
#include "stream/wcet.h"

namespace assay::stream {
namespace {

// The four stages of the paper. Parts of a second task belong to their kind, not to a fifth.
int64_t c1(const FrameRecord& r) { return duration(r, Stage::read); }
int64_t c2(const FrameRecord& r) {
  return duration(r, Stage::decode) + duration(r, Stage::pre) + r.second_pre;
}
int64_t inference(const FrameRecord& r) { return duration(r, Stage::infer) + r.second_infer; }
int64_t c3(const FrameRecord& r) { return duration(r, Stage::post) + r.second_post; }
using Part = int64_t (*)(const FrameRecord&);

std::vector<std::string> streams_of(const Pool& pool) {
  std::vector<std::string> out;
  for (const Series& s : pool.series)
    if (std::find(out.begin(), out.end(), s.log->name) == out.end()) out.push_back(s.log->name);
  return out;
}

// All values of a part: of one stream, or of all when the name is empty.
std::vector<int64_t> values(const Pool& pool, const std::string& name, Part part) {
  std::vector<int64_t> out;
  for (const Series& s : pool.series)
    if (name.empty() || s.log->name == name)
      for (const FrameRecord* f : s.frames) out.push_back(part(*f));
  return out;
}

// The four series of one stream (or all), kept while equation 1 looks at them.
struct Four {
  std::vector<int64_t> read, pre, infer, post;
  Four(const Pool& pool, const std::string& name)
      : read(values(pool, name, c1)),
        pre(values(pool, name, c2)),
        infer(values(pool, name, inference)),
        post(values(pool, name, c3)) {}
  stats::StageSeries view() const { return {read, pre, infer, post}; }
};

// Largest value in each repetition, by its index; for `sum` the largest of each stream, added.
std::map<size_t, double> largest(const Pool& pool, Part part, bool sum) {
  std::map<size_t, double> out;
  for (const Series& s : pool.series) {
    if (s.frames.empty()) continue;
    int64_t most = 0;
    for (const FrameRecord* f : s.frames) most = std::max(most, part(*f));
    double& at = out[s.repetition];
    at = sum ? at + static_cast<double>(most) : std::max(at, static_cast<double>(most));
  }
  return out;
}

std::map<size_t, double> growth(const std::map<size_t, double>& many,
                                const std::map<size_t, double>& one) {
  std::map<size_t, double> out;
  for (const auto& [r, v] : many)
    if (const auto it = one.find(r); it != one.end()) out[r] = v - it->second;
  return out;
}

WcetResult::Term term(const char* name, double value, const std::map<size_t, double>& repetitions,
                      double confidence) {
  WcetResult::Term t;
  t.name.assign(name);
  t.largest = value;
  std::vector<double> v;
  for (const auto& [r, x] : repetitions) v.push_back(x);
  t.repetitions = std::ssize(v);
  if (v.empty()) return t;
  const stats::Interval i = stats::mean_interval(v, confidence);
  t.mean = i.estimate;
  t.lower = i.lower;
  t.upper = i.upper;
  return t;
}

double most(const std::vector<int64_t>& v) {
  return v.empty() ? 0 : static_cast<double>(*std::max_element(v.begin(), v.end()));
}

}  // namespace

void add_equation(WcetResult& w, const Pool& pool, const Pool* alone,
                  const AnalyseOptions& options) {
  const std::vector<std::string> names = streams_of(pool);
  if (pool.frames.empty()) return;
  if (alone == nullptr || alone->frames.empty()) {
    w.note.assign("equation 1 takes inference with one camera alone, which was not measured here");
    return;
  }
  const Four one(*alone, "");
  std::vector<Four> each;
  for (const std::string& n : names) each.emplace_back(pool, n);
  std::vector<stats::StageSeries> views;
  for (const Four& f : each) views.push_back(f.view());
  w.paper = names.size() == 1 ? stats::paper_wcet_from_max(views[0])
                              : stats::paper_wcet_from_max(one.view(), views);
  if (!w.paper.ok) {
    w.note.assign("equation 1: a stream finished no frame");
    return;
  }
  if (static_cast<double>(w.observed_max) > w.paper.response_ns)
    w.note.assign(
        "a response above equation 1 was seen: it has no term for waiting, and a sum of maxima of "
        "other runs is no bound");
  const double confidence = options.confidence;
  const Pool& base = names.size() == 1 ? pool : *alone;
  w.terms.push_back(term("sum_c1", w.paper.read_ns, largest(pool, c1, true), confidence));
  w.terms.push_back(term("c2", w.paper.pre_ns, largest(base, c2, false), confidence));
  w.terms.push_back(
      term("inference", w.paper.inference_ns, largest(base, inference, false), confidence));
  w.terms.push_back(term("c3", w.paper.post_ns, largest(base, c3, false), confidence));
  if (names.size() == 1) return;
  const auto add = [&](const char* name, Part part, double value) {
    w.terms.push_back(term(
        name, value, growth(largest(pool, part, false), largest(*alone, part, false)), confidence));
  };
  const Four all(pool, "");
  w.epsilon_pre = most(all.pre) - most(one.pre);
  w.epsilon_post = most(all.post) - most(one.post);
  add("epsilon_pre", c2, *w.epsilon_pre);
  add("epsilon_post", c3, *w.epsilon_post);
  add("delta_inference", inference, w.paper.delta_inference_ns);
}

}  // namespace assay::stream
