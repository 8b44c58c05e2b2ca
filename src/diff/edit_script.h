// SPDX-License-Identifier: Apache-2.0
// The shortest edit script between two sequences, with a limit on the work (Myers, "An O(ND)
// Difference Algorithm and Its Variations", Algorithmica 1, 1986, figure 2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::diff {

// Positions of equal elements: a[i] == b[j], both ascending.
struct Match {
  size_t a = 0, b = 0;
  bool operator==(const Match&) const = default;
};
struct EditScript {
  std::vector<Match> matches;
  bool exact = true;  // false: the limit was met, and only common ends and greedy matches are given
};
// At most `max_edits` insertions and deletions are looked for; time O((|a| + |b|) * max_edits),
// memory O(max_edits^2). Beyond that the matches are still right, but perhaps not the most.
EditScript edit_script(std::span<const uint32_t> a, std::span<const uint32_t> b,
                       int max_edits = 1000);

}  // namespace assay::diff
