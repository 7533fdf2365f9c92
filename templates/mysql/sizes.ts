// Sizes computed from the machine. Each is a default: the stack file overrides it by name.
import { clamp, type Machine } from "../words.ts";
import { atLeast, type MysqlServer } from "./server.ts";

const floorTo = (value: number, step: number): number => Math.floor(value / step) * step;
const mebibytes = (value: number): string => `${value}M`;

/**
 * Part of the memory for the buffer pool: what `innodb_dedicated_server` takes (half up to 4 GiB, three quarters above), and half of
 * that where other services share the machine.
 */
export function bufferPoolMiB({ memoryMiB, cores, shared }: Machine): { readonly pool: number; readonly instances: number } {
  const part = (memoryMiB > 4096 ? 0.75 : 0.5) / (shared ? 2 : 1);
  const wanted = Math.floor(memoryMiB * part);
  const instances = clamp(Math.min(Math.floor(wanted / 1024), cores), 1, 8);
  // The server rounds a pool up to whole chunks of 128 MiB in each instance; rounding down here keeps the promise to the machine.
  const chunk = 128 * instances;
  return { pool: wanted >= chunk ? floorTo(wanted, chunk) : Math.max(32, floorTo(wanted, 16)), instances };
}

/**
 * Redo log, MiB: a quarter of the pool, 96 MiB to 4 GiB, so that a minute of heavy writes fits without a forced flush; an eighth of the disk at
 * most, since the server makes all of it at its start.
 */
export const redoLogMiB = (poolMiB: number, diskMiB = Number.POSITIVE_INFINITY): number =>
  Math.max(16, Math.min(clamp(floorTo(poolMiB / 4, 16), 96, 4096), floorTo(diskMiB / 8, 16)));

/** Connections: what half of the memory beside the pool carries at 1 MiB each, from the server's own default (151) to 1000. */
export const maxConnections = ({ memoryMiB }: Pick<Machine, "memoryMiB">, poolMiB: number): number =>
  clamp(Math.floor((memoryMiB - poolMiB) / 2), 151, 1000);

/** The computed settings under the names that this server has for them. */
export function computedSettings(server: MysqlServer, machine: Machine): Readonly<Record<string, string | number>> {
  const { pool, instances } = bufferPoolMiB(machine);
  const connections = maxConnections(machine, pool);
  const redo = redoLogMiB(pool, machine.diskMiB);
  return {
    innodb_buffer_pool_size: mebibytes(pool),
    // MySQL makes eight of any pool from 1 GiB; MariaDB has had one pool since 10.5.
    ...(server.product === "mysql" && { innodb_buffer_pool_instances: instances }),
    ...(atLeast(server, "mysql", "8.0.30")
      ? { innodb_redo_log_capacity: mebibytes(redo) }
      : { innodb_log_file_size: mebibytes(server.product === "mysql" ? redo / 2 : redo) }),
    max_connections: connections,
    thread_cache_size: Math.min(connections, 200),
  };
}
