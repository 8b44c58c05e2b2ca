// SPDX-License-Identifier: Apache-2.0
#include "diff/source_diff.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "diff/made_engines.h"

namespace assay::diff {
namespace {

std::string shown(const SourceDiff& d) {
  std::string out;
  for (const SourceHunk& h : d.hunks) {
    out += "@\n";
    for (const SourceLine& l : h.lines) out += l.mark + std::string(l.text) + "\n";
  }
  return out;
}

TEST(SourceDiff, ShowsChangesWithLinesAround) {
  SourceLimits limits;
  limits.context = 1;
  const SourceDiff d = diff_sources("a\nb\nc\nd\ne\nf\ng\n", "a\nB\nc\nd\ne\nf\ng\nh", limits);
  EXPECT_EQ(shown(d), "@\n a\n-b\n+B\n c\n@\n g\n+h\n");
  EXPECT_EQ(d.added, 2);
  EXPECT_EQ(d.removed, 1);
  EXPECT_EQ(d.hunks[1].lines[1].b, 8);
  EXPECT_TRUE(diff_sources("x\n", "x\n").hunks.empty());
  EXPECT_EQ(shown(diff_sources("", "x")), "@\n+x\n");
}

TEST(SourceDiff, TheLimitsHoldAndWhatIsCutIsCounted) {
  const std::string a = made_source(1, 0, 2000), b = made_source(2, 1, 3000);
  SourceLimits limits;
  limits.max_lines = 50;
  limits.max_input = 1000;
  limits.max_edits = 10;
  const SourceDiff d = diff_sources(a, b, limits);
  size_t lines = 0;
  for (const SourceHunk& h : d.hunks) lines += h.lines.size();
  EXPECT_EQ(lines, 50u);
  EXPECT_EQ(d.added + d.removed, static_cast<int>(lines) + d.cut);
  EXPECT_EQ(d.unread, 1003 + 2003);
  EXPECT_FALSE(d.minimal);
}

TEST(SourceDiff, ShownWholeItGivesBothTextsBack) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 g(seed);
    std::string a, b;
    for (std::string* s : {&a, &b})
      for (size_t i = g() % 30; i > 0; --i)
        *s += std::string(1, static_cast<char>('a' + g() % 4)) + "\n";
    SourceLimits limits;
    limits.context = 100;
    std::string back_a, back_b;
    for (const SourceHunk& h : diff_sources(a, b, limits).hunks)
      for (const SourceLine& l : h.lines) {
        if (l.mark != '+') back_a += std::string(l.text) + "\n";
        if (l.mark != '-') back_b += std::string(l.text) + "\n";
      }
    if (a != b) {
      RC_ASSERT(back_a == a);
      RC_ASSERT(back_b == b);
    }
  }));
}

}  // namespace
}  // namespace assay::diff
