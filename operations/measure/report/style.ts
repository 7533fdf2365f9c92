// How the page looks: on a phone and beside an editor, by day and by night.
import { Html } from "../../html.ts";

const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7f00", "#777777", "#444444"];

export const style =
  new Html(`:root{color-scheme:light dark;--back:#fff;--text:#1c2024;--dim:#5c6670;--rule:#dfe3e8;--card:#f6f8fa;--bad:#b3261e;--good:#19703b;--mark:#0072b2}
@media (prefers-color-scheme:dark){:root{--back:#14171a;--text:#e6e9ec;--dim:#9aa4ae;--rule:#2c3238;--card:#1d2125;--bad:#ff8a80;--good:#7ddba0;--mark:#56b4e9}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:16px;background:var(--back);color:var(--text);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.1rem;margin:0;font-weight:600}
h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
.top{display:flex;flex-wrap:wrap;gap:12px 32px;align-items:flex-end}
.top figure{flex:1 1 300px;max-width:520px}
.score{font-size:3rem;line-height:1.1;font-weight:700;font-variant-numeric:tabular-nums}
.failed{color:var(--bad)}.passed{color:var(--good)}
.dim{color:var(--dim)}
ol.first{padding:0;margin:0;list-style:none;display:grid;gap:8px;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr))}
ol.first li{background:var(--card);border-left:4px solid var(--mark);border-radius:4px;padding:8px 12px;overflow-wrap:anywhere}
ol.first li.grave{border-color:var(--bad)}
.plots{display:grid;gap:8px 16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
figure{margin:0;min-width:0}
figcaption{font-weight:600;font-size:.85rem}
svg{display:block;width:100%;height:auto}
svg text{font-size:10px;fill:var(--dim)}
.grid{stroke:var(--rule)}.phase{fill:var(--card)}
.line{fill:none;stroke-width:1.5}.area{opacity:.85}
svg.flame{min-width:760px}svg.flame text{font-size:10.5px;fill:#20130a;font-family:ui-monospace,monospace}
.bar{fill:var(--rule)}.bar.own{fill:var(--mark)}.bar.failed{fill:var(--bad)}
.legend{margin:0;font-size:.75rem;color:var(--dim);line-height:1.5}
.legend span{white-space:nowrap;margin-right:.6em}.legend i{display:inline-block;width:.7em;height:.7em;margin-right:.3em;border-radius:2px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{text-align:right;padding:3px 8px;border-bottom:1px solid var(--rule);white-space:nowrap;font-variant-numeric:tabular-nums;vertical-align:top}
th{color:var(--dim);font-weight:600}
th:first-child,td:first-child{padding-left:0}
td.long,th.long{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:15rem;font-family:ui-monospace,monospace;font-size:.8rem}
td.left,th.left{text-align:left}
td.share{position:relative;min-width:4.5rem}
td.share i{position:absolute;left:0;top:3px;height:1.35em;background:var(--mark);opacity:.22;border-radius:2px}
details{margin:.3rem 0}summary{cursor:pointer}
pre{background:var(--card);padding:8px 12px;border-radius:4px;overflow-x:auto;font-size:.78rem;margin:.3rem 0}
${colours.map((colour, index) => `.line.c${index}{stroke:${colour}}.area.c${index}{fill:${colour}}i.c${index}{background:${colour}}`).join("\n")}`);
