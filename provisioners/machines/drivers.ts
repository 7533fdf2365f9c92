// Every driver under the name by which a spec asks for it.
import type { MachineDriver, MachineSpec } from "./machine.ts";
import { nspawn } from "./nspawn.ts";
import { qemu } from "./qemu.ts";

export const machineDrivers: Readonly<Record<MachineSpec["driver"], MachineDriver>> = { nspawn, qemu };
