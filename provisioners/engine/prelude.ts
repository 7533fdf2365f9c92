// The shell functions that steps may call, and where a server keeps what a converge must remember. Their text is in prelude.sh and paths.sh.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Address } from "../resources/kind.ts";
import { runtimeFolders } from "./runtime-folders.ts";
import { unitLinks } from "./unit-links.ts";

/** Root-only. What is needed to undo a role outlives the run, the checkout and the state file. */
export const memoryDirectory = "/var/lib/fleet";
/** A role's copies of what was there, and what a run of it that ended early still owes. */
export const stateDirectory = (role: string): string => `${memoryDirectory}/${role}`;

/** The name under which a resource's copies are kept: addresses hold slashes. */
export const storeKey = (address: Address): string => createHash("sha256").update(address).digest("hex").slice(0, 16);

/**
 * Expects `$state` (the role's directory), `$run` (a nonce), a function `tell` (words for the runner) and, around a step, `$key` (the
 * resource's store key). A run may be killed between any two lines.
 *
 * - `fleet_write PATH MODE OWNER GROUP VALIDATE`: content on standard input; a hidden temporary file beside the target with mode and
 *   owner set before the content, flushed, validated (`%s`, unquoted, is the file), renamed. Any failure leaves the old content.
 * - `fleet_enter DIRECTORY`: works in it from then on; refused where a link that is not root's leads to what is another user's.
 * - `fleet_at PATH COMMAND …`: COMMAND runs in the path's folder, entered so, with the path's own name as its last argument.
 * - `fleet_copy PATH COPY OPTION …`: `cp -a` of what is there to a place of root's.
 * - `fleet_read PATH`: a file's content; a link is refused.
 * - `fleet_into PATH`: standard input into a file that is there, which keeps owner and mode; a link is refused.
 * - `fleet_new PATH`: standard input as a new file of root's.
 * - `fleet_remove PATH`: of a file or a link; nothing to do where its folder is gone.
 * - `fleet_back COPY PATH`: the copy takes the place of what is there, an empty directory too.
 * - `fleet_folders DIRECTORY`: makes it, and those above it that are missing.
 * - `fleet_mode MODE PATH`: of the path itself, never of what a user's link in its place leads to.
 * - `fleet_without_block FILE BEFORE`: takes managed blocks out of a copy; BEFORE is what the file was without them, whose last line may have had no newline.
 * - `fleet_through PATH`: prints where a link leads, else the path itself.
 * - `fleet_keep PATH`: keeps the last good content until every service that reads it is up again. What is inside a directory isn't kept.
 * - `fleet_keep_by PATH`: likewise for what no copy brings back; standard input is shell text that does.
 * - `fleet_rollback KEY …`: puts last good contents back and tells `back KEY` for each; what was not there goes away.
 * - `fleet_abandon`: rolls back what no service has confirmed; for a run that ends before its services had their turn.
 * - `fleet_confirmed`: forgets the last good contents of what a service has confirmed in an earlier run.
 * - `fleet_lean INDEX KEY SERVICE BEFORE WATCHED THING …`: once a package could not be had (`$fleet_lack`), tells `lacks` of what leans on what is not there.
 * - `fleet_parents PATH`: makes the folders above it that are missing; the server remembers them beside the journal.
 * - `fleet_no_parents FOLDER …`: takes away those of them that it made, and that are empty by now.
 * - `fleet_keep_accounts MEMORY`, `fleet_accounts_back MEMORY`: what shadow's programs leave beside /etc/passwd and its like, as it was.
 * - `fleet_stays TEXT`: says what of others' an undo leaves there. It stays remembered until the server is given back.
 * - `fleet_undone KEY RECORD STAYS`, `fleet_drop_copies`: a run's last words to the journal, and the end of the copies that it no longer needs.
 * - `systemctl VERB UNIT`: systemd's own; a start, stop, restart or reload says what it waits for, and ends where that takes too long.
 * - `fleet_runtime UNIT`: makes the folders below /run that its validator may need, and that are gone while it does not run.
 * - `fleet_maskable UNIT`: fails, and says why, where a mask of it would be refused.
 * - `fleet_disable UNIT`, `fleet_mask UNIT`, `fleet_unmask UNIT`: as systemctl does it, but for the link by which the unit is known: it stays, or is back.
 * - `fleet_service UNIT ACTION VALIDATE SETTLE NEWS KEY …`: validates, then reloads or restarts; where that fails, or the service does
 *   not stay up for SETTLE seconds, the keys' files get their last good contents back, the service is started with them, and its
 *   own words are shown; `$fleet_log`, where set, is a file with more of them. ACTION `renew` is a reload that must bring new workers. NEWS, one argument, are the keys of what changed: with one that can't be put back, the action stays owed.
 */
export const prelude = withoutComments(
  `${runtimeFolders}\n${unitLinks}\n${textOf("paths.sh")}\n${textOf("accounts.sh")}\n${textOf("unit-patience.sh")}\n${textOf("prelude.sh")}`,
);

/** Those for the account files' own backups; they expect nothing. */
export const accountFunctions = withoutComments(textOf("accounts.sh"));

/** Those for paths alone; they expect `$run` and nothing else. */
export const pathFunctions = withoutComments(textOf("paths.sh"));

function textOf(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), "utf8");
}

/** Shell text goes to the server with every run: without what only people read. */
export function withoutComments(text: string): string {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.trimStart().startsWith("#"))
    .join("\n");
}
