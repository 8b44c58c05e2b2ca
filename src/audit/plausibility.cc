// SPDX-License-Identifier: Apache-2.0
#include "audit/plausibility.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/text.h"

namespace assay::audit {
namespace {

constexpr std::string_view kBelow = "below the physical bound";

const Check* check(const LaunchEvidence& l, std::string_view name) {
  for (const Check& c : l.checks)
    if (c.name == name) return &c;
  return nullptr;
}

bool failed(const LaunchEvidence& l, std::string_view name) {
  const Check* c = check(l, name);
  return c && c->result == "fail";
}

// That of the least bytes, of those that were asked for and are told.
std::string executed_precision(const RecipeEvidence& recipe, const BuildEvidence* build) {
  std::string lowest = recipe.precision.empty() ? "fp32" : recipe.precision;
  if (precision_bytes(lowest) < 2) lowest = "int8";
  if (build)
    for (const Kernel& k : build->kernels)
      if (k.precision.find_first_of("0123456789") != std::string::npos &&  // else no width is told
          precision_bytes(k.precision) < precision_bytes(lowest))
        lowest = precision_bytes(k.precision) < 2 ? "int8" : "fp16";
  return lowest;
}

double middle(std::vector<double> v) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  const size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

Json share(double v) { return v > 0 && std::isfinite(v) ? Json(v) : Json(nullptr); }

}  // namespace

double precision_bytes(const std::string& precision) {
  if (precision.find("64") != std::string::npos) return 8;
  if (precision.find("32") != std::string::npos) return 4;
  if (precision.find("16") != std::string::npos) return 2;
  return 1;
}

PhysicalBound physical_bound(const RecipeEvidence& recipe, const BuildEvidence* build) {
  PhysicalBound out;
  if (!recipe.cost.known) {
    out.why = "the model's cost: " + recipe.cost.why;
    return out;
  }
  if (!recipe.peaks) {
    out.why = fmt::format("the peaks of {} with {} thread{} were not measured", recipe.device,
                          recipe.threads, recipe.threads == 1 ? "" : "s");
    return out;
  }
  platform::Work& w = out.work;
  w.precision = executed_precision(recipe, build);
  w.operations = recipe.cost.operations;
  w.irreducible_operations = recipe.cost.irreducible_operations;
  const double bytes = precision_bytes(w.precision);
  if (recipe.cost.integer) w.precision = "int8";
  // An engine may keep weights as the model stores them, or as it computes: the less of the two.
  w.weight_bytes =
      std::min(recipe.cost.weight_bytes_at(bytes), static_cast<double>(recipe.cost.weight_bytes));
  w.activation_bytes = static_cast<double>(recipe.cost.input_output_bytes);
  out.bound = platform::least_time(w, *recipe.peaks);
  if (!out.bound.known) out.why = "no peak that binds this model in " + w.precision + " is known";
  return out;
}

std::string floor_text(const model::Cost& cost, const std::string& precision,
                       const std::optional<platform::Peaks>& peaks) {
  RecipeEvidence r;
  r.cost = cost;
  r.precision = precision;
  r.peaks = peaks;
  if (peaks) r.threads = peaks->threads;
  const PhysicalBound b = physical_bound(r, nullptr);
  return b.known() ? b.bound.arithmetic : "unknown: " + b.why;
}

std::vector<std::string> implausibilities(const RecipeEvidence& recipe, const BuildEvidence& build,
                                          const LaunchEvidence& l) {
  std::vector<std::string> out;
  if (l.clock == "scripted" || l.samples.empty()) return out;
  if (failed(l, "early_return"))
    out.emplace_back(
        fmt::format("early return: outputs were not complete when run returned, on {} inputs",
                    check(l, "early_return")->mismatches));
  // An engine that gives other bits at every run says nothing of its timed loop.
  if (failed(l, "after") && !failed(l, "repeat"))
    out.emplace_back(fmt::format("outputs change in the timed loop: {} mismatches",
                                 check(l, "after")->mismatches));
  const PhysicalBound physical = physical_bound(recipe, &build);
  if (!physical.known()) return out;
  std::vector<int64_t> samples = l.samples;
  const auto half = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), half, samples.end());
  const auto median = static_cast<double>(*half),
             least = static_cast<double>(*std::min_element(samples.begin(), samples.end()));
  for (const auto& [ns, of] : {std::pair(median, ""), std::pair(least, " (the fastest sample)")}) {
    const platform::Place p = platform::place(physical.work, *recipe.peaks, physical.bound, ns);
    if (!p.impossible) continue;
    out.emplace_back(fmt::format("{}: {}{}", kBelow, p.text, of));
    break;
  }
  return out;
}

double layer_sum_of_events(const std::string& events) {
  constexpr std::string_view kMark = "\"layer_time\"";
  if (events.find(kMark) == std::string::npos) return 0;
  double sum = 0;
  std::istringstream in(events);
  for (std::string line; std::getline(in, line);) {
    if (line.find(kMark) == std::string::npos) continue;
    const auto e = parse_json(line, "event");
    if (!e || get_string(*e, "event") != "layer_time" || get_int(*e, "ordinal", -1) < 0) continue;
    std::vector<double> times;
    for (const Json& t : get_array(*e, "time_ns"))
      if (t.is_number_integer() && t.get<int64_t>() >= 0) times.push_back(t.get<double>());
    sum += middle(std::move(times));
  }
  return sum;
}

std::optional<platform::Peaks> highest_peaks(const std::vector<platform::Peaks>& all,
                                             const std::string& device, int64_t threads) {
  std::optional<platform::Peaks> out;
  for (const platform::Peaks& p : all) {
    if (p.device != device || p.threads != threads) continue;
    if (!out) {
      out = p;
      continue;
    }
    if (p.flops_fp32 > out->flops_fp32) out->isa = p.isa;
    for (double platform::Peaks::*f :
         {&platform::Peaks::flops_fp32, &platform::Peaks::flops_fp16, &platform::Peaks::flops_int8,
          &platform::Peaks::read_bytes_per_s, &platform::Peaks::cache_bytes_per_s})
      (*out).*f = std::max((*out).*f, p.*f);
    out->last_cache_bytes = std::max(out->last_cache_bytes, p.last_cache_bytes);
    out->repetitions = std::max(out->repetitions, p.repetitions);
  }
  return out;
}

Json roofline_json(const RecipeEvidence& recipe, const std::vector<PlacedBuild>& builds,
                   bool scripted) {
  if (!recipe.cost.known && !recipe.peaks) return nullptr;
  // A scripted time is no time: it has no place among what the machine can do, and the evidence of
  // a script stays the same on every machine.
  if (scripted)
    return {{"known", false},
            {"why", "the clock is scripted: no latency is held against the machine"},
            {"cost", model::cost_text(recipe.cost)}};
  const PhysicalBound general =
      physical_bound(recipe, builds.empty() ? nullptr : builds.front().build);
  Json out{{"known", general.known()},
           {"why", general.why},
           {"cost", model::cost_text(recipe.cost)},
           {"operations", recipe.cost.known ? Json(recipe.cost.operations) : Json(nullptr)}};
  if (recipe.peaks) out["peaks"] = platform::to_json(*recipe.peaks);
  if (!general.known()) return out;
  out["precision"] = general.work.precision;
  out["weight_bytes"] = general.work.weight_bytes;
  out["floor_ns"] = general.bound.floor_ns;
  out["limit"] = general.bound.limit;
  out["margin"] = general.bound.margin;
  out["arithmetic"] = general.bound.arithmetic;
  out["builds"] = Json::array();
  for (const PlacedBuild& b : builds) {
    const PhysicalBound own = physical_bound(recipe, b.build);
    const double median = middle(b.launch_medians);
    if (!own.known() || !(median > 0)) continue;
    const platform::Place p = platform::place(own.work, *recipe.peaks, own.bound, median);
    out["builds"].push_back({{"build", b.build->build_index},
                             {"median_ns", median},
                             {"share_of_flops", share(p.share_of_flops)},
                             {"share_of_bandwidth", share(p.share_of_bandwidth)},
                             {"times_the_floor", p.times_the_floor},
                             {"impossible", p.impossible},
                             {"text", p.text}});
  }
  return out;
}

}  // namespace assay::audit
