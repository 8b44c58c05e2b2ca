// SPDX-License-Identifier: Apache-2.0
// Style of the page, after svg/style.cc: words, signs and borders carry the meaning without colour.
#include "report/html_parts.h"

namespace assay::report {

const std::string_view kStyle = R"CSS(
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
th.n{text-align:right}
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
