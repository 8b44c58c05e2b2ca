// SPDX-License-Identifier: Apache-2.0
#include "report/stats_page.h"

#include <gtest/gtest.h>

namespace assay::report {
namespace {

TEST(StatsPage, HasWhatItIsGivenInOrder) {
  Table t({"quantile", "value", "word"});
  t.add({"p50", "2.01 ms", "yes"});
  t.add({"p99", "[2.58 ms, 2.65 ms]", "no"});
  const std::string page = stats_page("Latency",
                                      {{"First",
                                        {"one", "two"},
                                        t,
                                        {{"<svg class=\"chart\"></svg>", "what it shows"}},
                                        {"how"},
                                        ""},
                                       {"Second", {}, {}, {}, {}, "warning"}},
                                      "made data");
  size_t at = 0;
  for (const char* part :
       {"<!DOCTYPE html>", "Content-Security-Policy", "default-src 'none'", "<title>assay: Latency",
        "<h1>Latency</h1>", "made data", "<h2>First</h2>", "<p>one</p>", "<p>two</p>",
        "<figure><svg class=\"chart\"></svg><figcaption>what it shows",
        "<th scope=\"col\">quantile", "<th scope=\"col\" class=\"n\">value",
        "<td class=\"n\">2.01 ms", "<td>yes</td>", "<p class=\"how\">how</p>",
        "<h2>Second <span class=\"badge degraded\"", "</html>"}) {
    const size_t next = page.find(part, at);
    EXPECT_NE(next, std::string::npos) << part;
    if (next != std::string::npos) at = next;
  }
  EXPECT_EQ(page.find("<nav>"), std::string::npos) << "two sections need no links";
}

TEST(StatsPage, FoldsWhatIsForThoseWhoAsk) {
  std::vector<Section> sections(5);
  for (size_t i = 0; i < sections.size(); ++i) {
    sections[i].heading = "Part " + std::to_string(i);
    sections[i].paragraphs = {"text"};
  }
  const std::string plain = stats_page("t", sections);
  EXPECT_EQ(plain.find("<details"), std::string::npos);
  sections[3].folded = true;
  const std::string page = stats_page("t", sections);
  EXPECT_NE(page.find("<section id=\"p3\"><details><summary><h2>Part 3</h2></summary>"),
            std::string::npos);
  EXPECT_NE(page.find("</details></section>"), std::string::npos);
  EXPECT_NE(page.find("<a href=\"#p2\">"), std::string::npos);
  EXPECT_EQ(page.find("<a href=\"#p3\">"), std::string::npos) << "the bar leads to open parts";
}

TEST(StatsPage, EscapesEverythingButDrawings) {
  const std::string bad = "<script>alert(1)</script>\"'&";
  Table t({bad});
  t.add({bad});
  const Section s{bad, {bad}, t, {{bad, bad}}, {bad}, bad};
  const std::string page = stats_page(bad, {s, s, s, s}, bad);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("<nav><a href=\"#p0\">"), std::string::npos);
}

TEST(StatsPage, EmptyIsStillAPage) {
  const std::string page = stats_page("", {});
  EXPECT_NE(page.find("<main>\n</main>"), std::string::npos);
}

}  // namespace
}  // namespace assay::report
