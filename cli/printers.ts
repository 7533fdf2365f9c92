// Reports as text, JSON and JUnit: functions of the same records.

import { mark, type Result, type RoleReport } from "../provisioners/engine/report.ts";
import { counted } from "../spec/counted.ts";
import { remarkLines } from "./remarks.ts";
import { aroundServers } from "./reports.ts";
import { styled } from "./terminal.ts";

export interface PrintOptions {
  /** Show what is right, too. */
  readonly all: boolean;
}

type Printer = (reports: readonly RoleReport[], options: PrintOptions) => string;

const colours = {
  unchanged: "dim",
  changed: "yellow",
  pending: "yellow",
  failed: "red",
  skipped: "dim",
  "not-applicable": "dim",
  "not-looked-at": "red",
} as const;

const indented = (lines: readonly string[]): string =>
  lines
    .flatMap((line) => line.split("\n"))
    .map((line) => `\n      ${line}`)
    .join("");

const row = ({ address, outcome, changes, reason }: Result): string =>
  `  ${styled(colours[outcome], `${mark(outcome)} ${address}`)}${indented([...changes, ...(reason ? [reason] : [])])}`;

const text: Printer = (reports, { all }) => {
  const results = reports.flatMap((report) => report.results);
  const blocks = reports
    .map(({ host, role, results: own }, index) => ({ title: `${host} ${role}`, rows: rowsOf(own, all, saidBefore(reports, index)) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `${styled("bold", title)}\n${rows.join("\n")}`);
  const servers = new Set(reports.map(({ host }) => host).filter((host) => host !== aroundServers)).size;
  const places = [
    ...(servers > 0 ? [counted(servers, "server")] : []),
    ...(reports.some(({ host }) => host === aroundServers) ? ["AWS"] : []),
  ];
  const remarks = remarkLines(reports);
  const told = remarks.length > 0 ? [`${styled("bold", "to know")}\n${remarks.map((line) => `  ${line}`).join("\n")}`] : [];
  return [...blocks, ...told, `${counted(results.length, "resource")} on ${places.join(" and ")}: ${verdict(results)}`].join("\n\n");
};

/** Why nobody looked there, by what is printed of the same server above. */
const saidBefore = (reports: readonly RoleReport[], index: number): ReadonlySet<string> =>
  new Set(
    reports
      .slice(0, index)
      .filter(({ host }) => host === reports[index]!.host)
      .flatMap(({ results }) => results.flatMap(({ reason }) => reason ?? [])),
  );

/** What was not looked at on one server has one reason: one line says it, once, but where every resource is asked for. */
function rowsOf(results: readonly Result[], all: boolean, said: ReadonlySet<string>): readonly string[] {
  if (all) return results.map(row);
  const unseen = results.filter(({ outcome }) => outcome === "not-looked-at");
  const sum = `  ${mark("not-looked-at")} ${counted(unseen.length, "resource")} not looked at`;
  return [
    ...results.filter(({ outcome }) => outcome !== "unchanged" && outcome !== "not-looked-at").map(row),
    ...unseen
      .slice(0, 1)
      .map(({ outcome, reason = "" }) => `${styled(colours[outcome], sum)}${indented(said.has(reason) ? [] : [reason])}`),
  ];
}

function verdict(results: readonly Result[]): string {
  const unseen = results.filter(({ outcome }) => outcome === "not-looked-at").length;
  const off = results.filter(({ outcome }) => outcome !== "unchanged").length - unseen;
  const parts = [...(off > 0 ? [`${off} differ${off === 1 ? "s" : ""}`] : []), ...(unseen > 0 ? [`${unseen} not looked at`] : [])];
  return parts.length === 0 ? styled("green", "all as it should be") : styled("red", parts.join(", "));
}

const json: Printer = (reports) => JSON.stringify(reports, null, 2);

const escaped = (value: string): string =>
  value
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?");

const junit: Printer = (reports) => {
  const cases = ({ host, role, results }: RoleReport) =>
    results.map(({ address, outcome, changes, reason, notes = [] }) => {
      const open = `    <testcase classname="${escaped(`${host}.${role}`)}" name="${escaped(address)}"`;
      const message = escaped([...changes, ...(reason ? [reason] : [])].join("\n"));
      if (outcome === "not-looked-at") return `${open}><skipped message="${message}"/></testcase>`;
      if (outcome === "unchanged")
        return notes.length > 0 ? `${open}><system-out>${escaped(notes.join("\n"))}</system-out></testcase>` : `${open}/>`;
      return `${open}><failure message="${escaped(outcome)}">${message}</failure></testcase>`;
    });
  const suites = reports.map((report) => {
    const skipped = report.results.filter(({ outcome }) => outcome === "not-looked-at").length;
    const failures = report.results.filter(({ outcome }) => outcome !== "unchanged").length - skipped;
    const sums = `tests="${report.results.length}" failures="${failures}" skipped="${skipped}"`;
    const head = `  <testsuite name="${escaped(`${report.host} ${report.role}`)}" ${sums}>`;
    return [head, ...cases(report), "  </testsuite>"].join("\n");
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>"].join("\n");
};

export const printers = { text, json, junit };
export const printerNames = Object.keys(printers);
