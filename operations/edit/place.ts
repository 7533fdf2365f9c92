// Where an edited file comes to lie among the stack's own files, and what counts there already.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { completeFacts, type Facts } from "../../provisioners/engine/facts.ts";
import { expandRole, type FleetPlan, replacements, rolesOf, type ServerPlan } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { common, type OverlayFile, suffix } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { FilePath } from "../../spec/scalars.ts";
import { typed } from "../../spec/typed.ts";
import { shownName } from "../stack-file.ts";
import type { RemoteFile } from "./remote-file.ts";

export interface Wish {
  readonly server: string;
  readonly path: string;
}

/** `isu1:/etc/nginx/nginx.conf` */
export function wishIn(word: string): Wish {
  const at = word.indexOf(":");
  const [server, path] = [word.slice(0, Math.max(at, 0)), word.slice(at + 1)];
  if (server !== "" && FilePath.safeParse(path).success) return { server, path };
  const next = word.startsWith("/") ? `isu1:${word}` : "isu1:/etc/nginx/nginx.conf";
  throw new UserError(`edit: expected a server and an absolute path, got \`${word}\`; next: ${typed()} edit ${next}`);
}

export interface Place {
  /** The file that is to be written: absolute. */
  readonly file: string;
  /** As people name it. */
  readonly shown: string;
  /** A template stands for it: that is what is edited, since what it makes is no source. */
  readonly template: boolean;
  /** What it holds now; undefined where it is new. */
  readonly before: string | undefined;
  /** Sentences that whoever edits wants to know. */
  readonly notes: readonly string[];
}

/** The file of the stack's own that comes to lie at a path of a server, as people name it. */
export function sourceOf({ spec }: Pick<FleetPlan, "spec">, { server, path }: Wish): string | undefined {
  const folder = resolve(stacksFolder, spec.files);
  const all = [server, common].flatMap((layer) => [path, `${path}${suffix}`].map((each) => join(folder, layer, each)));
  const found = all.find((file) => existsSync(file));
  return found && shownName(found);
}

/** Throws a UserError where another file of the stack's would win over the one that is edited. */
export function placeOf({ spec, servers }: Pick<FleetPlan, "spec" | "servers">, { server, path }: Wish, all: boolean): Place {
  const folder = resolve(stacksFolder, spec.files);
  const there = (layer: string): string | undefined =>
    [path, `${path}${suffix}`].map((each) => join(folder, layer, each)).find((file) => existsSync(file));
  const layer = all ? common : server;
  const found = there(layer);
  const file = found ?? join(folder, layer, path);
  const [own, shared] = [there(server), there(common)];
  if (all && own !== undefined)
    throw new UserError(
      `edit: --all: expected no file of ${server}'s own, got \`${shownName(own)}\`, which would go on to count there; next: remove it, or leave --all out`,
    );
  const others = all ? servers.map(({ name }) => there(name)).filter((each) => each !== undefined) : [];
  return {
    file,
    shown: shownName(file),
    template: file.endsWith(suffix),
    before: found === undefined ? undefined : readFileSync(found, "utf8"),
    notes: [
      ...(!all && own === undefined && shared !== undefined
        ? [`\`${shownName(shared)}\` counts for all servers until now; --all edits that`]
        : []),
      ...others.map((each) => `\`${shownName(each)}\` goes on to count on its server`),
    ],
  };
}

/**
 * What the file takes the place of on a server, a sentence each. Throws a UserError where a role's resource can't give way to a file: before
 * anybody has typed a line.
 */
export function taken(plan: FleetPlan, names: readonly string[], path: string, factsOf: (server: string) => unknown): readonly string[] {
  const entry: OverlayFile = { path, content: "", mode: "0644" };
  return plan.servers
    .filter(({ name }) => names.includes(name))
    .flatMap((server) => {
      const facts = completeFacts((factsOf(server.name) ?? {}) as Partial<Facts>);
      if (!facts) return [];
      const overlay = [...server.overlay.filter((each) => each.path !== path), entry];
      const laid: ServerPlan = { ...server, overlay };
      for (const role of rolesOf(laid)) expandRole(plan, laid, role, facts);
      return replacements(plan, { ...laid, overlay: [entry] }, facts);
    });
}

/**
 * Pure: which text is edited. The stack's own goes before the server's: what was refused yesterday is still to be mended, and the next up puts
 * it there anyway.
 */
export function chosen(
  { before, template, shown }: Pick<Place, "before" | "template" | "shown">,
  { text: there }: Pick<RemoteFile, "text">,
  { fromServer }: { readonly fromServer: boolean },
): { readonly text: string; readonly notes: readonly string[] } {
  const text = there ?? "";
  if (before === undefined)
    return {
      text,
      notes: there === undefined ? ["the server has no such file: edits a new one; leave it empty if the name was a slip"] : [],
    };
  if (template) return { text: before, notes: [`\`${shown}\` is a template: edits that, not what it makes`] };
  if (before === text) return { text, notes: [] };
  if (fromServer) return { text, notes: [`\`${shown}\` says otherwise: edits the server's`] };
  return { text: before, notes: [`the server's file differs from \`${shown}\`: edits that; --from-server edits the server's`] };
}

/** An executable file stays one; whose it is, the plan says. */
export function write({ file }: Pick<Place, "file">, text: string, mode: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const executable = (Number.parseInt(mode, 8) & 0o111) !== 0;
  if (existsSync(file)) writeFileSync(file, text);
  else writeFileSync(file, text, { mode: executable ? 0o755 : 0o644 });
}

/** Why a text had better not stand in the clear among files that a team shares; undefined where nothing speaks against it. */
export function tellsSecret(text: string, mode: string, mask: (text: string) => string): string | undefined {
  if (mask(text) !== text) return "one with a secret of the stack in it";
  return (Number.parseInt(mode, 8) & 0o004) === 0 ? `one that not everybody on the server may read (mode ${mode})` : undefined;
}
