// SPDX-License-Identifier: Apache-2.0
// The report of one run: load once, print in any form. Every printer is a pure function of the
// Model, so equal evidence gives equal bytes.
#pragma once

#include <string>

#include "base/result.h"
#include "report/model.h"

namespace assay::report {

// Terminal: summary first, aligned tables; ANSI colours only when `colour`.
Result<std::string> to_text(const Model& model, bool colour);
// GitHub-flavoured Markdown that pastes into an issue as it is.
Result<std::string> to_markdown(const Model& model);
// Everything, key order stable, `"format": 1`.
Result<std::string> to_json(const Model& model);
// One self-contained page: no scripts, no external resource, everything escaped.
Result<std::string> to_html(const Model& model);
// Only the verdicts, canonical: sorted, without random ids and without times of day; two runs that
// conclude the same from the same figures give the same bytes. Ends with a newline.
Result<std::string> verdicts_json(const Model& model);

}  // namespace assay::report
