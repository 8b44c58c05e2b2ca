// SPDX-License-Identifier: Apache-2.0
// Style of the page. Colours after Okabe and Ito, which stay apart for most colour-blind readers;
// words, signs and borders carry the meaning without them.
#include "report/html_parts.h"

namespace assay::report {

const std::string_view kStyle = R"CSS(
:root{--bg:#fbfbfa;--card:#fff;--fg:#1d2329;--soft:#5d6872;--line:#dfe3e6;--link:#0b5f94;--same:#0072b2;--same-bg:#e5f1f8;--diff:#b34700;--diff-bg:#fcebdf;
--deg:#8a6100;--deg-bg:#fdf3d9;--open:#5d6872;--open-bg:#eef0f2;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#b07a00;--c5:#56b4e9;--c6:#6b7280;--c7:#7a5195;
--h0:#eef3f6;--h1:#f9e3c8;--h2:#f3b681;--h3:#d9752b;--h4:#a34a06}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--card:#1b2127;--fg:#e4e8eb;--soft:#9aa6b1;--line:#313a42;--link:#7cc0ee;--same:#6db9ea;--same-bg:#173246;--diff:#ff9a5c;--diff-bg:#43260f;
--deg:#f0c14b;--deg-bg:#3b2f0c;--open:#a9b4be;--open-bg:#2a3138;--c0:#56b4e9;--c1:#ff8c42;--c2:#2fc79b;--c3:#e6a3c8;--c4:#f0c14b;--c5:#9ad4f5;--c6:#a9b4be;--c7:#b99ad6;
--h0:#222b32;--h1:#4a3418;--h2:#7a4a17;--h3:#c26a22;--h4:#ff9a5c}}
*{box-sizing:border-box}
html{color-scheme:light dark;scroll-padding-top:3rem}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main,nav{max-width:1560px;margin:0 auto;padding:0 1.2rem}
header{padding-top:1.6rem}
h1{font-size:1.7rem;line-height:1.2;margin:.1rem 0 .3rem}
h2{font-size:1.25rem;margin:0 0 .7rem}
h3{font-size:1.1rem;margin:.2rem 0 .5rem}
h4{font-size:1rem;margin:1.5rem 0 .5rem;padding-top:.7rem;border-top:1px solid var(--line)}
h5{font-size:.9rem;margin:.9rem 0 .3rem;color:var(--soft)}
p{margin:.35rem 0}
.brand{font-weight:700;letter-spacing:.14em;text-transform:uppercase;font-size:.75rem;color:var(--same)}
.lead{font-size:1.08rem}
.soft,figcaption{color:var(--soft);font-size:.87rem}
.how{color:var(--soft);font-size:.87rem;border-left:3px solid var(--line);padding-left:.7rem;margin:.7rem 0;max-width:62rem}
nav{position:sticky;top:0;background:var(--bg);padding-top:.5rem;padding-bottom:.5rem;border-bottom:1px solid var(--line);z-index:3;font-size:.87rem;white-space:nowrap;overflow-x:auto}
nav a{margin-right:.9rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
main a{color:inherit;border-bottom:1px dotted var(--soft)}
main a:hover{color:var(--link);text-decoration:none;border-bottom-style:solid}
svg a{border:0}
:target{outline:2px solid var(--deg);outline-offset:-2px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.2rem;margin:1rem 0}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-size:.86rem;min-width:100%}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);padding:.3rem .6rem;vertical-align:bottom;overflow-wrap:break-word}
td{border-bottom:1px solid var(--line);padding:.32rem .6rem;vertical-align:top;min-width:2.6rem;max-width:34rem;overflow-wrap:break-word}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.facts td{min-width:6rem}
.facts td:first-child{white-space:nowrap;color:var(--soft)}
.headline{font-size:.79rem}
.headline td{min-width:4.4rem;max-width:12rem}
.headline td:has(.badge){min-width:7.2rem}
.headline td,.headline th{padding-left:.4rem;padding-right:.4rem}
.headline td a:has(b){border:0;color:var(--link)}
.headline td:first-child{position:sticky;left:0;background:var(--card);min-width:8rem}
.appendix{font-size:.78rem}
.appendix td{padding:.12rem .5rem}
.appendix td:nth-child(even){font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
code,pre{font:.92em ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
pre{background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;white-space:pre-wrap}
summary{cursor:pointer;color:var(--link);margin:.4rem 0}
.badge{display:inline-block;white-space:nowrap;font-size:.74rem;font-weight:700;letter-spacing:.03em;border-radius:4px;padding:.06rem .42rem;border:1.5px solid;cursor:help}
.badge.same{color:var(--same);background:var(--same-bg)}
.badge.different{color:var(--diff);background:var(--diff-bg);border-width:2px}
.badge.degraded{color:var(--deg);background:var(--deg-bg)}
.badge.open{color:var(--open);background:var(--open-bg);border-style:dashed}
.finding{margin:.4rem 0}
.figures{display:flex;flex-wrap:wrap;gap:.6rem 1.4rem;align-items:flex-start}
.stack{display:flex;flex-direction:column;max-width:100%}
figure{margin:.3rem 0;max-width:100%;overflow-x:auto}
figcaption{max-width:22rem}
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
.spark{border-bottom:1px solid var(--line)}
@media (max-width:760px){body{font-size:14px}header,main,nav{padding-left:.6rem;padding-right:.6rem}section{padding:.8rem .7rem}
.headline,.headline tbody,.headline tr,.headline td{display:block;min-width:0;max-width:none;width:100%}
.headline thead{display:none}
.headline tr{border:1px solid var(--line);border-radius:6px;margin:.6rem 0;padding:.2rem .3rem}
.headline td{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem .6rem;border:0;padding:.22rem .4rem}
.headline td br{display:none}
.headline td:first-child{position:static;font-size:1.05rem}
.headline td:not(:first-child)::before{content:attr(data-h);color:var(--soft);flex:0 0 9.5rem}
.headline td:first-child::before{content:none}}
@media print{:root{--bg:#fff;--card:#fff}nav{display:none}section{border:0;padding:0}.how{break-inside:avoid}figure,tr{break-inside:avoid}.scroll,figure{overflow:visible}body{font-size:10pt}}
)CSS";

}  // namespace assay::report
