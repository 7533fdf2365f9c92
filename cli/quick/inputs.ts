// Everything beside the state and the servers that decides what the engine would do, as a digest a part. A part that is not as it was sends
// every command to the engine. Files count by what the file system says of them: a change's time can't be set back.
import { createHash } from "node:crypto";
import { type BigIntStats, existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";

/** What the program, the provider and the policies are made of; a test holds this against their imports. */
export const codeFolders = [
  "components",
  "cli",
  "iam",
  "machines",
  "operations",
  "policy",
  "provisioners",
  "pulumi",
  "setup",
  "spec",
  "templates",
];
/** Which packages there are. */
const packages = ["package.json", "package-lock.json", "node_modules/.package-lock.json"];
const codeFiles = ["index.ts", "Pulumi.yaml", ...packages, "tsconfig.json"];

/** In `stacks/`, for nobody's servers. */
const notStacks = (name: string): boolean => name === "samples" || name === "fleet.schema.json" || /^Pulumi\..*\.yaml$/.test(name);
/** Overlay folders: of this stack only its own counts. */
const isOverlay = (name: string): boolean => /^files(-|$)/.test(name);

/** Protects the state, and is tried on it. */
const passphrases = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"];
/** Say nothing of what the program asks for. */
const silent = ["PULUMI_DEBUG_COMMANDS", "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"];

export interface Around {
  /** The product's code. */
  readonly root: string;
  /** What the user's part of it is in; the same folder where nobody chose another. */
  readonly project: string;
  readonly stack: string;
  /** The stack's overlay folder: absolute. It need not exist. */
  readonly files: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of Node, and what this computer is. @default this process's */
  readonly runtime?: string;
}

/** By the name of the part, as a reason says it. */
export type Inputs = Readonly<Record<string, string>>;

const thisRuntime = (): string => `${process.version} ${process.platform} ${process.arch} ${availableParallelism()}`;

export function inputsOf({ root, project, stack, files, env, runtime = thisRuntime() }: Around): Inputs {
  const roles = join(project, "roles");
  const stacks = namesIn(join(project, "stacks")).filter((name) => !notStacks(name) && !isOverlay(name));
  return {
    [`stacks/Pulumi.${stack}.yaml`]: digest([join(project, "stacks", `Pulumi.${stack}.yaml`)]),
    "the overlay files": digest([files]),
    "what else lies in stacks/": digest(stacks.map((name) => join(project, "stacks", name))),
    "the team's own roles": digest(
      [roles, ...namesIn(roles).map((name) => realPath(join(roles, name)))],
      // What those import. In the checkout the program's packages are theirs too.
      project === root ? [] : packages.map((name) => join(project, name)),
    ),
    "the program": digest(
      codeFolders.map((name) => join(root, name)),
      [...codeFiles.map((name) => join(root, name)), join(project, "Pulumi.yaml")],
    ),
    "the engine": digest(["pulumi", "pulumi-language-nodejs"].map((name) => programOn(env.PATH ?? "", name))),
    "Node or this computer": sha256(runtime),
    "the environment's PULUMI settings": sha256(JSON.stringify(settingsIn(env))),
  };
}

/** The parts that differ, by name. */
export const changed = (was: Inputs, now: Inputs): readonly string[] =>
  [...new Set([...Object.keys(was), ...Object.keys(now)])].filter((part) => was[part] !== now[part]);

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const settingsIn = (env: Around["env"]) =>
  Object.entries(env)
    .filter(([name, value]) => name.startsWith("PULUMI_") && value !== undefined && ![...passphrases, ...silent].includes(name))
    .sort();

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Of what a link leads to; a role may be shared by one. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Where the shell would find it; its bare name where it is nowhere. */
function programOn(path: string, name: string): string {
  const found = path.split(delimiter).find((folder) => lstatSync(join(folder, name), { throwIfNoEntry: false }));
  return found === undefined ? name : realpathSync(join(found, name));
}

/** @param contents few files, by content: a checkout that shares its packages with another by hard links changes their times */
function digest(paths: readonly string[], contents: readonly string[] = []): string {
  const lines = contents.map((path) => `${path}\0${existsSync(path) ? sha256(readFileSync(path, "utf8")) : "-"}`);
  const visit = (path: string): void => {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    lines.push(`${path}\0${stat ? facts(stat) : "-"}`);
    if (stat?.isDirectory()) for (const name of namesIn(path)) visit(join(path, name));
  };
  for (const path of paths) visit(path);
  return sha256(lines.join("\n"));
}

/** A folder is what is in it: reading it may change its times. */
const facts = (stat: BigIntStats): string =>
  stat.isDirectory() ? "folder" : [stat.mode, stat.size, stat.ino, stat.mtimeNs, stat.ctimeNs].join(" ");
