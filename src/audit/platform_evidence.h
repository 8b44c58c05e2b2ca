// SPDX-License-Identifier: Apache-2.0
// What the machine did during builds and launches: records stored, read back, and what follows from
// them for a recipe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/judged.h"
#include "platform/record.h"
#include "platform/stretch.h"
#include "store/run_folder.h"

namespace assay::audit {

// One row of `platform` for a build or a launch ("build" | "launch"), its record a blob.
Status store_platform(store::RunFolder& run, std::string_view owner, const std::string& owner_id,
                      const PlatformEvidence& evidence);

// The row of an owner; absent when it has none. A blob that is no record is told in `problem`.
Result<std::optional<PlatformEvidence>> load_platform(store::RunFolder& run,
                                                      const std::string& owner_id);

// What a worker announced in its `platform` event: the file below `folder`, read and checked. It
// was written where a runner's code had its hands: untrusted.
Result<PlatformEvidence> read_announced(const Json& event, const fs::path& folder);

// What the record of a launch says of the time of its timed loop.
std::optional<platform::Stretch> loop_stretch(const LaunchEvidence& launch);

// statistic_json["platform"] of the latency verdict: per launch and over launches clocks, how busy,
// temperature, power, energy per inference with its interval over launches, throttling; per build
// energy and how busy. Null when no launch of a real clock has a record.
Json platform_json(const RecipeEvidence& recipe, const std::vector<JudgedBuild>& judged);

}  // namespace assay::audit
