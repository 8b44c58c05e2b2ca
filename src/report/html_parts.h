// SPDX-License-Identifier: Apache-2.0
// Pieces of the page. Everything is also well-formed XML, which is how the tests check it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/model.h"

namespace assay::report {

// Word as a badge with the statement as tooltip; sign and border tell it apart without colour.
std::string badge(std::string_view word, std::string_view statement = "");
// `text` linked to the evidence row `ref`; plain text when there is no ref.
std::string evidence(std::string_view text, std::string_view ref, std::string_view title = "");
// From the doctype to <body>: one file, no script, no outside resource. `style`: more rules.
std::string page_head(std::string_view title, std::string_view style = "");
std::string paragraph(std::string_view text, std::string_view css = "");  // escaped

// A table; every cell is escaped but raw().
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string> header, std::string_view css = "");
  HtmlTable& row(std::string_view id = "");
  HtmlTable& text(std::string_view s);
  HtmlTable& raw(std::string_view html);
  HtmlTable& num(std::string_view s, std::string_view ref = "", std::string_view title = "");
  HtmlTable& right(size_t column);  // the header over a column of num() cells
  bool empty() const { return rows_ == 0; }
  std::string str() const;  // in a container that scrolls when the page is narrow

 private:
  void cell(std::string_view html, std::string_view css);
  std::vector<std::string> header_;
  std::string css_, body_;
  std::vector<bool> right_;
  size_t rows_ = 0, column_ = 0;
};

// Sections, in their order on the page; each gives whole elements.
std::string html_findings(const Model& model);
std::string html_machine(const Model& model);
std::string html_headline(const Model& model, const ModelInfo& info);
std::string html_recipe(const Model& model, const ModelInfo& info, const Recipe& recipe);
std::string html_not_established(const Model& model);
std::string html_reproduce(const Model& model);
std::string html_appendix(const Model& model);

// Parts of a recipe's section ("" when there is nothing to say).
std::string html_outputs(const Recipe& recipe);
std::string html_flips(const Recipe& recipe);
std::string html_detections(const Recipe& recipe);
std::string html_accuracy(const Recipe& recipe);
std::string html_kernels(const Recipe& recipe);
std::string html_latency(const Recipe& recipe);
std::string html_spread(const Recipe& recipe);  // variance, trends, next build: below latency
std::string html_tail(const Recipe& recipe);
// Pairs of builds as drawing and table; `unit`: what is compared ("median", "p99").
std::string html_pairs(const VerdictRow& verdict, const Json& pairs, std::string_view unit);
std::string html_builds(const Recipe& recipe);
std::string html_cold(const Recipe& recipe);
std::string html_checks(const Recipe& recipe);
std::string html_conditions(const Recipe& recipe);

extern const std::string_view kStyle;

}  // namespace assay::report
