// The table of the provider's resources, by their Pulumi tokens.
import type { Context } from "./context.ts";
import { hostResource } from "./host.ts";
import { hostKeyResource } from "./host-key.ts";
import { instancePowerResource } from "./instance-power.ts";
import { keyPairResource } from "./key-pair.ts";
import { machineResource } from "./machine.ts";
import { ownHostKeyResource } from "./own-host-key.ts";
import { poolGuardResource } from "./pool-guard.ts";
import { poolRolloutResource } from "./pool-rollout.ts";
import { nonceResource } from "./random-id.ts";
import type { Resources } from "./resource.ts";
import { roleResource } from "./role.ts";
import { teamKeysResource } from "./team-keys.ts";

export const resourcesOf = (context: Context): Resources => ({
  "fleet:index:KeyPair": keyPairResource,
  "fleet:index:TeamKeys": teamKeysResource,
  "fleet:index:Nonce": nonceResource,
  "fleet:index:Machine": machineResource(async () => (await import("../../machines/drivers.ts")).machineDrivers),
  "fleet:index:HostKey": hostKeyResource,
  "fleet:index:OwnHostKey": ownHostKeyResource(context),
  "fleet:index:InstancePower": instancePowerResource,
  "fleet:index:PoolGuard": poolGuardResource,
  "fleet:index:PoolRollout": poolRolloutResource(),
  "fleet:index:Host": hostResource(context),
  "fleet:index:Role": roleResource(context),
});
