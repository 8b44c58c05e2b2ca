// SPDX-License-Identifier: Apache-2.0
// What can be sampled here: asked of the sources that the sampler reads, so that both say the same.
#include <time.h>

#include <algorithm>

#include "platform/facts_internal.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

const std::string kGroup = "sensors";

struct Reading {
  std::string name;
  int64_t value = kUnknown;
};

std::vector<Reading> read_once(Sources& sources) {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  std::vector<Reading> out;
  for (const auto& source : sources) {
    const std::vector<Channel> channels = source->channels();
    std::vector<int64_t> values(channels.size(), kUnknown);
    source->read(t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec, values.data());
    for (size_t i = 0; i < channels.size(); ++i) out.push_back({channels[i].name, values[i]});
  }
  return out;
}

bool between(std::string_view name, std::string_view front, std::string_view back) {
  return name.size() > front.size() + back.size() && name.starts_with(front) &&
         name.ends_with(back);
}

std::string why_missing(const std::vector<Missing>& missing, std::string_view what) {
  for (const Missing& m : missing)
    if (m.what.starts_with(what)) return m.why;
  return "the machine does not tell it";
}

void clocks(const std::vector<Reading>& readings, const std::vector<Missing>& missing, Facts& out) {
  int64_t low = INT64_MAX, high = 0;
  for (const Reading& r : readings) {
    if (!between(r.name, "cpu", ".mhz") || r.value == kUnknown) continue;
    low = std::min(low, r.value);
    high = std::max(high, r.value);
  }
  if (high == 0) {
    out.push_back(unknown_fact(kGroup, "clocks", why_missing(missing, "cpu")));
    return;
  }
  out.push_back(plain_fact(
      kGroup, "clocks",
      low == high ? fmt::format("{} MHz now", high) : fmt::format("{}-{} MHz now", low, high)));
}

void temperatures(const std::vector<Reading>& readings, const std::vector<Missing>& missing,
                  Facts& out) {
  int64_t highest = kUnknown, count = 0;
  std::string where;
  for (const Reading& r : readings) {
    if (!between(r.name, "zone.", ".millicelsius") || r.value == kUnknown) continue;
    ++count;
    if (highest != kUnknown && r.value <= highest) continue;
    highest = r.value;
    where = r.name.substr(5, r.name.size() - 5 - std::string_view(".millicelsius").size());
  }
  if (count == 0) {
    out.push_back(unknown_fact(kGroup, "temperatures", why_missing(missing, "zone")));
    return;
  }
  Fact f = plain_fact(
      kGroup, "temperatures",
      fmt::format("{} sensors, {} at {:.0f} C", count, where, static_cast<double>(highest) / 1000));
  if (highest >= 80'000) {
    f.harm = highest >= 95'000 ? Harm::harmful : Harm::possible;
    f.why = "near the temperature at which clocks are lowered";
    f.fix = "cool it, wait, or lower the clock";
  }
  out.push_back(std::move(f));
}

void throttling(const std::vector<Reading>& readings, Facts& out) {
  int64_t events = 0, told = 0;
  for (const Reading& r : readings) {
    if (!between(r.name, "cpu", ".throttle_events") || r.value == kUnknown) continue;
    ++told;
    events += r.value;
  }
  if (told == 0) {
    out.push_back(unknown_fact(kGroup, "CPU throttling", "the machine keeps no count of it"));
    return;
  }
  Fact f = plain_fact(kGroup, "CPU throttling", fmt::format("{} times since boot", events));
  if (events > 0) {
    f.harm = Harm::possible;
    f.why = "this machine has lowered its clock for heat before";
    f.fix = "cool it, or lower the clock to what it can hold";
  }
  out.push_back(std::move(f));
}

void energy(const Roots& roots, const Tree& tree, Facts& out) {
  std::vector<Missing> missing;
  ProbeSpec spec;
  spec.roots = roots;
  Sources sources = rapl_sources(spec, missing);
  std::string names;
  for (const Reading& r : read_once(sources))
    if (r.value != kUnknown && between(r.name, "rapl.", ".uj"))
      names += fmt::format("{}{}", names.empty() ? "" : ", ", r.name.substr(5, r.name.size() - 8));
  Fact f = told_or_unknown(kGroup, "energy (RAPL)", names, why_missing(missing, "rapl"));
  if (names.empty() && !tree.glob("/sys/class/powercap/intel-rapl:*/energy_uj").empty())
    f.fix = "chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj (as root), or run as root";
  out.push_back(std::move(f));
}

void rails(const Roots& roots, Facts& out) {
  std::vector<Missing> missing;
  ProbeSpec spec;
  spec.roots = roots;
  Sources sources = jetson_sources(spec, missing);
  std::string names;
  for (const Reading& r : read_once(sources))
    if (between(r.name, "rail.", ".mw") && r.name != "rail.total.mw" && r.value != kUnknown)
      names += fmt::format("{}{} {} mW", names.empty() ? "" : ", ",
                           r.name.substr(5, r.name.size() - 8), r.value);
  // Only boards have rails: their absence elsewhere says nothing.
  if (!names.empty()) out.push_back(plain_fact(kGroup, "power rails", names));
}

}  // namespace

void sensor_facts(const Roots& roots, const Tree& tree, Facts& out) {
  std::vector<Missing> missing;
  ProbeSpec spec;
  spec.roots = roots;
  Sources sources = cpu_sources(spec, missing);
  const std::vector<Reading> readings = read_once(sources);
  clocks(readings, missing, out);
  temperatures(readings, missing, out);
  throttling(readings, out);
  energy(roots, tree, out);
  rails(roots, out);
}

}  // namespace assay::platform
