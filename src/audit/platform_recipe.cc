// SPDX-License-Identifier: Apache-2.0
// What the records of a recipe's launches and builds say together.
#include <algorithm>
#include <map>

#include "audit/platform_evidence.h"
#include "platform/cuda.h"
#include "platform/energy.h"
#include "stats/mean_interval.h"

namespace assay::audit {
namespace {

constexpr int64_t kLeastLaunches = 3;  // fewer show no scatter to speak of
constexpr size_t kStripPoints = 80;

Json number(const std::optional<double>& v) { return v ? Json(*v) : Json("unknown"); }

Json spread_json(const platform::Spread& s) {
  if (!s.known()) return "unknown";
  return {{"n", s.n},     {"mean", s.mean}, {"min", s.min},
          {"p50", s.p50}, {"p90", s.p90},   {"max", s.max}};
}

std::string throttle_text(const LaunchEvidence& l, const platform::Stretch& s) {
  if (get_int(l.sampler, "gpu", -1) >= 0) {
    if (!s.throttle) return "unknown";
    const int64_t harmful = *s.throttle & platform::kHarmfulThrottle;
    return harmful == 0 ? "none" : platform::throttle_words(harmful);
  }
  const int64_t events = get_int(l.sampler, "throttle_events", -1);
  return events < 0 ? "unknown" : events == 0 ? "none" : fmt::format("{} events", events);
}

// Power and energy of the GPU when one runs the engine, else of everything that is not a GPU.
bool concerns(const LaunchEvidence& l, const std::string& source) {
  const int64_t gpu = get_int(l.sampler, "gpu", -1);
  return gpu < 0 ? !source.starts_with("gpu")
                 : !source.starts_with("gpu") || source.starts_with(fmt::format("gpu{} ", gpu));
}

std::vector<platform::InferenceEnergy> energies_of(const LaunchEvidence& l) {
  const PlatformEvidence& p = *l.platform;
  auto all = platform::inference_energies(p.record, p.begin_ns, p.end_ns, p.idle_begin_ns,
                                          p.idle_end_ns, static_cast<int64_t>(l.samples.size()));
  std::erase_if(all, [&](const auto& e) { return !concerns(l, e.source); });
  return all;
}

Json interval(const std::vector<double>& values) {
  if (static_cast<int64_t>(values.size()) < kLeastLaunches)
    return {
        {"unknown", fmt::format("{} launches tell, {} are needed", values.size(), kLeastLaunches)},
        {"n", values.size()}};
  const stats::Interval i = stats::mean_interval(values, kConfidence);
  Json out{{"mean", i.estimate},
           {"lower", nullptr},
           {"upper", nullptr},
           {"n", values.size()},
           {"confidence", kConfidence}};
  if (i.lower) out["lower"] = *i.lower;
  if (i.upper) out["upper"] = *i.upper;
  return out;
}

// Energy over launches: one value a launch.
class EnergyOverLaunches {
 public:
  void add(const std::vector<platform::InferenceEnergy>& all) {
    for (const auto& e : all) {
      Source& s = sources_[e.source];
      if (!e.known) {
        s.reason = e.reason;
        continue;
      }
      s.gross.push_back(e.gross_mj);
      if (e.net_known) s.net.push_back(e.net_mj);
      s.covered = std::min(s.covered, e.covered);
      s.period_ms = std::max(s.period_ms, e.period_ms);
      s.error_mj = std::max(s.error_mj, e.error_mj);
    }
  }
  Json json() const {
    Json out = Json::array();
    for (const auto& [name, s] : sources_) {
      Json j{{"source", name}, {"gross_mj", interval(s.gross)}, {"net_mj", interval(s.net)}};
      if (s.gross.empty()) {
        j["unknown"] = s.reason;
      } else {
        j["least_covered"] = s.covered;
        j["longest_period_ms"] = s.period_ms;
        j["largest_error_mj"] = s.error_mj;
      }
      out.push_back(std::move(j));
    }
    return out;
  }
  bool empty() const { return sources_.empty(); }

 private:
  struct Source {
    std::vector<double> gross, net;
    std::string reason;
    double covered = 1, period_ms = 0, error_mj = 0;
  };
  std::map<std::string, Source> sources_;
};

// Clock and power over time, few points: what a reader's eye needs.
Json strip(const LaunchEvidence& l) {
  const PlatformEvidence& p = *l.platform;
  const int64_t gpu = get_int(l.sampler, "gpu", -1);
  const std::string clock = gpu >= 0 ? fmt::format("gpu{}.sm_mhz", gpu)
                                     : fmt::format("cpu{}.mhz", get_int(l.sampler, "cpu", -1));
  const std::string power = gpu >= 0 ? fmt::format("gpu{}.mw", gpu) : "rail.total.mw";
  const auto* mhz = p.record.column(clock);
  const auto* mw = p.record.column(power);
  if (!mhz && !mw) return nullptr;
  const size_t n = p.record.t_ns.size(), step = std::max<size_t>(1, n / kStripPoints);
  Json t = Json::array(), f = Json::array(), w = Json::array();
  const auto value = [](const std::vector<int64_t>* column, size_t i) {
    return !column || (*column)[i] == platform::kUnknown ? Json(nullptr) : Json((*column)[i]);
  };
  for (size_t i = 0; i < n; i += step) {
    t.push_back((p.record.t_ns[i] - p.begin_ns) / 1'000'000);
    f.push_back(value(mhz, i));
    w.push_back(value(mw, i));
  }
  return {{"launch", l.launch_index},
          {"t_ms", t},
          {"mhz", f},
          {"mw", w},
          {"clock", clock},
          {"power", power},
          {"loop_ms", (p.end_ns - p.begin_ns) / 1'000'000}};
}

Json launch_of(const LaunchEvidence& l, const platform::Stretch& s,
               const std::vector<platform::InferenceEnergy>& energy) {
  Json energies = Json::array();
  for (const auto& e : energy) energies.push_back(platform::to_json(e));
  return {{"launch", l.launch_index},
          {"rounds", s.rounds},
          {"clock_mhz", spread_json(s.clock_mhz)},
          {"clock_drop", number(s.clock_drop)},
          {"cpu_busy", number(s.cpu_busy)},
          {"gpu_busy_percent", spread_json(s.gpu_busy_percent)},
          {"celsius", spread_json(s.celsius)},
          {"power_mw", spread_json(s.power_mw)},
          {"other_load", s.other_load},
          {"throttle", throttle_text(l, s)},
          {"energy", energies}};
}

Json build_of(const BuildEvidence& b) {
  const PlatformEvidence& p = *b.platform;
  platform::StretchSpec spec{p.begin_ns, p.end_ns, -1, {}, -1, -1};
  for (const platform::Channel& c : p.record.channels)
    if (c.name.starts_with("cpu") && c.name.ends_with(".busy_ticks"))
      spec.busy_cpus.push_back(std::atoi(c.name.c_str() + 3));
  const platform::Stretch s = platform::stretch_of(p.record, spec);
  Json energy = Json::array();
  for (const platform::Energy& e : platform::energies(p.record, p.begin_ns, p.end_ns)) {
    Json j{{"source", e.source}};
    if (e.known) {
      j["joule"] = e.mj / 1e3;
      j["error_joule"] = e.error_mj / 1e3;
      j["covered"] = e.covered;
    } else {
      j["unknown"] = e.reason;
    }
    energy.push_back(std::move(j));
  }
  return {{"build", b.build_index},
          {"seconds", static_cast<double>(p.end_ns - p.begin_ns) / 1e9},
          {"cpu_busy", number(s.cpu_busy)},
          {"energy", energy}};
}

}  // namespace

Json platform_json(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged) {
  Json launches = Json::array(), builds = Json::array(), drawn;
  std::vector<double> busy, clock, celsius, power, gpu_p50, gpu_p90;
  double clock_low = 0, clock_high = 0;
  EnergyOverLaunches energy;
  std::map<std::string, std::string> missing;
  std::string throttle;
  for (const JudgedBuild& b : judged) {
    for (const JudgedLaunch& judged_launch : b.launches) {
      const LaunchEvidence& l = *judged_launch.launch;
      const auto s = loop_stretch(l);
      if (!s || l.clock != "monotonic") continue;
      const auto each = energies_of(l);
      energy.add(each);
      Json j = launch_of(l, *s, each);
      j["build"] = b.build->build_index;
      const std::string here = get_string(j, "throttle");
      // What throttled one launch is not hidden by another that cannot tell, nor that by a third.
      const auto rank = [](const std::string& t) {
        return t.empty() ? 0 : t == "none" ? 1 : t == "unknown" ? 2 : 3;
      };
      if (rank(here) > rank(throttle)) throttle = here;
      launches.push_back(std::move(j));
      if (s->cpu_busy) busy.push_back(*s->cpu_busy);
      if (s->celsius.known()) celsius.push_back(s->celsius.max);
      if (s->power_mw.known()) power.push_back(s->power_mw.mean);
      if (s->gpu_busy_percent.known()) {
        gpu_p50.push_back(s->gpu_busy_percent.p50);
        gpu_p90.push_back(s->gpu_busy_percent.p90);
      }
      if (s->clock_mhz.known()) {
        clock_low = clock.empty() ? s->clock_mhz.min : std::min(clock_low, s->clock_mhz.min);
        clock_high = std::max(clock_high, s->clock_mhz.max);
        clock.push_back(s->clock_mhz.mean);
      }
      for (const platform::Missing& m : l.platform->record.missing) missing[m.what] = m.why;
      if (!drawn.is_null()) continue;
      drawn = strip(l);
      if (!drawn.is_null()) drawn["build"] = b.build->build_index;
    }
  }
  if (launches.empty()) return nullptr;
  for (const BuildEvidence& b : recipe.builds)
    if (b.platform && b.platform->problem.empty()) builds.push_back(build_of(b));
  const auto mean = [](const std::vector<double>& v) {
    return spread_json(platform::spread_of(v));
  };
  Json why = Json::object();
  for (const auto& [what, reason] : missing) why[what] = reason;
  Json out{{"launches", std::move(launches)}, {"clock_mhz", "unknown"},
           {"cpu_busy", mean(busy)},          {"gpu_busy_p50", mean(gpu_p50)},
           {"gpu_busy_p90", mean(gpu_p90)},   {"celsius", mean(celsius)},
           {"power_mw", mean(power)},         {"throttle", throttle},
           {"energy", energy.json()},         {"builds", std::move(builds)},
           {"missing", std::move(why)},       {"strip", std::move(drawn)}};
  if (!clock.empty())
    out["clock_mhz"] = {
        {"mean", platform::spread_of(clock).mean}, {"min", clock_low}, {"max", clock_high}};
  return out;
}

}  // namespace assay::audit
