// What a change of a server costs, in sentences for the preview. AWS stops and starts, or replaces, for things that look alike.
import { counted } from "../../../spec/counted.ts";
import { type InstanceType, typeOrGuess } from "./facts/types.ts";

/** What of a server decides its fate. `undefined` is "not known yet", and then nothing is said. */
export interface ServerShape {
  readonly type: InstanceType;
  readonly ami?: string | undefined;
  readonly subnetId?: string | undefined;
  readonly privateAddress?: string | undefined;
  readonly placementGroup?: string | undefined;
  readonly rootGB?: number | undefined;
  readonly spot?: boolean | undefined;
}

/** From nothing to all is lost. */
export const fates = ["in place", "stop and start", "replace"] as const;
export type Fate = (typeof fates)[number];

const replacing = ["ami", "subnetId", "privateAddress", "placementGroup", "spot"] as const satisfies readonly (keyof ServerShape)[];
const words: Readonly<Record<(typeof replacing)[number], string>> = {
  ami: "image",
  subnetId: "subnet",
  privateAddress: "private address",
  placementGroup: "placement group",
  spot: "spot",
};

const shown = (value: unknown): string => (value === undefined || value === "" ? "none" : String(value));

export interface Cost {
  readonly fate: Fate;
  /** ``isu1: type `c5.large` → `c5.xlarge` stops and starts the server`` and what that loses; empty where nothing changes. */
  readonly sentences: readonly string[];
}

const loss = ({ disks, diskGB }: InstanceType): string =>
  disks === 0
    ? "its instance has no disks of its own"
    : `the ${disks * diskGB} GB on its ${counted(disks, "instance-store disk is", "instance-store disks are")} lost`;

/** Why `next` can't be had from the server that is there; each in a few words. */
function reasonsToReplace(now: ServerShape, next: ServerShape): readonly string[] {
  const changed = replacing.filter((key) => next[key] !== undefined && now[key] !== undefined && now[key] !== next[key]);
  const moves = (now.spot ?? false) && now.type.arch === next.type.arch && now.type.type !== next.type.type;
  return [
    ...changed.map((key) => `${words[key]} \`${shown(now[key])}\` → \`${shown(next[key])}\``),
    ...(now.type.arch === next.type.arch ? [] : [`architecture \`${now.type.arch}\` → \`${next.type.arch}\``]),
    // A spot instance can't be stopped.
    ...(moves ? [`type \`${now.type.type}\` → \`${next.type.type}\` of a spot instance`] : []),
  ];
}

/** What `next` does to a server that is `now`. */
export function costOfChange(server: string, now: ServerShape, next: ServerShape): Cost {
  const { rootGB: from = 0, ...rest } = now;
  if (next.rootGB !== undefined && next.rootGB < from) {
    const why = `${server}: root disk ${from} → ${next.rootGB} GB is refused by AWS, where a disk can only grow; next: leave \`rootGB\` at ${from}`;
    const others = costOfChange(server, rest, { ...next, rootGB: undefined });
    return { fate: others.fate, sentences: [why, ...others.sentences] };
  }
  const lost = loss(now.type);
  const reasons = reasonsToReplace(now, next);
  if (reasons.length > 0)
    return { fate: "replace", sentences: reasons.map((why) => `${server}: ${why} replaces the server: its root disk is lost, ${lost}`) };
  const grows = now.rootGB !== undefined && next.rootGB !== undefined && next.rootGB > now.rootGB;
  const growth = grows ? [`${server}: root disk ${now.rootGB} → ${next.rootGB} GB in place; its filesystem grows at the next reboot`] : [];
  if (now.type.type === next.type.type) return { fate: "in place", sentences: growth };
  const types = `type \`${now.type.type}\` → \`${next.type.type}\``;
  const away = "some minutes away, its public address may change unless it is elastic";
  return { fate: "stop and start", sentences: [`${server}: ${types} stops and starts the server: ${away}, ${lost}`, ...growth] };
}

/** The shape of an instance from its inputs in the state or in a preview; undefined where its type is not known yet. */
export function shapeOfInputs(inputs: Readonly<Record<string, unknown>>): ServerShape | undefined {
  if (typeof inputs.instanceType !== "string") return undefined;
  const type = typeOrGuess(inputs.instanceType);
  const text = (key: string): string | undefined => (typeof inputs[key] === "string" ? inputs[key] : undefined);
  const size = (inputs.rootBlockDevice as { readonly volumeSize?: unknown } | undefined)?.volumeSize;
  return {
    type,
    ami: text("ami"),
    subnetId: text("subnetId"),
    privateAddress: text("privateIp"),
    placementGroup: text("placementGroup"),
    spot: inputs.instanceMarketOptions !== undefined,
    ...(typeof size === "number" && { rootGB: size }),
  };
}
