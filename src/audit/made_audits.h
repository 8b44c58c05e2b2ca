// SPDX-License-Identifier: Apache-2.0
// Simulated audits: launches with effects of build and launch, whose truth is known. For tests.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "audit/made_evidence.h"
#include "stats/simulated.h"

namespace assay::audit {

// Of an error rate, and of a power.
constexpr int kAudits = 2000, kPowerAudits = 300;

// Latencies of 1 ms x factor[build] x exp(build effect + launch effect + noise), all normal.
struct MadeAudit {
  std::vector<double> factor = {1, 1};  // one a build
  int launches = 10, samples = 400;
  double build_sd = 0, launch_sd = 0.01, noise = 0.02;
};

inline RecipeEvidence simulated(const MadeAudit& m, std::mt19937_64& random,
                                const char* id = "made") {
  std::normal_distribution<double> normal;
  RecipeEvidence r = made_recipe(id);
  for (size_t b = 0; b < m.factor.size(); ++b) {
    BuildEvidence build = made_build(static_cast<int64_t>(b), "artifact", {});
    const double of_build = std::log(1e6 * m.factor[b]) + m.build_sd * normal(random);
    for (int l = 0; l < m.launches; ++l) {
      LaunchEvidence launch = made_launch(l, fmt::format("{}-b{}l{}", id, b, l));
      const double centre = of_build + m.launch_sd * normal(random);
      launch.samples.resize(static_cast<size_t>(m.samples));
      for (int64_t& s : launch.samples)
        s = std::llround(std::exp(centre + m.noise * normal(random)));
      build.launches.push_back(std::move(launch));
    }
    r.builds.push_back(std::move(build));
  }
  return r;
}

// What the derivation says of one recipe's times; no correction over the family.
struct JudgedTimes {
  std::vector<VerdictRow> verdicts;
  std::vector<FindingRow> findings;
  std::string_view of(std::string_view subject) const {
    const VerdictRow* v = find_verdict(verdicts, subject);
    return v ? std::string_view(v->verdict) : std::string_view();
  }
  bool found(std::string_view code) const {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const FindingRow& f) { return f.code == code; });
  }
};
inline JudgedTimes judge_times(const RecipeEvidence& r, const Json& plan, bool tail = true) {
  JudgedTimes out;
  const auto judged = judge_launches(r, plan);
  verdict_of_latency(r, judged, plan, out.verdicts, out.findings);
  if (tail) verdict_of_tail(r, judged, plan, out.verdicts);
  findings_of_swaps(r, judged, plan, out.findings);
  findings_of_copies({r}, out.findings);
  return out;
}

inline bool printing_table() {
  static const bool printing = [] {
    if (!std::getenv("ASSAY_PRINT_TABLES")) return false;
    std::printf(
        "| claim | setting | audits | nominal | rate | limit |\n|---|---|---|---|---|---|\n");
    return true;
  }();
  return printing;
}

// A figure as a line (or a row of the table), and in the test's record.
inline void tell(const std::string& what, const std::string& setting, double rate,
                 const std::string& row) {
  if (printing_table())
    std::printf("| %s | %s | %s |\n", what.c_str(), setting.c_str(), row.c_str());
  else
    std::printf("             %s (%s) = %.4g\n", what.c_str(), setting.c_str(), rate);
  std::string key;  // an XML attribute
  for (const char c : what + "_" + setting)
    if (c != ',') key += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  testing::Test::RecordProperty(key, std::to_string(rate));
}

// An error rate against its nominal rate + 3 sd.
inline void expect_rate(const std::string& claim, const std::string& setting, double nominal,
                        int errors, int audits) {
  const double rate = errors / static_cast<double>(audits);
  const double most = stats::most_errors(nominal, audits);
  tell(claim, setting, rate,
       fmt::format("{} | {:.2f} % | {:.2f} % | {:.2f} %", audits, nominal * 100, rate * 100,
                   most * 100));
  EXPECT_LE(rate, most) << claim << ": " << setting;
}
// A power: the share of audits that say what is true. `least`: what it must not fall below.
inline void expect_power(const std::string& claim, const std::string& effect, int hits, int audits,
                         double least) {
  const double rate = hits / static_cast<double>(audits);
  tell("power: " + claim, effect, rate, fmt::format("{} | | {:.1f} % |", audits, rate * 100));
  EXPECT_GE(rate, least) << claim << ": " << effect;
}

}  // namespace assay::audit
