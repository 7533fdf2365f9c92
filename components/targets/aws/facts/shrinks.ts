// A disk on AWS can grow and never shrink: a stack file that asks for a smaller one than there is can't be had.

import type { Path } from "../../../../spec/path.ts";
import type { AwsTarget } from "../settings/target.ts";
import { defaults, imageKey, settingsOf } from "./servers.ts";
import { typeOrGuess } from "./types.ts";

/** What the state knows of a resource. */
export interface Made {
  readonly urn: string;
  readonly type: string;
  readonly delete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

interface Disk {
  readonly type: string;
  /** Of the resource. */
  readonly name: string;
  readonly path: Path;
  readonly sizeGB: number;
  /** Of what is there; undefined where there is nothing to compare with. */
  readonly now: (made: Made, all: readonly Made[]) => unknown;
}

const nameOf = ({ urn }: Made): string => urn.split("::").at(-1) ?? "";

/** With another image the server is made anew, and its disk may have any size. */
function rootNow(key: string) {
  return ({ inputs }: Made, all: readonly Made[]): unknown => {
    const pins = all.filter((each) => each.type === "pulumi:index:Stash" && nameOf(each).endsWith(`-image-${key}`));
    const stays = key.startsWith(`${inputs?.ami}-`) || pins.some(({ outputs }) => outputs?.output === inputs?.ami);
    return stays ? (inputs?.rootBlockDevice as { readonly volumeSize?: unknown } | undefined)?.volumeSize : undefined;
  };
}

function disksOf(target: AwsTarget, team: string, servers: readonly string[]): readonly Disk[] {
  const full = (name: string) => `${team}-aws-${name}`;
  const volume = { type: "aws:ebs/volume:Volume", now: ({ inputs }: Made) => inputs?.size } as const;
  const ofServers = servers.flatMap((server): readonly Disk[] => {
    const { instanceType = defaults.instanceType, image = defaults.image, rootGB = 20, volumes = [] } = settingsOf(target, server);
    const has = (key: "rootGB" | "volumes") => target.servers[server]?.[key] !== undefined;
    const at = (key: "rootGB" | "volumes") => (has(key) ? ["target", "servers", server, key] : ["target", key]);
    const arch = typeOrGuess(instanceType).arch;
    const root = { type: "aws:ec2/instance:Instance", path: at("rootGB"), sizeGB: rootGB, now: rootNow(imageKey(image, { arch })) };
    const more = volumes.map(({ name, sizeGB }, index) => ({
      ...volume,
      ...{ name: `${full(server)}-${name}`, path: [...at("volumes"), index, "sizeGB"], sizeGB },
    }));
    return [{ ...root, name: full(server) }, ...more];
  });
  const carried = Object.entries(target.pools).flatMap(([name, { single }]): readonly Disk[] => {
    if (!single?.volume) return [];
    const path = ["target", "pools", name, "single", "volume", "sizeGB"];
    return [{ ...volume, name: `${full(name)}-data`, path, sizeGB: single.volume.sizeGB }];
  });
  const databases = Object.entries(target.databases).map(([name, { engine, storageGB }]): Disk => {
    // Another engine is another database.
    const now = ({ inputs }: Made): unknown => (inputs?.engine === engine ? inputs.allocatedStorage : undefined);
    return {
      type: "aws:rds/instance:Instance",
      name: full(name),
      path: ["target", "databases", name, "storageGB"],
      sizeGB: storageGB,
      now,
    };
  });
  return [...ofServers, ...carried, ...databases];
}

/** Each disk that is larger than the stack file asks. */
export function shrinksIn(
  { target, team, servers }: { readonly target: AwsTarget; readonly team: string; readonly servers: readonly string[] },
  made: readonly Made[],
): readonly { readonly path: Path; readonly reason: string }[] {
  const there = made.filter((each) => each.delete !== true);
  return disksOf(target, team, servers).flatMap(({ type, name, path, sizeGB, now }) => {
    const found = there.find((each) => each.type === type && nameOf(each) === name);
    const has = found && Number(now(found, there));
    if (!has || sizeGB >= has) return [];
    const reason = `expected at least ${has} (GB), which \`${name}\` has, got \`${sizeGB}\`; AWS lets disks grow only: leave it at ${has}`;
    return [{ path, reason }];
  });
}
