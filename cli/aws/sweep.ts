// What of the fleet's is still in an account: by tag, over every service that it makes things in. Only looks.
import { project } from "../../components/aws/tags.ts";
import { type Look, looks, type Whose } from "./looks.ts";

export interface Leftover {
  readonly region: string;
  /** `instance`, `queue`, `bucket` … */
  readonly kind: string;
  readonly id: string;
  /** As the console shows it; the id where it has no name. */
  readonly name: string;
  readonly team: string;
  readonly stack: string;
  /** ISO 8601, or `never`. */
  readonly expiry: string;
  /** Takes it away. */
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

const order = (a: Leftover, b: Leftover): number =>
  a.kind.localeCompare(b.kind) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);

/** Looks at one region. Every service is asked, also when another refuses. */
export async function sweep(region: string, { stack, team }: Which = {}): Promise<Swept> {
  const asked = await Promise.all(looks.map((look) => answerOf(look, region)));
  const ours = asked.flatMap(({ found }) => found).filter(({ tags }) => tags.project === project);
  const chosen = ours.filter(({ tags }) => (stack === undefined || tags.stack === stack) && (team === undefined || tags.team === team));
  return { left: chosen.map((each) => leftover(region, each)).sort(order), unseen: asked.flatMap(({ unseen }) => unseen) };
}

async function answerOf({ service, look }: Look, region: string): Promise<{ found: readonly Whose[]; unseen: readonly string[] }> {
  try {
    return { found: await look(region), unseen: [] };
  } catch (error) {
    const { name, message } = error as Error;
    return { found: [], unseen: [`${service} in ${region}: expected a list, got ${name}: ${message}`] };
  }
}

function leftover(region: string, { kind, id, tags, command }: Whose): Leftover {
  const { Name = id, team = "", stack = "", expiry = "never" } = tags;
  return { region, kind, id, name: Name, team, stack, expiry, command: `aws --region ${region} ${command}` };
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

export const together = (all: readonly Swept[]): Swept => ({
  left: all.flatMap(({ left }) => left),
  unseen: all.flatMap(({ unseen }) => unseen),
});
