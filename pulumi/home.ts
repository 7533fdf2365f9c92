// Pulumi's home folder, as `fleet` starts the engine with it: the user's own, but for the automatic log.
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

export const ownHome = (env: Environment = process.env): string => resolve(env.PULUMI_HOME || join(homedir(), ".pulumi"));

/** What the engine makes there by itself: it has to be the user's, whoever makes it first. */
const shared = ["plugins", "policies", "schemas", "templates", "templates-policy", "templates-packages", "workspaces"];

/** Credentials have a setting of their own, since the engine replaces the file; the log is what this is about. */
const apart: ReadonlySet<string> = new Set(["credentials.json", "config.json", "logs"]);

/** Whether the user wants the engine's automatic log. */
export const logWanted = ({ FLEET_ENGINE_LOG: wanted = "" }: Environment): boolean => !["", "0", "false", "no"].includes(wanted);

/**
 * The engine has no switch for its automatic log, which costs more than half of its time; it does without where it can't make the folder
 * `logs`. So it gets a home folder in which that is a file, and everything else leads to the user's own (docs/adr/0010-engine-settings.md).
 * @param folder where to keep it
 */
export function withoutLog(folder: string, env: Environment = process.env): Readonly<Record<string, string>> {
  const own = ownHome(env);
  if (logWanted(env) || own === resolve(folder)) return {};
  try {
    for (const name of shared) mkdirSync(join(own, name), { recursive: true, mode: 0o700 });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(own)) if (!apart.has(name)) link(join(own, name), join(folder, name));
    if (!existsSync(join(folder, "logs")))
      writeFileSync(join(folder, "logs"), "A file, so that Pulumi's engine keeps no log: FLEET_ENGINE_LOG=1\n");
  } catch (error) {
    // A home folder that can't be written to: then the engine keeps its ways.
    if (["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) return {};
    throw error;
  }
  return { PULUMI_HOME: folder, PULUMI_CREDENTIALS_PATH: env.PULUMI_CREDENTIALS_PATH || own };
}

/** Other runs may do the same at once. */
function link(target: string, path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && readlinkSync(path) === target) return;
  if (there) rmSync(path, { recursive: true, force: true });
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
