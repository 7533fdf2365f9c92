// Every driver under the name by which a spec asks for it.
import type { MachineDriver, MachineSpec } from "./machine.ts";
import { nspawn } from "./nspawn/driver.ts";
import { qemu } from "./qemu/driver.ts";

export const machineDrivers: Readonly<Record<MachineSpec["driver"], MachineDriver>> = { nspawn, qemu };
