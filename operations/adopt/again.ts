// A second look at adopted servers: what changed on them since comes into the stack's files, and is shown as a diff.
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Document, parseDocument } from "yaml";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { stacksFolder } from "../../provisioners/project.ts";
import { planOf } from "../../provisioners/stack.ts";
import { type OverlayEntry, overlays } from "../../spec/overlay.ts";
import { valueAt } from "../../spec/path.ts";
import { UserError } from "../../spec/problem.ts";
import { fleetKey } from "../../spec/secrets.ts";
import { type Commit, commitOf, uncommitted } from "./commit.ts";
import { type Adopted, type Description, describe, type Way } from "./describe.ts";
import { changesOf, pageChange, type ServerChange } from "./diff.ts";
import type { ServerFacts } from "./facts.ts";
import { lookAtServer } from "./look.ts";
import { pageOf } from "./page.ts";
import { factsOf } from "./parse.ts";
import { laid, prove, type Reached } from "./prove.ts";
import { isLooked } from "./sections.ts";
import { type Encryption, stackText } from "./stack-file.ts";
import { layersOf } from "./trees.ts";
import { alreadyThere, placesOf, writeTrees } from "./write.ts";

export interface AgainWish {
  readonly stack: string;
  readonly ways: readonly Way[];
  /** In the clear, as the stack has them: the same password keeps its name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly encryption: Encryption;
  readonly commit: boolean;
}

export interface AgainOutcome {
  readonly changes: readonly ServerChange[];
  /** Lines of the stack file that were changed. */
  readonly settings: readonly string[];
  readonly page: string;
  readonly commit: Commit | undefined;
}

/** Before anybody is asked for anything: what nobody committed would be lost. Throws a UserError. */
export async function refuseUncommitted(stack: string): Promise<void> {
  const changed = await uncommitted(alreadyThere(stack));
  if (changed.length > 0)
    throw new UserError(
      `${stack}: expected files as they were committed, got changes in ${changed.slice(0, 3).join(", ")}; next: git commit them, or take them back`,
    );
}

/** Throws HostError and UserError; nothing is written then. */
export async function adoptAgain(
  { stack, ways, secrets, encryption, commit }: AgainWish,
  reached: readonly Reached[],
): Promise<AgainOutcome> {
  const from = Math.floor(Date.now() / 1000);
  const answers = await Promise.all(reached.map(({ shell }) => lookAtServer(shell)));
  const looked = { from, to: Date.now() / 1000 };
  const servers = ways.map((way, index) => ({ way, facts: { ...factsOf(way.name, answers[index]!), fleetIsHere: false } }));
  const adopted: Adopted = { stack, servers, members: [], secrets };
  const proof = await prove(describe(adopted), reached, (of) => stackText(of, ways, encryption));
  const places = placesOf(stack);
  const plan = planOf(stack);
  const old = overlays(
    join(stacksFolder, plan.spec.files),
    ways.map(({ name }) => name),
  );
  const now = Object.fromEntries(
    servers.map(({ way: { name }, facts }) => [name, merged(old[name] ?? [], laid(proof.description.layers, name), facts)] as const),
  );
  const page = pageOf(adopted, proof, looked);
  const changes = [...changesOf(old, now), ...pageChange(places.page, page)];
  const settings = edited(plan, proof.description, encryption);
  writeTrees(stack, layersOf(now));
  writeFileSync(places.page, page);
  const message = `Adopt ${stack} again: ${ways.map(({ name }) => name).join(", ")} as they are now`;
  return { changes, settings, page, commit: commit ? await commitOf(alreadyThere(stack), message) : undefined };
}

/** What the server says counts, but for what it was not asked, or does not tell, and for templates that say more than a secret. */
export function merged(
  old: readonly OverlayEntry[],
  now: readonly OverlayEntry[],
  { files, units }: Pick<ServerFacts, "files" | "units">,
): readonly OverlayEntry[] {
  const told = new Set(now.map(({ path }) => path));
  const there = new Set(files.map(({ path }) => path));
  const environment = new Set(units.flatMap(({ environmentFiles }) => environmentFiles));
  const kept = old.filter((entry) => {
    if (told.has(entry.path)) return isOwnTemplate(entry);
    return there.has(entry.path) || !(isLooked(entry.path) || environment.has(entry.path));
  });
  const own = new Set(kept.map(({ path }) => path));
  return [...kept, ...now.filter(({ path }) => !own.has(path))].sort((a, b) => (a.path < b.path ? -1 : 1));
}

const isOwnTemplate = (entry: OverlayEntry): boolean =>
  "content" in entry &&
  entry.template === true &&
  /\{[{%]/.test(entry.content.replace(/\{% raw %\}[\s\S]*?\{% endraw %\}/g, "").replace(/\{\{ "secrets\.[a-z0-9-]+" \| secret \}\}/g, ""));

interface SwitchesNow {
  readonly services: Description["servers"][string]["services"];
  /** Units that a role of the stack keeps up. */
  readonly kept: ReadonlySet<string>;
}

function switchesNow({ servers }: Description, { spec }: FleetPlan): readonly (readonly [server: string, SwitchesNow])[] {
  return Object.entries(servers).map(([name, { services, candidates }]) => {
    const { roles = [], params = {} } = spec.servers[name] ?? {};
    const others = candidates.filter(({ role }) => role !== "app" && roles.includes(role)).flatMap(({ units }) => units);
    const own = roles.includes("app")
      ? Object.keys((params.app?.services as object | undefined) ?? {}).map((each) => `${each}.service`)
      : [];
    return [name, { services, kept: new Set([...others, ...own]) }] as const;
  });
}

/** Secrets, rules and switches that are new or otherwise; roles and parameters are the team's by now. @returns what was changed */
function edited(plan: FleetPlan, description: Description, { encrypt }: Encryption): readonly string[] {
  const file = placesOf(plan.stack).stackFile;
  const document = parseDocument(readFileSync(file, "utf8"));
  const said = [
    ...Object.entries(description.secrets).flatMap(([name, value]) => setNew(document, ["secrets", name], { secure: encrypt(value) })),
    ...newRules(document, description),
    ...switchesNow(description, plan).flatMap(([server, now]) => switched(document, server, now)),
  ];
  if (said.length > 0) writeFileSync(file, document.toString({ lineWidth: 0 }));
  return said.map((line) => `${relative(stacksFolder, file)}: ${line}`);
}

const at = (path: readonly string[]): readonly string[] => ["config", fleetKey, ...path];

function setNew(document: Document, path: readonly string[], value: unknown): readonly string[] {
  if (document.hasIn(at(path))) return [];
  document.setIn(at(path), document.createNode(value));
  return [`+ ${path.join(".")}`];
}

function newRules(document: Document, { rules }: Description): readonly string[] {
  const known = valueAt(document.toJS(), ["config", fleetKey, "fileRules"]);
  const paths = new Set((Array.isArray(known) ? known : []).map(({ path }: { readonly path: string }) => path));
  const fresh = rules.filter(({ path }) => !paths.has(path));
  for (const rule of fresh) {
    if (!document.hasIn(at(["fileRules"]))) document.setIn(at(["fileRules"]), document.createNode([]));
    document.addIn(at(["fileRules"]), document.createNode(rule));
  }
  return fresh.map(({ path }) => `+ fileRules ${path}`);
}

function switched(document: Document, server: string, { services, kept }: SwitchesNow): readonly string[] {
  return Object.entries(services).flatMap(([unit, now]) => {
    const path = ["servers", server, "services", unit];
    const was = document.getIn(at(path)) as string | undefined;
    if (was === now || (was === undefined && kept.has(unit))) return [];
    document.setIn(at(path), now);
    return [`servers.${server}.services.${unit}: ${was ?? "unsaid"} → ${now}`];
  });
}
