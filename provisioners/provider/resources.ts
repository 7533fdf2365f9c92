// The table of the provider's resources, by their Pulumi tokens.
import { machineDrivers } from "../../machines/drivers.ts";
import { Context } from "./context.ts";
import { hostResource } from "./host.ts";
import { hostKeyResource } from "./host-key.ts";
import { instancePowerResource } from "./instance-power.ts";
import { keyPairResource } from "./key-pair.ts";
import { machineResource } from "./machine.ts";
import { ownHostKeyResource } from "./own-host-key.ts";
import { poolGuardResource } from "./pool-guard.ts";
import type { Resources } from "./protocol.ts";
import { nonceResource } from "./random-id.ts";
import { roleResource } from "./role.ts";
import { teamKeysResource } from "./team-keys.ts";

const context = new Context();

export const resources: Resources = {
  "fleet:index:KeyPair": keyPairResource,
  "fleet:index:TeamKeys": teamKeysResource,
  "fleet:index:Nonce": nonceResource,
  "fleet:index:Machine": machineResource(machineDrivers),
  "fleet:index:HostKey": hostKeyResource,
  "fleet:index:OwnHostKey": ownHostKeyResource(context),
  "fleet:index:InstancePower": instancePowerResource,
  "fleet:index:PoolGuard": poolGuardResource,
  "fleet:index:Host": hostResource(context),
  "fleet:index:Role": roleResource(context),
};
