// The same plan, taken from a blank host: what a server runs at its first boot that nobody pushes to (a pool's launch template, a
// kickstart). One POSIX script; nothing of this project needs to be on the server.
import { UserError } from "../spec/problem.ts";
import { head, roleScript } from "./engine/apply.ts";
import { blank } from "./engine/observe.ts";
import type { Wants } from "./engine/order.ts";
import { type LateKind, latesIn } from "./engine/placeholders.ts";
import { type Change, plan } from "./engine/plan.ts";
import { quote } from "./engine/shell-quote.ts";

/** A role with what it wants on the server, its marks filled in. */
export interface BootRole {
  readonly role: string;
  readonly wants: Wants;
}

/** What may be read by everybody who can read the script: any process on the server, and whoever may describe it. */
const open: readonly LateKind[] = ["authorized-keys", "host-key", "mesh-public-key"];

/** Throws a UserError where a role waits for a secret: a script that a server fetches by itself can't keep one. */
export function refuseSecrets(place: string, roles: readonly BootRole[]): void {
  const told = roles.flatMap(({ role, wants }) =>
    latesIn(wants).flatMap((name) =>
      open.includes(name.slice(0, name.indexOf(":")) as LateKind) ? [] : [`\`${role}\` wants \`${name}\``],
    ),
  );
  if (told.length === 0) return;
  throw new UserError(
    `${place}: expected roles without secrets, which every process on such a server could read, got: ${told.join(", ")}; ` +
      "next: let the server fetch them with its own rights, or give the role to a server of its own",
  );
}

const sentencesOf = (role: string, { address, steps }: Change): readonly string[] =>
  steps.map(({ change }) => `${role}: ${address}: ${change.replace(/\s+/g, " ")}`);

/** Tells each step as it begins; the first that fails ends the script, since what comes after stands on it. */
const words = `later() { tell "$@"; }
pass() { printf '%s\\n' "$1"; }
tell() {
  case $1 in
    begin) sentence "$2" ;;
    fail | left) printf 'failed with exit code %s\\n' "$3"; exit 1 ;;
  esac
}`;

function section({ role, wants }: BootRole): string {
  const seen = blank(wants);
  const { changes } = plan(wants, seen);
  const sentences = changes.flatMap((change) => sentencesOf(role, change)).map((text, at) => `${at}) echo ${quote(text)} ;;`);
  const body = roleScript({ role, wants, seen, changes, forgotten: [] }).map(({ text }) => text);
  return [`sentence() { case $1 in`, ...sentences, "esac; }", ...body].join("\n");
}

/**
 * Runs as root, ends with 0 where all roles are as they should be, and tells of each step on standard output. It may run again, on a
 * server that has some of it already. The same roles give the same text.
 */
export function bootScript(roles: readonly BootRole[]): string {
  const sections = roles.filter(({ wants }) => Object.keys(wants).length > 0).map(section);
  return ["#!/bin/sh", "# Managed by fleet (first boot).", head("boot").text, words, ...sections, "exit 0", ""].join("\n");
}
