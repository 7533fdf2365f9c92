// Reports as text, JSON and JUnit: functions of the same records.

import { mark, type Result, type RoleReport } from "../provisioners/engine/report.ts";
import { aroundServers } from "./reports.ts";
import { counted, styled } from "./terminal.ts";

export interface PrintOptions {
  /** Show what is right, too. */
  readonly all: boolean;
}

type Printer = (reports: readonly RoleReport[], options: PrintOptions) => string;

const colours = { unchanged: "dim", changed: "yellow", pending: "yellow", failed: "red", skipped: "dim", "not-applicable": "dim" } as const;

const indented = (lines: readonly string[]): string =>
  lines
    .flatMap((line) => line.split("\n"))
    .map((line) => `\n      ${line}`)
    .join("");

const row = ({ address, outcome, changes, reason }: Result): string =>
  `  ${styled(colours[outcome], `${mark(outcome)} ${address}`)}${indented([...changes, ...(reason ? [reason] : [])])}`;

const text: Printer = (reports, { all }) => {
  const results = reports.flatMap((report) => report.results);
  const off = results.filter(({ outcome }) => outcome !== "unchanged");
  const shown = reports
    .map((report) => ({ ...report, results: all ? report.results : report.results.filter(({ outcome }) => outcome !== "unchanged") }))
    .filter((report) => report.results.length > 0);
  const blocks = shown.map(({ host, role, results: rows }) => `${styled("bold", `${host} ${role}`)}\n${rows.map(row).join("\n")}`);
  const servers = new Set(reports.map(({ host }) => host).filter((host) => host !== aroundServers)).size;
  const places = [
    ...(servers > 0 ? [counted(servers, "server")] : []),
    ...(reports.some(({ host }) => host === aroundServers) ? ["AWS"] : []),
  ];
  const verdict =
    off.length === 0 ? styled("green", "all as it should be") : styled("red", `${off.length} differ${off.length === 1 ? "s" : ""}`);
  return [...blocks, `${counted(results.length, "resource")} on ${places.join(" and ")}: ${verdict}`].join("\n\n");
};

const json: Printer = (reports) => JSON.stringify(reports, null, 2);

const escaped = (value: string): string =>
  value
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?");

const junit: Printer = (reports) => {
  const cases = ({ host, role, results }: RoleReport) =>
    results.map(({ address, outcome, changes, reason }) => {
      const open = `    <testcase classname="${escaped(`${host}.${role}`)}" name="${escaped(address)}"`;
      const message = escaped([...changes, ...(reason ? [reason] : [])].join("\n"));
      return outcome === "unchanged" ? `${open}/>` : `${open}><failure message="${escaped(outcome)}">${message}</failure></testcase>`;
    });
  const suites = reports.map((report) => {
    const failures = report.results.filter(({ outcome }) => outcome !== "unchanged").length;
    const head = `  <testsuite name="${escaped(`${report.host} ${report.role}`)}" tests="${report.results.length}" failures="${failures}">`;
    return [head, ...cases(report), "  </testsuite>"].join("\n");
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>"].join("\n");
};

export const printers = { text, json, junit };
export const printerNames = Object.keys(printers);
