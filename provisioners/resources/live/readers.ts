// The services that can be asked what they run with.
import { mysqlReader } from "./mysql.ts";
import { nftablesReader } from "./nftables.ts";
import { nginxReader } from "./nginx.ts";
import { phpReader } from "./php.ts";
import type { Reader } from "./reader.ts";
import { redisReader } from "./redis.ts";
import { sshdReader } from "./sshd.ts";
import { systemdReader } from "./systemd.ts";

export const readerNames = ["mysql", "sshd", "redis", "php", "nginx", "nftables", "systemd"] as const;
export type ReaderName = (typeof readerNames)[number];

export const readers: Readonly<Record<ReaderName, Reader>> = {
  mysql: mysqlReader,
  sshd: sshdReader,
  redis: redisReader,
  php: phpReader,
  nginx: nginxReader,
  nftables: nftablesReader,
  systemd: systemdReader,
};
