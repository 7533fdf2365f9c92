// Practice machines.
import { bytesOfSize } from "../../../spec/scalars.ts";
import { fleetOn } from "../contract.ts";
import { eachServer, type Supplier } from "../supplier.ts";
import { Machine } from "./machine.ts";
import { preinstalled } from "./preinstalled.ts";
import { machineName, practice, subnetOf } from "./target.ts";

export const supply: Supplier = (name, plan, { fleetKey, parent }) => {
  const fleet = fleetOn(practice, plan.spec)!;
  const { driver, release } = fleet.target;
  return eachServer(plan, (server) => {
    const { name: host, spec, declared, view } = server;
    const size = { cores: declared.cores ?? 1, memoryMiB: declared.memoryMiB ?? 1024 };
    const disks = spec.disks?.map((each) => ({ sizeGiB: bytesOfSize(each) / 2 ** 30 }));
    const packages = preinstalled(plan, server);
    const place = { stack: plan.stack, name: host, address: view.privateAddress, subnet: subnetOf(fleet, plan.stack) };
    const machine = new Machine(
      machineName(name, host),
      {
        ...place,
        ...size,
        ...(disks && { disks }),
        ...(packages.length > 0 && { preinstalled: packages }),
        driver,
        release,
        authorizedKey: fleetKey.publicKey,
      },
      { parent },
    );
    // Where this computer reaches it; to the other servers it is at `view.privateAddress`.
    const { address, port, user, hostKey } = machine;
    const connection = { name: host, address, port, user, hostKey, privateKey: fleetKey.privateKey };
    return { connection, hostKey: machine.hostKey, deletedWith: machine };
  });
};
