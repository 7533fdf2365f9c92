// What a split asks the servers before it is planned. Changes nothing.
import { HostError } from "../../provisioners/engine/shell.ts";
import { type Command, sh } from "../../provisioners/engine/shell-quote.ts";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { type Holdings, holdingsIn, type Move } from "../../provisioners/roles/move.ts";
import { UserError } from "../../spec/problem.ts";
import type { FleetServer } from "../fleet-up.ts";
import { type OpenServers, throwFailed } from "../on-servers.ts";
import { serverIn, type UnitText, type Wish } from "./edits.ts";
import type { SplitRecord } from "./record.ts";

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
