// What stands around the servers of a stack, as a preview of it alone tells: what somebody changed there, and what the stack file wants beside.
import { z } from "zod";
import type { Difference } from "../../provisioners/provider/as-remembered.ts";

/** Stands where a server's name does. */
export const aroundName = "aws";

const Item = z.object({
  address: z.string(),
  operation: z.string(),
  cause: z.enum(["planned", "drift", "both"]),
  lines: z.array(z.string()),
});
const Preview = z.object({
  stacks: z.tuple([
    z.object({ failure: z.string().optional(), shared: z.array(Item), servers: z.array(z.object({ items: z.array(Item) })) }),
  ]),
});

export interface Around {
  readonly differences: readonly Difference[];
  /** Keys of resources whose preview has more in it than what somebody changed there: an up of them is somebody's to type. */
  readonly planned: readonly string[];
}

/** Characters of one difference. */
const length = 200;
/** `ingress: …` of a diff's lines: the engine's `-` is what is there and not wanted, `+` what is wanted and not there. */
const whatOf = (lines: readonly string[]): string =>
  lines
    .map((line) => line.trim())
    .filter(Boolean)
    .join(" ")
    .slice(0, length) || "differs";

/**
 * Pure. @param printed what `fleet preview --around --json` printed
 * @param known URNs that stand: what is to be created though it stood is gone. Throws an Error where there was no look.
 */
export function aroundIn(printed: string, known: readonly string[]): Around {
  const [{ failure, shared, servers }] = Preview.parse(JSON.parse(printed)).stacks;
  if (failure !== undefined) throw new Error(failure.split("\n")[0]);
  const items = [...shared, ...servers.flatMap(({ items: own }) => own)].filter(({ address }) => isAround(address));
  const gone = ({ address, operation }: z.infer<typeof Item>) => operation === "create" && urnOf(address, known) !== undefined;
  const found = items.filter((item) => item.cause !== "planned" || gone(item));
  return {
    differences: found.map((item) => {
      const [type = "", name = ""] = item.address.split(" ");
      return { server: aroundName, role: name, resource: type, what: gone(item) ? "is gone" : whatOf(item.lines) };
    }),
    planned: found.filter(({ cause }) => cause === "both").map(({ address }) => address.split(" ")[1] ?? ""),
  };
}

const isAround = (address: string): boolean => /^(?:aws:|fleet:index:InstancePower )/.test(address);

/** Of `type name`, as a preview names it. */
export const urnOf = (address: string, known: readonly string[]): string | undefined => {
  const [type = "", name = ""] = address.split(" ");
  return known.find((urn) => urn.endsWith(`::${name}`) && (urn.split("::")[2] ?? "").split("$").at(-1) === type);
};
