// The provider process: the table of resources, served over Pulumi's protocol.
import { machineDrivers } from "../machines/drivers.ts";
import { Context } from "./context.ts";
import { hostResource } from "./host.ts";
import { hostKeyResource } from "./host-key.ts";
import { keyPairResource } from "./key-pair.ts";
import { machineResource } from "./machine.ts";
import { ownHostKeyResource } from "./own-host-key.ts";
import { serve } from "./protocol.ts";
import { roleResource } from "./role.ts";
import { teamKeysResource } from "./team-keys.ts";

const context = new Context();

await serve(
  {
    version: "0.1.0",
    resources: {
      "fleet:index:KeyPair": keyPairResource,
      "fleet:index:TeamKeys": teamKeysResource,
      "fleet:index:Machine": machineResource(machineDrivers),
      "fleet:index:HostKey": hostKeyResource,
      "fleet:index:OwnHostKey": ownHostKeyResource(context),
      "fleet:index:Host": hostResource(context),
      "fleet:index:Role": roleResource(context),
    },
  },
  process.argv.slice(2).find((argument) => /^[0-9.]+:\d+$/.test(argument)),
);
