// Servers that were handed out: the stack file says how to reach them.
import { isIP } from "node:net";
import { z } from "zod";
import type { Finding } from "../../../spec/messages.ts";
import { type Path, pathText } from "../../../spec/path.ts";
import { HostName } from "../../../spec/scalars.ts";
import { nextStep } from "../../../spec/secrets.ts";
import { entries, type Loose } from "../../../spec/unvalidated.ts";
import { defineTarget } from "../contract.ts";

const Settings = z
  .strictObject({ kind: z.literal("inventory") })
  .describe("servers that were handed out: each has address, user and a way in");

export const inventory = defineTarget<z.infer<typeof Settings>>({
  kind: "inventory",
  schema: () => Settings,
  lent: true,
  keepsTeamName: false,
  plainSecrets: false,
  withoutDisks: () => ({ got: "target `inventory`", next: "remove it" }),
  problems: (fleet, stack) => [
    ...entries(fleet.servers).flatMap(([name, server]) => missingReach(server, ["servers", name], stack)),
    ...namedAddresses(fleet),
  ],
  engine: { providers: [], policed: false, refreshed: false, allAtOnce: true },
  declared: () => ({}),
  privateAddress({ servers }, name) {
    const { privateAddress, address = "" } = servers[name]!;
    return privateAddress ?? address;
  },
  reached: () => ({ by: "plan", ports: "all" }),
  machines: () => [],
  fate: "gets back what it had",
});

function missingReach(server: Loose, path: Path, stack: string): readonly Finding[] {
  const missing = ["address", "user"].filter((key) => !(key in server));
  const findings: Finding[] = missing.map((key) => ({
    path,
    reason: `expected \`${key}\` with target \`inventory\`, got nothing; add it`,
  }));
  if ("password" in server || "privateKey" in server) return findings;
  const next = nextStep(pathText([...path, "password"]), stack);
  return [...findings, { path, reason: `expected \`password\` or \`privateKey\` with target \`inventory\`, got neither; ${next}` }];
}

/** /etc/hosts takes addresses alone: a server that the others are to find by its name needs one of its own. */
function namedAddresses({ servers }: Loose): readonly Finding[] {
  const all = entries(servers);
  if (all.length < 2) return [];
  return all.flatMap(([name, { address, privateAddress }]): readonly Finding[] => {
    if (typeof address !== "string" || privateAddress !== undefined || isIP(address) !== 0 || !HostName.safeParse(address).success)
      return [];
    const reason = `expected \`privateAddress\` beside \`address: ${address}\`, a name, got nothing; the other servers need its IPv4 address: add it`;
    return [{ path: ["servers", name], reason }];
  });
}
