// A stack's own commands, with @pulumi/command: the natural tool for what is run once and has no state to look at.
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { quote } from "../provisioners/engine/shell-quote.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { project } from "../provisioners/stack.ts";
import type { Hook } from "../spec/hooks.ts";
import { UserError } from "../spec/problem.ts";
import { secretRefsIn } from "../spec/secrets.ts";
import type { ConnectionArgs } from "./connection.ts";
import { type Supplied, secretText } from "./targets/supplier.ts";

export interface HookMeans {
  readonly supplied: Readonly<Record<string, Supplied>>;
  readonly secrets: (path: string) => pulumi.Output<string>;
  /** What must be done before, by server: its last role. */
  readonly after: Readonly<Record<string, pulumi.Resource>>;
  readonly parent: pulumi.Resource;
}

const load = createRequire(import.meta.url);

/** Loaded where a stack has hooks. */
const sdk = (): typeof import("@pulumi/command") => load("@pulumi/command");

const strict = "set -eu\n";
/** A server that has just answered every role may still be restarting its SSH service. Tries, and seconds for each. */
const dialling = { dialErrorLimit: 20, perDialTimeout: 15 };

export function hooks(name: string, { spec, stack, servers }: FleetPlan, means: HookMeans): void {
  const common = {
    FLEET_STACK: stack,
    FLEET_TEAM: spec.team,
    FLEET_SERVERS: servers.map(({ name: server, view }) => `${server}=${view.privateAddress}`).join(" "),
  };
  for (const [hook, wanted] of Object.entries(spec.hooks)) {
    const own = Object.entries(wanted.environment).map(([key, value]) => [key, secretText(value, means.secrets)] as const);
    const environment = { ...common, ...Object.fromEntries(own) };
    // The provider prints what a command says, whatever of it is a secret.
    const quiet = Object.values(wanted.environment).some((value) => secretRefsIn(value).length > 0);
    const make = wanted.on === undefined ? here : there;
    make(`${name}-hook-${hook}`, wanted, { environment, quiet, ...means });
  }
}

interface Surroundings extends HookMeans {
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly quiet: boolean;
}

/** What changes is run again: without an `update` of its own the provider takes `create`. */
const texts = ({ run, undo }: Hook, before: string) => ({
  create: `${before}${run}`,
  ...(undo !== undefined && { delete: `${before}${undo}` }),
});

function here(name: string, hook: Hook, { environment, quiet, after, parent }: Surroundings): void {
  const { local } = sdk();
  const how = { dir: project, interpreter: ["/bin/sh", "-c"], environment, ...(quiet && { logging: local.Logging.None }) };
  new local.Command(name, { ...texts(hook, strict), ...how }, { parent, dependsOn: Object.values(after) });
}

/** Variables come on standard input: sshd takes none that it was not told of, and an argument list can be read by everybody. */
function there(name: string, hook: Hook, { environment, quiet, supplied, after, parent }: Surroundings): void {
  const { remote } = sdk();
  const server = hook.on!;
  const { connection, deletedWith } = supplied[server]!;
  const exports = Object.entries(environment).map(
    ([key, value]) => pulumi.interpolate`export ${key}=${pulumi.output(value).apply((text) => quote(text))}\n`,
  );
  const stdin = pulumi.all(exports).apply((lines) => lines.join(""));
  new remote.Command(
    name,
    { ...texts(hook, `${strict}. /dev/stdin\n`), stdin, connection: reached(connection), ...(quiet && { logging: remote.Logging.None }) },
    { parent, dependsOn: [after[server]!], ...(deletedWith && { deletedWith }) },
  );
}

/** The host key is pinned here as everywhere: the provider's own default takes any. */
function reached({ address, port, user, password, privateKey, hostKey, jump, proxyCommand }: ConnectionArgs) {
  if (proxyCommand !== undefined)
    throw new UserError(
      "hooks: expected servers that are reached directly, got `on` of one behind a `door`; next: a hook without `on`, or a role",
    );
  const login = (of: { readonly [Key in "password" | "privateKey"]?: pulumi.Input<string | undefined> }) => ({
    ...(of.password !== undefined && { password: of.password as pulumi.Input<string> }),
    ...(of.privateKey !== undefined && { privateKey: of.privateKey as pulumi.Input<string> }),
  });
  const at = { host: address, port, user, hostKey, ...login({ password, privateKey }), ...dialling };
  if (jump === undefined) return at;
  return { ...at, proxy: { host: jump.address, port: jump.port, user: jump.user, hostKey: jump.hostKey, ...login(jump), ...dialling } };
}
