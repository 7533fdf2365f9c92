// Servers on EC2, and what works beside them.

import { fleetOn } from "../contract.ts";
import { type Supplied, type Supplier, secretText } from "../supplier.ts";
import { AwsFleet, type SuppliedServer } from "./fleet.ts";
import { OwnHostKey } from "./own-host-key.ts";
import { pinnedEnd } from "./pinned-end.ts";
import { planOfPool } from "./pool-plan.ts";
import { shapeOf } from "./shape.ts";
import { aws } from "./target.ts";

export const supply: Supplier = (name, plan, { fleetKey, secrets, parent }) => {
  const { team, target, servers, admin } = fleetOn(aws, plan.spec)!;
  const expiry = pinnedEnd(`${name}-aws-expiry`, target, parent);
  const shape = shapeOf({ team, stack: plan.stack, target, servers, expiry });
  const { publicKey, privateKey } = fleetKey;
  const fleet = new AwsFleet(`${name}-aws`, { target, shape, admin, publicKey, privateKey }, { parent });
  const one = (server: string, { connection, devices, deletedWith }: SuppliedServer): Supplied => {
    const again = { parent, deletedWith, replacementTrigger: [deletedWith.id] };
    const { hostKey } = new OwnHostKey(`${name}-${server}-own-host-key`, { name: server, connection }, again);
    return { connection: { ...connection, hostKey }, hostKey, devices, deletedWith };
  };
  return {
    servers: Object.fromEntries(Object.entries(fleet.servers).map(([server, supplied]) => [server, one(server, supplied)])),
    expiresAt: expiry,
    work: (late) => fleet.work({ plan: (pool) => planOfPool(plan, pool, late), password: (written) => secretText(written, secrets) }),
  };
};
