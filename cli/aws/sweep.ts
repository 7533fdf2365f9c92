// What of the fleet's is still in an account: by tag, over every service that it makes things in. Only looks.

import { project, snapshotsKept } from "../../components/targets/aws/tags.ts";
import type { Access } from "../../provisioners/aws/access.ts";
import { waiting } from "../progress.ts";
import { looks } from "./inventory/services.ts";
import { kinds, type Look, type Whose } from "./tagged-resource.ts";

export interface Leftover {
  /** `global` for what has none. */
  readonly region: string;
  readonly kind: Whose["kind"];
  readonly id: string;
  /** As the console shows it; the id where it has no name. */
  readonly name: string;
  readonly team: string;
  readonly stack: string;
  /** ISO 8601, or `never`. */
  readonly expiry: string;
  /** Shell text that takes it away, with the AWS CLI. */
  readonly command: string;
  /** Whose rights it was seen with, where that is not one's own. */
  readonly role?: string;
}

export interface Swept {
  readonly left: readonly Leftover[];
  /** Snapshots of data volumes and databases, and baked images: they are to outlive their stack, and cost until somebody deletes them. */
  readonly kept: readonly Leftover[];
  /** A sentence for each service that could not be looked at: without it zero is not proven. */
  readonly unseen: readonly string[];
}

/** Nothing in it: all that the fleet has made there. */
export interface Which {
  readonly stack?: string | undefined;
  readonly team?: string | undefined;
}

/** As they can go, one after the other. */
const order = (a: Leftover, b: Leftover): number =>
  kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);

/** Looks at one region, by one's own rights or a role's. Every service is asked, also when another refuses. */
export async function sweep(access: Access, { stack, team }: Which = {}): Promise<Swept> {
  const asked = await waiting(
    () => `looks through ${access.region}`,
    () => Promise.all(looks.map((look) => answerOf(look, access))),
  );
  const isChosen = (each: Leftover) => (stack === undefined || each.stack === stack) && (team === undefined || each.team === team);
  const chosen = (of: "left" | "kept") => asked.flatMap((each) => each[of].filter(isChosen)).sort(order);
  return { left: chosen("left"), kept: chosen("kept"), unseen: asked.flatMap(({ unseen }) => unseen) };
}

/** Snapshots inherit the mark from what they are of; an image gets it when it was tested. */
const isKept = ({ kind, tags }: Whose): boolean =>
  (kind === "snapshot" || kind === "database snapshot" || kind === "image") && tags.snapshots === snapshotsKept.snapshots;

async function answerOf({ service, look, global = false }: Look, access: Access): Promise<Swept> {
  const { region } = access;
  try {
    const ours = (await look(access)).filter(({ tags }) => tags.project === project);
    const told = (each: Whose) => ({
      ...leftover(global ? "global" : region, `aws --region ${region}`, each),
      ...(access.assumeRole !== undefined && { role: access.assumeRole }),
    });
    return { left: ours.filter((each) => !isKept(each)).map(told), kept: ours.filter(isKept).map(told), unseen: [] };
  } catch (error) {
    const { name, message } = error as Error;
    return { left: [], kept: [], unseen: [`${service} in ${region}: expected a list, got ${name}: ${message.split("\n")[0]}`] };
  }
}

function leftover(region: string, aws: string, { kind, id, tags, away }: Whose): Leftover {
  const { Name = id, team = "", stack = "", expiry = "never" } = tags;
  return { region, kind, id, name: Name, team, stack, expiry, command: away(aws) };
}

const line = ({ kind, name, id, stack, command, role }: Leftover): string =>
  `  ${kind} ${name === id ? id : `${name} (${id})`} of ${stack}${role === undefined ? "" : `, as ${role}`}\n      ${command}`;

/** `zero`, or a line for each leftover with what takes it away; before them and apart, what was kept on purpose. */
export function sweptText({ left, kept, unseen }: Swept): string {
  const onPurpose = kept.length > 0 ? [`${kept.length} kept on purpose, and paid for until deleted:`, ...kept.map(line)] : [];
  const not = unseen.map((each) => `not looked at: ${each}`);
  if (left.length > 0) return [...onPurpose, `${left.length} left:`, ...left.map(line), ...not].join("\n");
  const nothing = onPurpose.length + not.length > 0 ? "nothing else is left" : "nothing is left";
  // What was not looked at is no zero.
  return [...onPurpose, ...not, not.length > 0 ? nothing : `${nothing}: zero`].join("\n");
}

/** 0 only where nothing is left but what was kept on purpose, and everything was looked at. */
export const sweptCode = ({ left, unseen }: Swept): number => (left.length + unseen.length === 0 ? 0 : 1);

/** What has no region is found from each of them, and told once. */
export function together(all: readonly Swept[]): Swept {
  const once = (of: "left" | "kept") => {
    const found = all.flatMap((swept) => swept[of].map((each) => [JSON.stringify([each.region, each.kind, each.id]), each] as const));
    return [...new Map(found).values()].sort(order);
  };
  return { left: once("left"), kept: once("kept"), unseen: all.flatMap(({ unseen }) => unseen) };
}
