// SPDX-License-Identifier: Apache-2.0
#include "diff/edit_script.h"

#include <algorithm>
#include <unordered_map>

namespace assay::diff {
namespace {

using Ids = std::span<const uint32_t>;

// Matches of the shortest script, or nothing when it takes more than `limit` edits.
bool myers(Ids a, Ids b, int limit, std::vector<Match>& out) {
  const int n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
  const int most = std::min(limit, n + m);
  // furthest[k + most]: how far along a the paths on diagonal k (= x - y) reach; kept for each
  // number of edits, so that the path can be walked back.
  std::vector<int> furthest(2 * static_cast<size_t>(most) + 2, 0);
  std::vector<std::vector<int>> trace;
  const auto at = [most](int k) { return static_cast<size_t>(k + most); };
  int edits = -1;
  for (int d = 0; d <= most && edits < 0; ++d) {
    for (int k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && furthest[at(k) - 1] < furthest[at(k) + 1]);
      int x = d == 0 ? 0 : down ? furthest[at(k) + 1] : furthest[at(k) - 1] + 1;
      int y = x - k;
      while (x < n && y >= 0 && y < m && a[static_cast<size_t>(x)] == b[static_cast<size_t>(y)])
        ++x, ++y;
      furthest[at(k)] = x;
      if (x >= n && y >= m) {
        edits = d;
        break;
      }
    }
    trace.emplace_back(furthest.begin() + (most - d), furthest.begin() + (most + d + 1));
  }
  if (edits < 0) return false;
  int x = n, y = m;
  for (int d = edits; d >= 0; --d) {
    int from_x = 0, from_y = 0;  // where this step's run of equal elements began
    int before_x = 0, before_y = 0;
    if (d > 0) {
      const std::vector<int>& last = trace[static_cast<size_t>(d) - 1];  // diagonals -(d-1)..d-1
      const auto reach = [&](int k) {
        return k < -(d - 1) || k > d - 1 ? -1 : last[static_cast<size_t>(k + d - 1)];
      };
      const int k = x - y;
      const bool down = k == -d || (k != d && reach(k - 1) < reach(k + 1));
      before_x = reach(down ? k + 1 : k - 1);
      before_y = before_x - (down ? k + 1 : k - 1);
      from_x = down ? before_x : before_x + 1;
      from_y = from_x - k;
    }
    while (x > from_x && y > from_y) {
      --x, --y;
      out.push_back({static_cast<size_t>(x), static_cast<size_t>(y)});
    }
    x = before_x, y = before_y;
  }
  std::reverse(out.begin(), out.end());
  return true;
}

// In order, each element of b with the next equal one of a: linear, right, not the most.
void greedy(Ids a, Ids b, std::vector<Match>& out) {
  std::unordered_map<uint32_t, std::vector<size_t>> places;
  for (size_t i = 0; i < a.size(); ++i) places[a[i]].push_back(i);
  size_t next = 0;
  for (size_t j = 0; j < b.size() && next < a.size(); ++j) {
    const auto found = places.find(b[j]);
    if (found == places.end()) continue;
    const auto place = std::lower_bound(found->second.begin(), found->second.end(), next);
    if (place == found->second.end()) continue;
    // A long jump would give up all elements between: only near ones are taken.
    if (*place - next > 64) continue;
    out.push_back({*place, j});
    next = *place + 1;
  }
}

}  // namespace

EditScript edit_script(Ids a, Ids b, int max_edits) {
  EditScript s;
  size_t front = 0, back = 0;
  const size_t shorter = std::min(a.size(), b.size());
  while (front < shorter && a[front] == b[front]) ++front;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  for (size_t i = 0; i < front; ++i) s.matches.push_back({i, i});
  const Ids middle_a = a.subspan(front, a.size() - front - back);
  const Ids middle_b = b.subspan(front, b.size() - front - back);
  std::vector<Match> middle;
  if (!middle_a.empty() && !middle_b.empty() &&
      !myers(middle_a, middle_b, std::max(max_edits, 0), middle)) {
    s.exact = false;
    middle.clear();
    greedy(middle_a, middle_b, middle);
  }
  for (const Match& m : middle) s.matches.push_back({m.a + front, m.b + front});
  for (size_t i = back; i > 0; --i) s.matches.push_back({a.size() - i, b.size() - i});
  return s;
}

}  // namespace assay::diff
