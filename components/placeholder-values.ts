// Where the values come from that roles only mark: each as an output of its own, a secret where it is one.
import { createHmac } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { LateKind, LateName } from "../provisioners/engine/placeholders.ts";
import type { FleetPlan } from "../provisioners/expand.ts";
import { unknown } from "../provisioners/provider/wire.ts";
import type { KeyPair } from "./key-pair.ts";
import type { Supplied } from "./targets/supplier.ts";
import type { TeamKeys } from "./team-keys.ts";

export interface LateSources {
  readonly plan: FleetPlan;
  readonly supplied: Readonly<Record<string, Supplied>>;
  /** By path in the fleet. */
  readonly secrets: (path: string) => pulumi.Output<string>;
  readonly fleetKey: KeyPair;
  readonly mesh: KeyPair;
  readonly teamKeys: TeamKeys;
}

type Sources = Readonly<Record<LateKind, (of: string) => pulumi.Input<string>>>;

const hexDigits = 32;

/** What the provider puts in the place of the marks of these names. */
export function lateValues(names: readonly LateName[], from: LateSources): Record<string, pulumi.Input<string>> {
  const { plan, supplied, secrets, fleetKey, mesh, teamKeys } = from;
  const sources: Sources = {
    secret: secrets,
    derived: (purpose) =>
      pulumi.secret(mesh.privateKey.apply((key) => createHmac("sha256", key).update(purpose).digest("hex").slice(0, hexDigits))),
    "host-key": (server) => supplied[server]?.hostKey ?? "",
    volume: (of) => {
      const [server = "", volume = ""] = of.split("/");
      return supplied[server]?.devices?.[volume] ?? "";
    },
    "mesh-public-key": () => mesh.publicKey,
    "mesh-private-key": () => mesh.privateKey,
    // The fleet itself logs in as the admin; members' keys are their own.
    "authorized-keys": (user) =>
      user === plan.spec.admin ? fleetKey.publicKey : teamKeys.keys.apply((keys) => (keys[user] ?? []).join("\n")),
  };
  const named = (name: LateName) => {
    const cut = name.indexOf(":");
    return sources[name.slice(0, cut) as LateKind](name.slice(cut + 1));
  };
  return Object.fromEntries(names.map((name) => [name, named(name)]));
}

/** For a map that is made within an apply, where one value that is not known yet would make the whole of it unknown. */
export const eachByItself = (values: Record<string, pulumi.Input<string>>): pulumi.Output<Record<string, string>> =>
  pulumi.output(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, knownOrNot(value)])));

function knownOrNot(value: pulumi.Input<string>): pulumi.Output<string> {
  const output = pulumi.output(value);
  // Every output has it, though the SDK's types leave it out.
  const { isKnown } = output as unknown as { readonly isKnown: Promise<boolean> };
  return pulumi.output(isKnown).apply((known) => (known ? output : pulumi.output(unknown)));
}
