// Files that are laid over `/`: `files/common/…` on every server, `files/<server>/…` over it.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { didYouMean } from "./messages.ts";
import { type Problem, refusal } from "./problem.ts";
import { AbsolutePattern, FilePath, LinkTarget, Mode, Owner } from "./scalars.ts";

export const FileRule = z
  .strictObject({
    path: AbsolutePattern.describe("path on the server, or a pattern of paths"),
    owner: Owner.optional().describe("user; without it, root, or the application's user below its home"),
    group: Owner.optional().describe("group; without it, called as the owner"),
    mode: Mode.optional().describe("mode; without it, that of the tree"),
  })
  .describe("owner and mode of files of the tree");
export type FileRule = z.infer<typeof FileRule>;

/** A file of the team's own. Whose it is on the server, the plan says. */
export interface OverlayFile {
  /** On the server. */
  readonly path: string;
  readonly content: string;
  /** Given where the content is not UTF-8 text. */
  readonly encoding?: "base64";
  /** `0755` where the file is executable here, else `0644`. */
  readonly mode: "0644" | "0755";
  /** Of a file that came as `x.tmpl`, and is still to be rendered. */
  readonly template?: boolean;
  /** Rendered: marks in it stand for values. */
  readonly marked?: boolean;
  /** One of them for a secret. */
  readonly secret?: boolean;
  /** What the stack file says of it. */
  readonly rule?: Omit<FileRule, "path">;
}

/** A symbolic link of the team's own, never followed here: its target counts on the server. */
export interface OverlayLink {
  readonly path: string;
  readonly target: string;
}

export type OverlayEntry = OverlayFile | OverlayLink;

/** Larger things come as archives. Bytes. */
export const sizeLimit = 1024 * 1024;
export const common = "common";
/** Of a template. */
export const suffix = ".tmpl";
/** Holds an otherwise empty folder in git. */
const ignored = ".gitkeep";

const shownName = (file: string): string => {
  const name = relative(process.cwd(), file);
  return name.startsWith("..") ? file : name;
};

/**
 * The overlay of every server, from the overlay folder (`Stack.files`); an absent folder is an empty one. Throws a
 * UserError with every problem: a folder that is no server's, or that is a link, a name with control characters, a file over 1 MiB.
 */
export function overlays(folder: string, servers: readonly string[]): Readonly<Record<string, readonly OverlayEntry[]>> {
  const problems: Problem[] = [];
  for (const name of names(folder)) {
    if (name === common || name === ignored || servers.includes(name)) continue;
    const reason = `expected \`${common}\` or the name of a server${didYouMean(name, [common, ...servers])}`;
    problems.push({ at: shownName(join(folder, name)), path: "files", reason });
  }
  const shared = tree(join(folder, common), problems);
  const all = servers.map(
    (server) => [server, [...new Map([...shared, ...tree(join(folder, server), problems)]).values()].sort(byPath)] as const,
  );
  if (problems.length > 0) throw refusal(shownName(folder), problems);
  return Object.fromEntries(all);
}

/** The overlay of one server: the folder's other servers are looked at too. */
export const overlayFiles = (folder: string, server: string): readonly OverlayEntry[] => {
  const servers = [...new Set([server, ...names(folder)])].filter((name) => name !== common && name !== ignored);
  return overlays(folder, servers)[server] ?? [];
};

/** The entries with what the stack file says of their owner and mode: of several rules for a path the last counts. */
export const ruled = (entries: readonly OverlayEntry[], rules: readonly FileRule[]): readonly OverlayEntry[] =>
  entries.map((entry) => {
    const found = rules.findLast(({ path }) => matches(entry.path, path));
    if (!found || "target" in entry) return entry;
    const { path: _, ...rule } = found;
    return { ...entry, rule };
  });

/** As the shell matches: a `*` takes no `/`. */
function matches(path: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${source}$`, "u").test(path);
}

const byPath = (a: OverlayEntry, b: OverlayEntry): number => (a.path < b.path ? -1 : 1);

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** All files and links below `root`, by their path on the server. A link stays one: nothing comes in from outside. */
function tree(root: string, problems: Problem[]): ReadonlyMap<string, OverlayEntry> {
  const files = new Map<string, OverlayEntry>();
  const visit = (file: string): void => {
    const refused = (reason: string): unknown => problems.push({ at: shownName(file), path: "files", reason });
    const path = `/${relative(root, file)}`;
    const stat = lstatSync(file);
    if (path !== "/" && !FilePath.safeParse(path).success)
      refused(`expected a name without control characters and \`|\`, got ${JSON.stringify(path)}; rename it`);
    else if (stat.isDirectory()) for (const name of names(file).filter((each) => each !== ignored)) visit(join(file, name));
    else if (stat.isSymbolicLink()) link(file, path, refused);
    else if (!stat.isFile()) refused("expected a file or folder, got something else; remove it");
    else if (stat.size > sizeLimit) refused(`expected at most 1 MiB, got ${stat.size} bytes; bring it as an archive`);
    else add(path, { ...contentOf(readFileSync(file)), mode: stat.mode & 0o111 ? "0755" : "0644" }, refused);
  };
  const add = (name: string, file: Omit<OverlayFile, "path">, refused: (reason: string) => unknown): void => {
    const template = name.endsWith(suffix);
    const path = template ? name.slice(0, -suffix.length) : name;
    if (files.has(path)) refused(`expected one file for \`${path}\`, got it and its template; remove one of them`);
    else if (template && file.encoding) refused("expected a template of UTF-8 text, got other bytes");
    else files.set(path, { path, ...file, ...(template && { template }) });
  };
  const link = (file: string, path: string, refused: (reason: string) => unknown): void => {
    const target = readlinkSync(file);
    if (path === "/") refused("expected a folder, got a link; copy what it points to");
    else if (!LinkTarget.safeParse(target).success)
      refused(`expected a link to a path, got one to ${JSON.stringify(target)}; make it again`);
    else files.set(path, { path, target });
  };
  if (lstatSync(root, { throwIfNoEntry: false })) visit(root);
  return files;
}

function contentOf(bytes: Buffer): Pick<OverlayFile, "content" | "encoding"> {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? { content: text } : { content: bytes.toString("base64"), encoding: "base64" };
}
