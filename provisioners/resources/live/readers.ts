// The services that can be asked what they run with.
import { mysqlReader } from "./mysql.ts";
import type { Reader } from "./reader.ts";
import { sshdReader } from "./sshd.ts";

export const readerNames = ["mysql", "sshd"] as const;
export type ReaderName = (typeof readerNames)[number];

export const readers: Readonly<Record<ReaderName, Reader>> = { mysql: mysqlReader, sshd: sshdReader };
