// The parts of the page as HTML. Whatever a server or a person said goes in as text: html`` escapes it. Pure.

import { counted } from "../../spec/counted.ts";
import type { HistoryEntry } from "../history/entry.ts";
import { type Html, html } from "../html.ts";
import { type Commit, isRight, type Service } from "../look/found.ts";
import type { Seen } from "../look/look.ts";
import { percent, whole } from "../measure/report/figures.ts";
import { bars } from "../measure/report/plot.ts";
import type { RunEntry } from "../measure/runs.ts";
import type { Chosen, Glance, Output } from "./gaze.ts";
import type { KeptRun, Measurements } from "./kept.ts";

/** The reader's browser says how long ago that is. */
const ago = (iso: string): Html => html`<time datetime="${iso}">${iso.slice(11, 16)} UTC</time>`;

/** Parts are found by these ids. */
export const cardId = (server: string): string => `server-${server}`;
export const chosenId = (index: number): string => `chosen-${index}`;

const shown = { runs: 40, rows: 8, differences: 5 };

// --- servers

/** Shares from which on a gauge is worth a look, and from which on it is an alarm. */
const levels = { load: [1.5, 4], memory: [0.85, 0.95], disk: [0.85, 0.95] } as const;

function gauge(name: string, value: number, [mind, bad]: readonly [number, number], text: string, top = 1): Html {
  const state = value >= bad ? "bad" : value >= mind ? "mind" : "";
  return html`<span>${name}</span><meter min="0" max="${top}" low="${mind}" high="${bad}" optimum="0" value="${Math.min(value, top).toFixed(2)}"></meter><span class="${state}">${text}</span>`;
}

function gauges({ load, cores, memoryMiB, memoryUsed, disks }: Seen): Html {
  const memory = memoryMiB >= 1024 ? `${(memoryMiB / 1024).toFixed(1)} GiB` : `${memoryMiB} MiB`;
  const fullest = disks.toSorted((a, b) => b.used - a.used)[0];
  return html`<div class="gauges">${gauge("load", load / Math.max(1, cores), levels.load, `${load.toFixed(2)} on ${cores}`, 6)}
${gauge("memory", memoryUsed, levels.memory, `${percent(memoryUsed)} of ${memory}`)}
${fullest && gauge("disk", fullest.used, levels.disk, `${percent(fullest.used)} of ${fullest.place}`)}</div>`;
}

function unit(service: Service): Html {
  const { unit: name, active, enabled, wanted } = service;
  const short = name.replace(/\.service$/, "");
  if (wanted === "off")
    return isRight(service) ? html`<span class="dim">${short} off</span>` : html`<b class="bad">${short} ${active}, wanted off</b>`;
  if (active !== "active") return html`<b class="bad">${short} ${active}</b>`;
  return enabled === "disabled" ? html`<span class="mind">${short} not enabled</span>` : html`<span class="good">${short}</span>`;
}

function commit({ path, id, at, subject, deployed }: Commit): Html {
  const by =
    deployed === undefined
      ? html`of ${ago(at)}`
      : deployed.result === "back"
        ? html`<span class="mind">${deployed.who}'s deploy went back to it</span> ${ago(deployed.at)}`
        : html`by ${deployed.who} ${ago(deployed.at)}${deployed.anyway !== undefined && `, anyway: ${deployed.anyway}`}`;
  return html`<li>${path.split("/").at(-1)} <b>${id}</b> ${subject} <span class="dim">${by}</span></li>`;
}

const broken = ({ broken: all, services }: Seen): readonly string[] =>
  all.filter((each) => !services.some(({ unit: name }) => name === each));

/** The worst of what is known of a server. */
export function stateOf({ seen, error, drift, server }: Glance): "unsaid" | "good" | "mind" | "bad" {
  if (error !== undefined) return "bad";
  if (!seen) return "unsaid";
  if (seen.services.some((each) => !isRight(each)) || server.undone.length > 0) return "bad";
  if (broken(seen).length > 0 || (drift?.length ?? 0) > 0 || seen.lock) return "mind";
  return "good";
}

/** What is inside of a server's card. */
export function card(glance: Glance): Html {
  const { server, seen, at, error, drift } = glance;
  const head = html`<h2>${server.name} <span class="dim small">${server.connection.address} ${server.roles.join(" ")}</span></h2>`;
  const cannot = error !== undefined && html`<p class="bad"><b>${error}</b>${at !== undefined && html`; seen ${ago(at)}`}</p>`;
  if (!seen) return html`<div class="card ${stateOf(glance)}">${head}${cannot || html`<p class="dim">not looked at yet</p>`}</div>`;
  const differs = drift?.map((each) => each.replace(`${server.name} `, "")) ?? [];
  return html`<div class="card ${stateOf(glance)}">${head}${cannot}${gauges(seen)}
<div class="units">${seen.services.map((each) => html`${unit(each)} `)}${broken(seen).map((each) => html`<span class="mind">${each} failed</span> `)}</div>
<ul class="small">${seen.commits.map(commit)}
${seen.lock && html`<li class="mind"><b>${seen.lock.who} is at work</b>: ${seen.lock.what}</li>`}
${server.undone.map((each) => html`<li class="bad">${each}</li>`)}
<li class="dim">booted ${ago(upSince(seen, at))}</li>
${
  drift &&
  (differs.length === 0
    ? html`<li class="dim">as the last run left it</li>`
    : html`<li class="mind">differs: ${differs[0]}${differs.length > 1 && html`<details data-key="drift-${server.name}"><summary>and ${differs.length - 1} more</summary><ul>${differs.slice(1).map((each) => html`<li>${each}</li>`)}</ul></details>`}</li>`)
}</ul></div>`;
}

/** To the minute: a clock that is read again a moment later is no news. */
const upSince = ({ upSeconds }: Seen, at = new Date().toISOString()): string => {
  const since = new Date(Date.parse(at) - upSeconds * 1000);
  since.setUTCSeconds(0, 0);
  return since.toISOString();
};

// --- what was chosen

const sameAs = (output: Output): string => JSON.stringify([output.code, output.lines, output.error]);

/** Servers that say the same stand together. */
export function chosenPart(
  { title, user, command }: Chosen,
  outputs: readonly { readonly server: string; readonly output: Output }[],
): Html {
  const groups = [...Map.groupBy(outputs, ({ output }) => sameAs(output)).values()];
  return html`<h3><code>${title}</code>${title !== command && !command.startsWith("tail ") && html` <span class="dim small">${command}</span>`}${user && html` <span class="dim small">as ${user}</span>`}</h3>
${groups.length === 0 && html`<p class="dim">not asked yet</p>`}<div class="outputs">${groups.map((group) => {
    const { lines, code, error, dropped } = group[0]!.output;
    const names = group.map(({ server }) => server).join(", ");
    const failed = error ?? (code === 0 ? undefined : `exit ${code}`);
    return html`<div><b>${names}</b>${failed !== undefined && html` <b class="bad">${failed}</b>`}${dropped > 0 && html` <span class="dim small">${counted(dropped, "line")} before</span>`}<pre data-key="${title} ${names}">${lines.join("\n") || "(nothing)"}</pre></div>`;
  })}</div>`;
}

// --- runs

function runPart({ id, what, at, outputs, ended }: KeptRun, open: boolean): Html {
  const state = !ended
    ? html`<b class="mind">goes on</b>`
    : html`<span class="${ended.failed ? "bad" : "good"}">${ended.failed ? "failed" : "done"}</span>`;
  return html`<details data-key="${id}"${open && html` open`}><summary><b>${what}</b> ${ended && html`<code>${ended.about}</code>`} ${state} <span class="dim">${ago(at)}</span></summary>
${ended && ended.rows.length > 0 && html`<p class="small">${ended.rows.join(", ")}</p>`}<div class="outputs">${outputs.map(
    ({ server, lines, dropped }) =>
      html`<div><b>${server}</b>${dropped && html` <span class="dim small">its end</span>`}<pre data-key="${id} ${server}">${lines.join("\n")}</pre></div>`,
  )}</div></details>`;
}

export const runsPart = (all: readonly KeptRun[]): Html =>
  all.length === 0
    ? html`<p class="dim">None yet: what <code>fleet run</code> and <code>fleet deploy</code> print on this computer comes here.</p>`
    : html`${all.map((each, index) => runPart(each, index === 0))}`;

// --- measurements

export function measuredPart({ all, now }: Measurements): Html {
  const going = now && html`<p class="mind"><b>run ${now.run} is being measured</b>, begun ${ago(now.since)}</p>`;
  if (all.length === 0) return html`${going || html`<p class="dim">None yet: <code>fleet bench</code> makes the first.</p>`}`;
  const best = Math.max(0, ...all.flatMap(({ score, passed }) => (passed && score !== undefined ? [score] : [])));
  const about = (each: RunEntry) =>
    `run ${each.run}: ${each.score === undefined ? "no score" : whole(each.score)} ${each.note ?? each.subject ?? ""}`;
  const bar = (each: RunEntry) => ({
    label: String(each.run),
    value: each.score ?? 0,
    bad: !each.passed,
    own: each.score === best,
    about: about(each),
  });
  const rows = all.toReversed().slice(0, shown.rows);
  return html`${going}${all.length > 1 && bars(all.slice(-shown.runs).map(bar), whole)}
<div class="scroll"><table><thead><tr><th>run</th><th>score</th><th>when</th><th class="long">what</th></tr></thead><tbody>${rows.map(
    (each) =>
      html`<tr><td>${each.run}</td><td class="${!each.passed && "failed"}"><b>${each.score === undefined ? "–" : whole(each.score)}</b>${!each.passed && " failed"}</td><td>${ago(new Date(each.ended * 1000).toISOString())}</td><td class="long">${each.note && html`<b>${each.note}</b> `}${[each.commit, each.subject].filter(Boolean).join(" ")} <span class="dim">${each.who}</span></td></tr>`,
  )}</tbody></table></div>`;
}

// --- history

const colours = { done: "good", failed: "bad", interrupted: "mind" } as const;

export const historyPart = (entries: readonly HistoryEntry[]): Html =>
  entries.length === 0
    ? html`<p class="dim">Nobody has changed anything yet.</p>`
    : html`<div class="history">${entries.map(
        ({ at, who, what, result, summary, servers }) =>
          html`<div><span class="dim">${ago(at)}</span><span><b>${what}</b> <span class="${colours[result]}">${result}</span></span><span class="what">${summary || servers.join(", ")} <span class="dim">${who}</span></span></div>`,
      )}</div>`;

// --- the whole

export interface Whole {
  readonly stack: string;
  readonly servers: readonly string[];
  readonly chosen: readonly Chosen[];
  /** What is inside of each, made here. */
  readonly part: (id: string) => Html;
}

/** As it is now; what comes later comes by events. */
export function wholePage({ stack, servers, chosen, part }: Whole): string {
  const place = (id: string) => html`<div id="${id}">${part(id)}</div>`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${stack}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><script defer src="/page.js"></script></head>
<body><header class="bar-top"><h1>${stack}</h1><span class="dim small">${counted(servers.length, "server")}</span><span id="link">not live</span></header>
<noscript><p class="bad">Without JavaScript this is how it was when it was loaded.</p></noscript>
<section class="cards">${servers.map((name) => place(cardId(name)))}</section>
${chosen.length > 0 && html`<section><h2>Commands and files</h2>${chosen.map((_, index) => place(chosenId(index)))}</section>`}
<section><h2>Runs on this computer</h2>${place("runs")}</section>
<section><h2>Measurements</h2>${place("measured")}</section>
<section><h2>Who changed what</h2>${place("history")}</section>
</body></html>
`.text;
}
