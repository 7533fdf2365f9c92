// Servers as a contest hands them out: address, user and password, and somebody else's things already on them.

import type { MachineSpec, MachineState, MachineUser } from "../../machines/machine.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { ssh2 } from "../../provisioners/ssh/ssh2.ts";
import type { Trial } from "./fleet.ts";

const authorizedKey = `${ssh2.utils.generateKeyPairSync("ed25519").public} nobody`;

export interface HandedOut {
  readonly name: string;
  /** The last part of its address in the stack's network. */
  readonly host: number;
  readonly user: MachineUser;
  readonly memoryMiB?: number;
  /** Debian packages, from a layer that all with the same ones share. */
  readonly preinstalled?: readonly string[];
}

/** By name. Nothing of the fleet made them, so nothing of the fleet heals or removes them. */
export async function handOut(
  { stack }: Trial,
  network: string,
  servers: readonly HandedOut[],
): Promise<Readonly<Record<string, MachineState>>> {
  const make = ({ name, host, user, memoryMiB = 768, preinstalled }: HandedOut): Promise<MachineState> => {
    const place = { address: `${network}.${host}`, subnet: `${network}.0/24` };
    const spec: MachineSpec = {
      stack,
      name,
      driver: "nspawn",
      cores: 1,
      memoryMiB,
      ...place,
      release: "bookworm",
      authorizedKey,
      users: [user],
      ...(preinstalled && { preinstalled }),
    };
    return nspawn.ensure(spec);
  };
  const made = await Promise.all(servers.map(async (server) => [server.name, await make(server)] as const));
  return Object.fromEntries(made);
}
