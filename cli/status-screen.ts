// What `fleet status` shows, as text: two or three lines a server, none wider than 80 columns where it can be helped.

import { shareText } from "../operations/balance/stack-share.ts";
import type { FleetServer } from "../operations/fleet-up.ts";
import type { HistoryEntry } from "../operations/history/entry.ts";
import { type Commit, isRight, type Service, staysOff } from "../operations/look/found.ts";
import type { Seen } from "../operations/look/look.ts";
import type { RunEntry } from "../operations/measure/runs.ts";
import { counted } from "../spec/counted.ts";
import { typed } from "../spec/typed.ts";
import { hanging, styled } from "./terminal.ts";

export interface Row {
  readonly server: FleetServer;
  readonly seen?: Seen;
  /** Why it could not be looked at. */
  readonly error?: string;
  readonly drift?: readonly string[];
  readonly undone: readonly string[];
  /** Of the requests of those that balance over it, by the stack file. @default 100 */
  readonly share?: number;
}

/** `4 d 3 h`, `4 h 9 min`, `12 s`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const told = first === -1 ? [parts[3]] : parts.slice(first, first === 2 ? 3 : first + 2).filter(([count]) => count > 0);
  return told.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
/** Coloured where it is much. */
const level = (share: number, text: string, [much, most]: readonly [number, number]): string =>
  share >= most ? styled("red", text) : share >= much ? styled("yellow", text) : text;

/** `last bench: 12,340 points, run 7 by ada@laptop at 3f9c0a1, 4 min ago` */
export function measuredText({ run, ended, who, score, passed, commit }: RunEntry, now: Date): string {
  const points = passed && score !== undefined ? `${score.toLocaleString("en")} points` : styled("red", "failed");
  const of = [`run ${run}`, `by ${who}`, ...(commit === undefined ? [] : [`at ${commit}`])].join(" ");
  return `last bench: ${points}, ${of}, ${span(now.getTime() / 1000 - ended)} ago`;
}

/** What stands above the servers. */
export interface Above {
  readonly expiresAt?: string | undefined;
  readonly measured?: RunEntry | undefined;
}

export function screen(
  stack: string,
  rows: readonly Row[],
  last: HistoryEntry | undefined,
  { expiresAt, measured }: Above = {},
  now = new Date(),
): string {
  const width = Math.max(...rows.map(({ server }) => server.name.length));
  const ago = last && span((now.getTime() - Date.parse(last.at)) / 1000);
  const run = last ? `last run: ${last.what} by ${last.who} ${ago} ago, ${last.result}` : "no run in its history yet";
  const head = `${styled("bold", stack)}  ${now.toTimeString().slice(0, 8)}  ${run}${endText(expiresAt, now)}`;
  return [head, ...(measured ? [measuredText(measured, now)] : []), ...rows.map((row) => rowText(row, width, now))].join("\n");
}

/** Red within its last hour, and after it: what is on its servers is soon gone. */
function endText(expiresAt: string | undefined, now: Date): string {
  if (expiresAt === undefined || expiresAt === "never") return "";
  const left = (Date.parse(expiresAt) - now.getTime()) / 1000;
  const text = left > 0 ? `goes in ${span(left)} (${expiresAt})` : `over since ${expiresAt}: ${typed()} down, or move target.expiresAt`;
  return `\n${left < 3600 ? styled("red", text) : text}`;
}

function rowText({ server, seen, error, drift, undone, share = 100 }: Row, width: number, now: Date): string {
  const name = styled("bold", server.name.padEnd(width));
  const indent = " ".repeat(width + 2);
  if (!seen) return `${name}  ${styled("red", hanging(error ?? "not looked at", indent))}`;
  const more = [
    share === 100 ? "" : styled("yellow", shareText(share)),
    servicesText(seen.services),
    seen.broken
      .filter((unit) => !seen.services.some((each) => each.unit === unit))
      .map((unit) => styled("yellow", `${unit} failed`))
      .join("  "),
    ...seen.commits.map(
      ({ path, id, at, subject, deployed }) =>
        `${path.split("/").at(-1)} ${id} ${subject} (${deployed ? deployedText(deployed, now) : `${ago(at, now)} old`})`,
    ),
    ...(seen.lock ? [styled("yellow", `${seen.lock.who} is at work: ${seen.lock.what}`)] : []),
    ...undone.map((each) => styled("red", each)),
    driftText(drift?.map((each) => each.replace(`${server.name} `, ""))),
  ];
  return [`${name}  ${figures(seen)}`, ...more.filter(Boolean).map((line) => `${indent}${hanging(line, indent)}`)].join("\n");
}

function figures({ upSeconds, load, cores, memoryMiB, memoryUsed, disks }: Seen): string {
  const fullest = disks.toSorted((a, b) => b.used - a.used)[0];
  const memory = memoryMiB >= 1024 ? `${(memoryMiB / 1024).toFixed(1)} GiB` : `${memoryMiB} MiB`;
  return [
    `up ${span(upSeconds)}`,
    level(load / Math.max(1, cores), `load ${load.toFixed(2)} on ${counted(cores, "core")}`, [1.5, 4]),
    level(memoryUsed, `memory ${percent(memoryUsed)} of ${memory}`, [0.85, 0.95]),
    ...(fullest ? [level(fullest.used, `disk ${fullest.place} ${percent(fullest.used)}`, [0.85, 0.95])] : []),
  ].join("  ");
}

const ago = (at: string, now: Date): string => span((now.getTime() - Date.parse(at)) / 1000);

const deployedText = ({ at, who, result, anyway }: NonNullable<Commit["deployed"]>, now: Date): string => {
  if (result === "back") return styled("yellow", `${who}'s deploy ${ago(at, now)} ago went back to it`);
  return `by ${who} ${ago(at, now)} ago${anyway === undefined ? "" : `, anyway: ${anyway}`}`;
};

const servicesText = (services: readonly Service[]): string =>
  services
    .map((service) => {
      const { unit, active, wanted } = service;
      const name = unit.replace(/\.service$/, "");
      if (wanted === "off") return isRight(service) ? styled("dim", `${name} off`) : styled("red", `${name} ${active}, wanted off`);
      if (!isRight(service)) return styled("red", `${name} ${active}`);
      if (staysOff(service)) return styled("yellow", `${name} not enabled`);
      return styled("green", active === "active" ? name : `${name} by its socket`);
    })
    .join("  ");

function driftText(drift: readonly string[] | undefined): string {
  if (drift === undefined) return "";
  const [first, ...rest] = drift;
  if (first === undefined) return styled("dim", "as the last run left it");
  return styled("yellow", `differs: ${first}${rest.length > 0 ? `, and ${rest.length} more` : ""}`);
}
