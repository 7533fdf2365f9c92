// What of the fleet's is still in an account: by tag, over every service that it makes things in. Only looks.
import { project } from "../../components/aws/tags.ts";
import { looks } from "./looks.ts";
import { kinds, type Look, type Whose } from "./whose.ts";

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
}

export interface Swept {
  readonly left: readonly Leftover[];
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

/** Looks at one region. Every service is asked, also when another refuses. */
export async function sweep(region: string, { stack, team }: Which = {}): Promise<Swept> {
  const asked = await Promise.all(looks.map((look) => answerOf(look, region)));
  const ours = asked.flatMap(({ left }) => left);
  const chosen = ours.filter((each) => (stack === undefined || each.stack === stack) && (team === undefined || each.team === team));
  return { left: [...chosen].sort(order), unseen: asked.flatMap(({ unseen }) => unseen) };
}

async function answerOf(
  { service, look, global = false }: Look,
  region: string,
): Promise<{ left: readonly Leftover[]; unseen: readonly string[] }> {
  try {
    const aws = `aws --region ${region}`;
    return {
      left: (await look(region))
        .filter(({ tags }) => tags.project === project)
        .map((each) => leftover(global ? "global" : region, aws, each)),
      unseen: [],
    };
  } catch (error) {
    const { name, message } = error as Error;
    return { left: [], unseen: [`${service} in ${region}: expected a list, got ${name}: ${message.split("\n")[0]}`] };
  }
}

function leftover(region: string, aws: string, { kind, id, tags, away }: Whose): Leftover {
  const { Name = id, team = "", stack = "", expiry = "never" } = tags;
  return { region, kind, id, name: Name, team, stack, expiry, command: away(aws) };
}

/** `zero`, or a line for each leftover with what takes it away. */
export function sweptText({ left, unseen }: Swept): string {
  const lines = left.map(
    ({ kind, name, id, stack, command }) => `  ${kind} ${name === id ? id : `${name} (${id})`} of ${stack}\n      ${command}`,
  );
  const not = unseen.map((each) => `not looked at: ${each}`);
  if (left.length > 0) return [`${left.length} left:`, ...lines, ...not].join("\n");
  return unseen.length > 0 ? [...not, "nothing else is left"].join("\n") : "nothing is left: zero";
}

/** 0 only where nothing is left and everything was looked at. */
export const sweptCode = ({ left, unseen }: Swept): number => (left.length + unseen.length === 0 ? 0 : 1);

/** What has no region is found from each of them, and told once. */
export function together(all: readonly Swept[]): Swept {
  const left = all.flatMap((swept) => swept.left);
  const once = new Map(left.map((each) => [JSON.stringify([each.region, each.kind, each.id]), each]));
  return { left: [...once.values()].sort(order), unseen: all.flatMap(({ unseen }) => unseen) };
}
