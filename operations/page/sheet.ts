// How the page looks: that of a run's report, and what is its own.
import { style } from "../measure/report/style.ts";

export const sheet = `${style}
body{padding-top:0}
.bar-top{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;padding:10px 0 8px;background:var(--back);border-bottom:1px solid var(--rule)}
#link{margin-left:auto;font-size:.85rem;color:var(--dim)}
#link.live{color:var(--good)}#link.live::before{content:"● "}
#link.gone{color:var(--bad);font-weight:600}
.cards{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr));margin-top:12px}
.card{background:var(--card);border-radius:6px;border-left:4px solid var(--good);padding:8px 12px;min-width:0;overflow-wrap:anywhere}
.card.unsaid{border-color:var(--rule)}.card.mind{border-color:#c98500}.card.bad{border-color:var(--bad)}
.card h2,.entry h3{margin:0;padding:0;border:0;font-size:1rem}
.card ul,.plain{list-style:none;margin:4px 0 0;padding:0}
.gauges{display:grid;grid-template-columns:auto 1fr auto;gap:1px 8px;align-items:center;font-size:.85rem;margin:4px 0}
.gauges meter{width:100%;height:.8em}
.units{display:flex;flex-wrap:wrap;gap:2px 10px;font-size:.85rem}
.good{color:var(--good)}.bad{color:var(--bad)}.mind{color:#8f5e00}
@media (prefers-color-scheme:dark){.mind{color:#e6b450}}
div.card{color:inherit}
.small{font-size:.85rem}
.outputs{display:grid;gap:8px 12px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.outputs>div{min-width:0}
pre{max-height:20rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0}
summary{padding:4px 0;overflow-wrap:anywhere}
time{white-space:nowrap}
.history{display:grid;grid-template-columns:auto auto 1fr;gap:3px 10px;font-size:.9rem}
.history>div{display:contents}
.history .what{min-width:0;overflow-wrap:anywhere}
td.long{font-family:inherit}
@media (max-width:560px){body{padding:0 10px 16px}.history{grid-template-columns:auto 1fr}.history .what{grid-column:1/-1;padding-bottom:6px;border-bottom:1px solid var(--rule)}}
`;
