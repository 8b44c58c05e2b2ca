// SPDX-License-Identifier: Apache-2.0
// Colours after Okabe and Ito, which stay apart for most colour-blind readers; dashes and words
// tell the same without them.
#include "report/svg/style.h"

#include <fmt/format.h>

namespace assay::report::svg {

const std::string_view kPalette = R"CSS(
:root{--bg:#fbfbfa;--card:#fff;--fg:#1d2329;--soft:#5d6872;--line:#dfe3e6;--link:#0b5f94;--same:#0072b2;--same-bg:#e5f1f8;--diff:#b34700;--diff-bg:#fcebdf;
--deg:#8a6100;--deg-bg:#fdf3d9;--open:#5d6872;--open-bg:#eef0f2;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#b07a00;--c5:#56b4e9;--c6:#6b7280;--c7:#7a5195;
--h0:#eef3f6;--h1:#f9e3c8;--h2:#f3b681;--h3:#d9752b;--h4:#a34a06}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--card:#1b2127;--fg:#e4e8eb;--soft:#9aa6b1;--line:#313a42;--link:#7cc0ee;--same:#6db9ea;--same-bg:#173246;--diff:#ff9a5c;--diff-bg:#43260f;
--deg:#f0c14b;--deg-bg:#3b2f0c;--open:#a9b4be;--open-bg:#2a3138;--c0:#56b4e9;--c1:#ff8c42;--c2:#2fc79b;--c3:#e6a3c8;--c4:#f0c14b;--c5:#9ad4f5;--c6:#a9b4be;--c7:#b99ad6;
--h0:#222b32;--h1:#4a3418;--h2:#7a4a17;--h3:#c26a22;--h4:#ff9a5c}}
)CSS";

const std::string_view kChartStyle = R"CSS(
svg{display:block}
svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--fg)}
svg .tick{fill:var(--soft)}
svg .name{fill:var(--soft)}
svg .head{font-weight:600;font-size:12px}
svg .cell{font-size:12px;font-variant-numeric:tabular-nums}
svg .axis{stroke:var(--soft);fill:none}
svg .grid{stroke:var(--line);fill:none}
svg .curve{fill:none;stroke-width:1.7;stroke-linejoin:round}
svg .s0{stroke:var(--c0)}svg .s1{stroke:var(--c1);stroke-dasharray:7 2}svg .s2{stroke:var(--c2);stroke-dasharray:3 2}svg .s3{stroke:var(--c3);stroke-dasharray:9 2 2 2}
svg .s4{stroke:var(--c4)}svg .s5{stroke:var(--c5);stroke-dasharray:5 3}svg .s6{stroke:var(--c6);stroke-dasharray:2 3}svg .s7{stroke:var(--c7);stroke-dasharray:9 3}
svg .t1{stroke-width:2.6}svg .t2{stroke-width:1}svg .t3{stroke-width:3.4}
svg .fill{fill:var(--c0);opacity:.85}
svg .dot{fill:var(--c0)}
svg .bar-line{stroke:var(--c0);stroke-width:1.6;fill:none}
svg .open{stroke-dasharray:2 3}
svg .run{stroke:var(--c0);stroke-width:1.1;fill:none}
svg .none{fill:none;stroke:var(--line)}
svg .h0{fill:var(--h0)}svg .h1{fill:var(--h1)}svg .h2{fill:var(--h2)}svg .h3{fill:var(--h3)}svg .h4{fill:var(--h4)}
svg a:hover rect{stroke:var(--link);stroke-width:2}
svg .dark{fill:#fff;font-weight:600}
@media (prefers-color-scheme:dark){svg .dark{fill:#14181c}}
svg .faint{opacity:.5}
svg .thick{stroke-width:3}
svg .strong{font-weight:600}
svg .band{stroke:none;opacity:.2}
svg .f0{fill:var(--c0)}svg .f1{fill:var(--c1)}svg .f2{fill:var(--c2)}svg .f3{fill:var(--c3)}svg .f4{fill:var(--c4)}svg .f5{fill:var(--c5)}svg .f6{fill:var(--c6)}svg .f7{fill:var(--c7)}
svg .seen{stroke:var(--fg);stroke-width:1.2;fill:none}
svg .pt{stroke:var(--fg);stroke-width:4;stroke-linecap:round;fill:none}
svg .pt0{stroke:var(--c0);stroke-width:4.4;stroke-linecap:round;fill:none;opacity:.8}
svg .fg{fill:var(--fg)}
svg .mark{stroke:var(--soft);stroke-dasharray:4 3;fill:none}
svg .change{stroke:var(--diff);stroke-width:1.4;stroke-dasharray:6 3;fill:none}
svg .level{stroke:var(--fg);stroke-width:1;stroke-dasharray:2 2;fill:none}
svg .halo{fill:var(--fg);paint-order:stroke;stroke:var(--card);stroke-width:3px}
svg .diagonal{stroke:var(--soft);fill:none}
svg .beyond{fill:var(--soft);opacity:.14}
svg .margin{fill:var(--same);opacity:.14}
)CSS";

std::string standalone(std::string svg) {
  constexpr std::string_view kOpen = "<svg ";
  const size_t end = svg.find('>');
  if (!svg.starts_with(kOpen) || end == std::string::npos) return svg;
  std::string out = R"(<svg xmlns="http://www.w3.org/2000/svg" )";
  out += svg.substr(kOpen.size(), end + 1 - kOpen.size());
  out += fmt::format("<style>{}:root{{color-scheme:light dark;background:var(--card)}}{}</style>",
                     kPalette, kChartStyle);
  out += svg.substr(end + 1);
  return out + "\n";
}

}  // namespace assay::report::svg
