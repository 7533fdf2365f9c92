// A rule names one thing that lives only at run time. Pure: what a look found, in; sentences, out.
import type { RetestFacts, Unit } from "../facts.ts";

/** `failure`: lost, or not there, after the reboot. `warning`: another server comes back than the one that was measured. */
export interface Fault {
  readonly state: "failure" | "warning";
  readonly text: string;
  /** Shell text for the server's root shell. */
  readonly mend?: string;
}

export interface Rule {
  /** As it is told: `sysctl`. */
  readonly name: string;
  /** What it looks for, in a few words. */
  readonly looks: string;
  readonly find: (facts: RetestFacts) => readonly Fault[];
}

export const failure = (text: string, mend?: string): Fault => ({ state: "failure", text, ...(mend !== undefined && { mend }) });
export const warning = (text: string, mend?: string): Fault => ({ state: "warning", text, ...(mend !== undefined && { mend }) });

/** Rows by their first word, without it. */
export const of = (rows: readonly (readonly string[])[], word: string): readonly (readonly string[])[] =>
  rows.filter(([first]) => first === word).map((row) => row.slice(1));

export const words = (text = ""): readonly string[] => text.split(" ").filter(Boolean);

/** Of a person's making, or of a program that a contest measures. */
export const isTeams = ({ Id = "", FragmentPath = "" }: Unit): boolean =>
  FragmentPath.startsWith("/etc/systemd/system/") || serving.test(Id);

const serving =
  /^(nginx|apache2|httpd|mysql|mysqld|mariadb|postgresql|redis|redis-server|memcached|php[\d.]*-fpm|haproxy|varnish|envoy|pdns|docker|keepalived|cron|ssh|sshd)(@.*)?\.service$/;

/** Gone, or emptied, at each boot. */
export const isFleeting = (path: string, fileSystem: string): boolean =>
  /^\/(run|var\/run|tmp|dev\/shm)\//.test(path) || ["tmpfs", "ramfs"].includes(fileSystem);

interface System {
  readonly boots: string;
  readonly inContainer: boolean;
  readonly updateWaits: boolean;
}

export function systemOf({ system }: RetestFacts): System {
  const [boots = "", container = "", update = ""] = system[0] ?? [];
  return { boots, inContainer: container !== "" && container !== "none", updateWaits: update === "yes" };
}

/** The first value of a row by its word. */
export const firstOf = (rows: readonly (readonly string[])[], word: string, otherwise = ""): string => of(rows, word)[0]?.[0] ?? otherwise;
