// SPDX-License-Identifier: Apache-2.0
// Where the time of a response goes (the paper's Fig. 7): of all frames, and of the slowest.
#include <algorithm>
#include <numeric>

#include "report/figures.h"
#include "report/response/parts.h"
#include "report/svg/response_charts.h"
#include "stream/pool.h"

namespace assay::report {
namespace {

constexpr size_t kMostRows = 32;
// Of the palette, one a stage: waiting is grey, inference stands out.
constexpr int kColours[] = {6, 5, 2, 0, 1, 3, 7};
static_assert(std::size(kColours) == std::size(stream::kStages));

// The one deadline of all.
std::optional<double> common_deadline(const Results& r) {
  std::optional<double> out;
  bool one = true;
  each_task(r, [&](const CellResult&, const TaskResult& t) {
    if (!t.deadline) return;
    const auto d = static_cast<double>(t.deadline->deadline_ns);
    one = one && (!out || *out == d);
    out = d;
  });
  return one ? out : std::nullopt;
}

// Mean of every stage over the slowest 1 % of the responses, at least 10 of them, as share_tail.
std::vector<double> slowest_means(const stream::CellLog& log, const std::string& task) {
  const stream::Pool pool = stream::pool_of(log, task);
  const std::vector<int64_t> response = stream::durations(pool.frames, Stage::response);
  const size_t keep = std::min(response.size(), std::max<size_t>(10, (response.size() + 99) / 100));
  std::vector<size_t> order(response.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep), order.end(),
                    [&](size_t a, size_t b) {
                      return response[a] != response[b] ? response[a] > response[b] : a < b;
                    });
  std::vector<double> out;
  for (const Stage stage : stream::kStages) {
    double sum = 0;
    for (size_t i = 0; i < keep; ++i)
      sum += static_cast<double>(stream::duration(*pool.frames[order[i]], stage));
    out.push_back(keep > 0 ? sum / static_cast<double>(keep) : 0);
  }
  return out;
}

using Values = std::function<std::vector<double>(const CellResult&, const TaskResult&)>;

svg::StackPlot stack_plot(const Source& s, const char* heading, const Values& values) {
  svg::StackPlot plot;
  plot.heading = heading;
  plot.label = plot.heading + ", parted into stages, one bar a condition";
  std::vector<size_t> shown;
  for (size_t k = 0; k < std::size(stream::kStages); ++k)
    if (stage_there(s.results, stream::kStages[k])) {
      plot.parts.push_back({stage_name(stream::kStages[k]), kColours[k]});
      shown.push_back(k);
    }
  each_task(s.results, [&](const CellResult& c, const TaskResult& t) {
    if (plot.rows.size() == kMostRows) return;
    const std::vector<double> all = values(c, t);
    svg::StackRow row;
    row.name = s.names(c, t);
    double sum = 0;
    for (const size_t k : shown) {
      row.values_ns.push_back(k < all.size() ? all[k] : 0);
      sum += row.values_ns.back();
    }
    row.text = sum > 0 ? ns_text(sum) : std::string("no frame was done");
    plot.rows.push_back(std::move(row));
  });
  plot.deadline_ns = common_deadline(s.results);
  return plot;
}

std::vector<double> means(const TaskResult& t) {
  std::vector<double> out;
  for (const Stage stage : stream::kStages) {
    const StageResult* of = stage_of(t, stage);
    out.push_back(of != nullptr ? of->mean : 0);
  }
  return out;
}

double share(const TaskResult& t, std::initializer_list<Stage> stages, double StageResult::*of) {
  double sum = 0;
  for (const Stage stage : stages)
    if (const StageResult* s = stage_of(t, stage)) sum += s->*of;
  return sum;
}

Part means_part(const Source& s) {
  Part p;
  p.section.heading = "Stages of a response";
  std::vector<std::string> header = {"condition"};
  for (const Stage stage : stream::kStages)
    if (stage_there(s.results, stage)) header.push_back(stage_name(stage));
  for (const char* name : {"response", "pre-processing of mean", "of slowest 1 %",
                           "inference of mean", "of slowest 1 %"})
    header.emplace_back(name);
  Table t(header);
  each_task(s.results, [&](const CellResult& c, const TaskResult& task) {
    std::vector<std::string> row = {s.names(c, task)};
    for (const Stage stage : stream::kStages) {
      if (!stage_there(s.results, stage)) continue;
      const StageResult* of = stage_of(task, stage);
      row.push_back(of != nullptr && of->n > 0 ? ns_text(of->mean) : std::string("unknown"));
    }
    const StageResult* response = stage_of(task, Stage::response);
    const bool known = response != nullptr && response->n > 0;
    row.push_back(known ? ns_text(response->mean) : std::string("unknown"));
    for (const auto of : {std::initializer_list<Stage>{Stage::decode, Stage::pre}, {Stage::infer}})
      for (const auto member : {&StageResult::share_mean, &StageResult::share_tail})
        row.push_back(known ? percent(share(task, of, member)) : std::string("unknown"));
    t.add(std::move(row));
    if (!task.wcet.sentence.empty())
      p.lines.push_back(s.names(c, task) + ": " + task.wcet.sentence);
  });
  p.section.table = std::move(t);
  if (s.draw.svg && !s.results.cells.empty()) {
    p.section.figures.push_back(
        {svg::stack_chart(
             stack_plot(s, "Mean of all frames",
                        [](const CellResult&, const TaskResult& t) { return means(t); })),
         "The means of the stages; they sum to the mean response (the paper's Fig. 7)."});
    if (!s.logs.empty())
      p.section.figures.push_back(
          {svg::stack_chart(stack_plot(s, "Mean of the slowest 1 %",
                                       [&](const CellResult& c, const TaskResult& t) {
                                         const auto* log = log_of(s.logs, c);
                                         return log == nullptr ? std::vector<double>()
                                                               : slowest_means(*log, t.task);
                                       })),
           "The same over the slowest 1 % of the frames, at least 10: what a tail is made of."});
  }
  p.section.notes.emplace_back(
      "Means stand here for comparison with the paper; verdicts use quantiles. wait: from the "
      "scheduled release until the server takes the frame. read: bytes into memory. decode and "
      "pre: pixels, then the tensor; the two together are the paper's pre-processing. second "
      "task: the crops of a cascade.");
  return p;
}

Part details_part(const Source& s) {
  Part p;
  p.section.heading = "Every stage by itself";
  p.section.folded = p.page_only = true;
  Table table({"condition", "stage", "trust", "frames", "p50", "p99", "p99.9", "largest", "mean",
               "sd", "of mean", "of variance", "of slowest 1 %"});
  each_task(s.results, [&](const CellResult& c, const TaskResult& t) {
    for (const StageResult& of : t.stages) {
      if (of.n == 0 || of.max == 0) continue;  // not a stage of this pipeline
      const bool whole = of.stage == Stage::response;
      const auto part = [&](double v) { return whole ? std::string("-") : percent(v); };
      table.add({s.names(c, t), stage_name(of.stage), std::string(word(of.gate.trust)),
                 count_text(of.n), quantile_text(of, .5), quantile_text(of, .99),
                 quantile_text(of, .999), ns_text(static_cast<double>(of.max)), ns_text(of.mean),
                 ns_text(of.sd), part(of.share_mean), part(of.share_variance),
                 part(of.share_tail)});
    }
  });
  p.section.table = std::move(table);
  p.section.notes.emplace_back(
      "Shares of the variance are covariances with the response, cov(stage, R) / var(R); they sum "
      "to 1 and may be negative. Every stage has a trust of its own.");
  return p;
}

}  // namespace

Parts stage_parts(const Source& s) {
  Parts out;
  out.push_back(means_part(s));
  out.push_back(details_part(s));
  return out;
}

}  // namespace assay::report
