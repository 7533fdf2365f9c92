// The page's token stays the same from run to run: links that the team has kept, and pages that are open, go on.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeStateFolder, stateFolder } from "../../pulumi/folder.ts";

/** @param renew links that were given away end */
export function tokenOf(stack: string, renew: boolean): string {
  makeStateFolder();
  const folder = join(stateFolder, "page");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${stack}.token`);
  const kept = renew ? undefined : read(file);
  if (kept !== undefined && /^[\w-]{22,}$/.test(kept)) return kept;
  const token = randomBytes(16).toString("base64url");
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
