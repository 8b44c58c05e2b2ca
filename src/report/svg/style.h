// SPDX-License-Identifier: Apache-2.0
// Colours and classes of the drawings, for pages and for drawings that stand alone. Light, dark and
// paper come from the palette's variables.
#pragma once

#include <string>
#include <string_view>

namespace assay::report::svg {

extern const std::string_view kPalette;     // :root variables, light and dark
extern const std::string_view kChartStyle;  // rules for what the drawings use

// `svg` (one <svg> of this folder) as a file that a browser shows as it is on the page: with
// namespace, style and background. Text that is no <svg> comes back unchanged.
std::string standalone(std::string svg);

}  // namespace assay::report::svg
