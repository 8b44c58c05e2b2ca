// SPDX-License-Identifier: Apache-2.0
#include "diff/read/tuning.h"

#include "base/files.h"
#include "base/text.h"
#include "diff/read/items.h"
#include "diff/read/read.h"

namespace assay::diff {
namespace {

constexpr const char* kFix = "check the file: only a tuner writes it";
constexpr double kNoTime = 1e9;  // s; TVM writes it, or more, for what failed

}  // namespace

Result<size_t> Tasks::task(const std::string& key, const std::string& name,
                           const std::string& place) {
  const auto [found, fresh] = by_key_.try_emplace(key, keys_.size());
  if (fresh) {
    if (keys_.size() >= kMostTasks)
      return wrong(where_, place, "another task", fmt::format("at most {}", kMostTasks),
                   "split the log by task");
    keys_.push_back(key);
    best_.emplace_back();
    engine_.decisions.push_back({name, "", {}});
  }
  return found->second;
}

Status Tasks::add(size_t task, Candidate c, const Json& seconds, const std::string& place) {
  if (++candidates_ > kMostCandidates)
    return wrong(where_, place, "another candidate", fmt::format("at most {}", kMostCandidates),
                 "split the log by task");
  double sum = 0;
  size_t n = 0;
  bool timed = c.ok;
  if (c.ok) {
    if (!seconds.is_array() || seconds.empty())
      return wrong(where_, place, shown(seconds), "an array of times in s", kFix);
    for (const Json& s : seconds) {
      const double v = s.is_number() ? s.get<double>() : -1;
      if (!(v >= 0 && v <= std::numeric_limits<double>::max() / 1e12))
        return wrong(where_, place, shown(s), "times in s, from 0", kFix);
      timed = timed && v < kNoTime;
      sum += v;
      ++n;
      c.time_ns.push_back(v * 1e9);
    }
    if ((times_ += n) > kMostTimes)
      return wrong(where_, place, "another time", fmt::format("at most {}", kMostTimes),
                   "split the log by task");
    if (!timed) {
      c.time_ns.clear();
      c.ok = false;
      c.error = "no time was measured";
    }
  }
  Decision& d = engine_.decisions[task];
  if (timed) {
    const double mean = sum / static_cast<double>(n);
    Best& b = best_[task];
    if (!b.any || mean < b.mean) b = {mean, d.candidates.size(), true};
  } else {
    ++failed_;
  }
  d.candidates.push_back(std::move(c));
  return {};
}

void Tasks::finish() {
  std::map<std::string, size_t> names;
  for (const Decision& d : engine_.decisions) ++names[d.layer];
  FirstNames none;
  for (size_t i = 0; i < engine_.decisions.size(); ++i) {
    Decision& d = engine_.decisions[i];
    if (names[d.layer] > 1) d.layer += " " + short_hash(keys_[i]);
    if (best_[i].any) {
      Candidate& c = d.candidates[best_[i].candidate];
      c.chosen = true;
      d.choice = c.text;
    } else {
      none.add(d.layer);
    }
  }
  if (failed_ > 0)
    engine_.notes.push_back(fmt::format("{} of {} candidates failed", failed_, candidates_));
  if (none.count() > 0)
    engine_.notes.push_back(
        fmt::format("tasks of which no candidate was measured: {}", none.text()));
}

std::string python_text(const Json& j) {
  if (j.is_null()) return "None";
  if (j.is_boolean()) return j.get<bool>() ? "True" : "False";
  if (j.is_string()) {
    const auto& s = j.get_ref<const std::string&>();
    const char quote =
        s.find('\'') != std::string::npos && s.find('"') == std::string::npos ? '"' : '\'';
    std::string out(1, quote);
    for (char c : s) {
      if (c == quote || c == '\\') out += '\\';
      out += c;
    }
    return out + quote;
  }
  if (!j.is_array()) return dump_json(j);
  std::string out = "[";
  for (const Json& e : j) out += (out.size() > 1 ? ", " : "") + python_text(e);
  return out + "]";
}

std::string shapes_text(const Json& args) {
  std::string out;
  for (const Json& a : args) {
    if (!a.is_array() || a.size() != 3 || a[0] != "TENSOR") continue;
    const Json& shape = a[1].is_array() ? a[1] : a[2];
    std::string text;
    for (const Json& extent : shape)
      text += (text.empty() ? "" : "x") + one_line(dump_json(extent), 40);
    out += (out.empty() ? "" : " ") + text;
  }
  return out;
}

std::string short_hash(std::string_view text) { return sha256_hex(text).substr(0, 8); }

}  // namespace assay::diff
