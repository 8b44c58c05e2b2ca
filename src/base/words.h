// SPDX-License-Identifier: Apache-2.0
// The words of the design, in one table each: CLI, store and report read them from here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assay {

enum class Verdict { same, different, inconclusive };
enum class Trust { trusted, degraded, rejected };
enum class Sampling { independent, clustered, fixed };

std::string_view word(Verdict v);   // "SAME" "DIFFERENT" "INCONCLUSIVE"
std::string_view word(Trust t);     // "TRUSTED" "DEGRADED" "REJECTED"
std::string_view word(Sampling s);  // "independent" "clustered" "fixed"
std::optional<Verdict> verdict_from(std::string_view s);
std::optional<Trust> trust_from(std::string_view s);
std::optional<Sampling> sampling_from(std::string_view s);

}  // namespace assay
