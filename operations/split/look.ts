// What a split asks the servers before it is planned. Changes nothing.

import { HostError } from "../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { isBelow } from "../../provisioners/resources/address-path.ts";
import { type Holdings, holdingsIn, type Move, type Tree } from "../../provisioners/roles/move.ts";
import { roleNamed } from "../../provisioners/roles/roles.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import type { FleetServer, FleetUp } from "../fleet-up.ts";
import { type OpenServers, throwFailed } from "../on-servers.ts";
import { type Edits, ownPaths, serverIn, type UnitText, type Wish } from "./edits.ts";
import type { SplitRecord } from "./record.ts";
import { isText } from "./tree-edits.ts";
import { differing, treeLimit, treeScript, treesIn } from "./trees.ts";

/** One look each, at the same time. Throws HostError. */
export async function asked(
  open: OpenServers,
  servers: readonly FleetServer[],
  scriptOf: (server: string) => Command,
): Promise<Readonly<Record<string, string>>> {
  const outcomes = await open.each(servers, async (server, shell, signal) => {
    const { code, stdout, stderr } = await shell.run(scriptOf(server.name), { signal, onAbort: "end", deadline: 120_000 });
    if (code !== 0)
      throw new UserError(`${server.name}: ${`${stderr}\n${stdout.toString("utf8")}`.trim() || `ended with exit code ${code}`}`);
    return stdout.toString("utf8");
  });
  throwFailed(outcomes);
  return Object.fromEntries(outcomes.map((each) => [each.server, "value" in each ? each.value : ""]));
}

/** Of those that answer, and why the others do not; throws where none does. */
export async function told(
  open: OpenServers,
  servers: readonly FleetServer[],
  script: Command,
): Promise<{ readonly texts: readonly string[]; readonly silent: ReadonlyMap<string, HostError> }> {
  const outcomes = await open.each(servers, async (_, shell, signal) =>
    (await shell.run(script, { signal, onAbort: "end", deadline: 30_000 })).stdout.toString("utf8"),
  );
  const texts = outcomes.flatMap((each) => ("value" in each ? [each.value] : []));
  const silent = outcomes.flatMap((each) =>
    "error" in each && each.ended === undefined && each.error instanceof HostError ? [[each.server, each.error] as const] : [],
  );
  throwFailed(texts.length === 0 ? outcomes : outcomes.filter(({ server }) => !silent.some(([name]) => name === server)));
  return { texts, silent: new Map(silent) };
}

/** Units that ask for one of these, by name and text: what the team's tree may not have. */
const bondsScript = (
  units: readonly string[],
): Command => sh`for unit in $(systemctl show -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf --value -- ${units} | tr ' ' '\n' | sort -u); do
  case $unit in *.service) ;; *) continue ;; esac
  path=$(systemctl show -p FragmentPath --value -- "$unit")
  [ -f "$path" ] && printf 'unit %s %s\n' "$unit" "$(base64 -w0 < "$path")"
done
:`;

const unitsIn = (server: string, text: string): readonly UnitText[] =>
  text.split("\n").flatMap((line) => {
    const [, name, bytes] = /^unit (\S+) (\S*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ server, name, text: Buffer.from(bytes ?? "", "base64").toString("utf8") }];
  });

/** What the team's tree may not have. */
export async function bondsOn(open: OpenServers, server: FleetServer, units: readonly string[]): Promise<readonly UnitText[]> {
  const said = await asked(open, [server], () => bondsScript(units));
  return unitsIn(server.name, said[server.name] ?? "");
}

/** What either server keeps; nothing where the role is not there yet. */
export async function heldOn(
  open: OpenServers,
  servers: readonly FleetServer[],
  { role, from, to }: Wish,
  plan: FleetPlan,
  { look, refuse }: Move,
): Promise<SplitRecord["seen"]> {
  const refused = (said: string) => {
    const why = refuse?.({ said, adopted: serverIn(plan, from).spec.adopted?.includes(role) ?? false });
    if (why !== undefined) throw new UserError(`split: ${from}: ${role}: ${why}`);
  };
  const there = look ? servers.filter(({ name }) => name === from || (name === to && serverIn(plan, to).spec.roles.includes(role))) : [];
  const said = await asked(open, there, () => look!);
  refused(said[from] ?? "");
  const held = (name: string) => (said[name] === undefined ? nothing : holdingsIn(said[name]));
  return { from: held(from), to: held(to) };
}

const nothing: Holdings = { items: [], writers: [] };

/** What of the old server's the new one has not alike. Throws a UserError where it can't come, or would not run there. */
export async function treesOn(
  open: OpenServers,
  servers: readonly FleetServer[],
  { wish, plan, tree }: { readonly wish: Wish; readonly plan: FleetPlan; readonly tree: Tree },
): Promise<SplitRecord["seen"]> {
  const { role, from, to } = wish;
  const at = (name: string) => servers.filter((each) => each.name === name);
  const paths = linesOf((await asked(open, at(from), () => tree.find))[from]);
  const guarded = paths.find((path) => plan.guard.paths.some((of) => isBelow(path, of) || isBelow(of, path)));
  if (guarded !== undefined)
    throw new UserError(`split: ${from}: ${role}: expected a program whose files nobody guards, got ${guarded}, which guard.paths has`);
  const said = await asked(open, [...at(from), ...at(to)], () => treeScript(paths));
  const seen = differing(treesIn(said[from] ?? ""), treesIn(said[to] ?? ""));
  const coming = seen.from.items.map(({ name }) => name);
  const missing = tree.missing ? linesOf((await asked(open, at(to), () => tree.missing!(coming)))[to]) : [];
  if (missing.length > 0) throw new UserError(`split: ${missing.map((each) => `${to}: ${role}: expected ${each}`).join("\n")}`);
  const bytes = seen.from.items.reduce((sum, each) => sum + each.bytes, 0);
  if (bytes > treeLimit)
    throw new UserError(
      `split: ${role}: expected at most ${treeLimit / 2 ** 20} MiB that ${to} has not, got ${Math.round(bytes / 2 ** 20)} MiB (${coming.join(", ")}); next: copy it there by hand (rsync -a), then the same`,
    );
  const held = (of: typeof seen.from): Holdings => ({
    items: of.items.map(({ name, bytes: size, detail }) => ({ name, bytes: size, detail })),
    writers: [],
    ...(of.free !== undefined && { free: of.free }),
  });
  return { from: held(seen.from), to: held(seen.to) };
}

const linesOf = (text = ""): readonly string[] => text.split("\n").filter(Boolean);

/** Throws a UserError where one that others are to come to listens on loopback alone, and nothing of the team's that is changed says so. */
export async function refuseClosed(
  open: OpenServers,
  { servers }: FleetUp,
  {
    wish,
    plan,
    move,
    edits,
  }: { readonly wish: Wish; readonly plan: FleetPlan; readonly move: Move; readonly edits: Pick<Edits, "reached"> },
): Promise<void> {
  const { spec, overlay } = serverIn(plan, wish.from);
  const others = edits.reached
    .filter(({ server }) => server === wish.from)
    .map(({ role }) => ({ role, to: wish.from, of: roleNamed(role).move!(spec.params[role]) }));
  const all = [...others, ...(move.many ? [{ role: wish.role, to: wish.to, of: move }] : [])];
  const ports = all.flatMap(({ of }) => of.clients.ports);
  if (ports.length === 0) return;
  const old = servers.filter(({ name }) => name === wish.from);
  const said = linesOf((await asked(open, old, () => closedScript(ports)))[wish.from]).map(Number);
  for (const { role, to, of } of all) {
    const port = of.clients.ports.find((each) => said.includes(each));
    const own = ownPaths({ role, from: wish.from, to }, { plan, move: of });
    const { privateAddress } = serverIn(plan, to).view;
    const isOpened = overlay
      .filter(isText)
      .filter(({ path }) => own.some((each) => isBelow(path, each)))
      .some(({ path, content: text }) => of.listen !== undefined && of.listen({ path, text }, privateAddress) !== text);
    // A role that writes its own file says it there.
    if (port === undefined || isOpened || !(spec.adopted?.includes(role) || role === wish.role)) continue;
    throw new UserError(
      `split: ${wish.from}: ${role}: expected port ${port} open to other servers, got it on loopback alone, and no file of the team's that says so; next: ${typed()} edit ${wish.from}:PATH of what it is started with, so that it listens on 0.0.0.0, then the same`,
    );
  }
}

/** Ports that nobody from elsewhere reaches, a line each. */
const closedScript = (ports: readonly number[]): Command => sh`for port in ${ports}; do
  on=$(ss -Hltn "sport = :$port" | awk '{ print $4 }')
  [ -n "$on" ] || continue
  printf '%s\n' "$on" | grep -qvE '^(127\.[0-9.]*|\[::1\]|\[::ffff:127\.[0-9.]*\]):' || echo "$port"
done`;
