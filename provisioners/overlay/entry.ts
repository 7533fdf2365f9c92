// A file or link of the team's tree as a resource: what it takes from the role's own, from its territory, and from where it lies.
import { posix } from "node:path";
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import { literal } from "../engine/placeholders.ts";
import { isBelow } from "../resources/address-path.ts";
import { withBlock } from "../resources/block.ts";
import { type Declared, want } from "../resources/want.ts";
import type { Account, Territory } from "../roles/role.ts";
import { pathsOf } from "./owners.ts";
import { sysctlWant } from "./sysctl.ts";
import { unitPlace } from "./unit-place.ts";

export interface Surroundings {
  readonly own: readonly Declared[];
  /** All of the server's. */
  readonly all: readonly OverlayEntry[];
  /** Of all roles of the server, in the same file. */
  readonly blocks: readonly Declared[];
  readonly territory: Territory | undefined;
  readonly account: Account;
}

export function entryWant(entry: OverlayEntry, { own: wanted, all, blocks, territory, account }: Surroundings): Declared {
  if ("target" in entry) return want.link({ ...entry, ...afterOf(territory) });
  const own = entry.encoding || entry.marked ? entry.content : literal(entry.content);
  const content = blocks.length === 0 || entry.encoding ? own : withBlocks(own, blocks);
  const role = wanted.find((each) => pathsOf(each).includes(entry.path));
  // The content alone: who may read or run the file, and what checks it, is the role's to say.
  if (role?.address.startsWith("file[")) {
    const { mode = "0644" } = role.want as { readonly mode?: string };
    if (entry.secret && Number.parseInt(mode, 8) & 0o004) throw openSecret(entry.path);
    const { encoding } = entry;
    return {
      ...role,
      want: { ...role.want, content, ...(encoding && { encoding }), ...(entry.secret && { sensitive: true }) } as Declared["want"],
    };
  }
  const unit = entry.encoding ? undefined : unitPlace(entry.path);
  if (entry.secret && (unit || sysctlWant(entry, all))) throw openSecret(entry.path);
  if (unit) return want.unit({ ...unit, content });
  const settings = sysctlWant(entry, all, wanted);
  if (settings) return settings;
  return want.file({ ...fileOf(entry, territory, account), content });
}

const openSecret = (path: string): UserError =>
  new UserError(`files: ${path}.tmpl: expected no secret in a file that everybody on the server may read; put it into one of its own`);

function fileOf({ path, encoding, mode, secret, rule }: OverlayFile, territory: Territory | undefined, account: Account) {
  const { validateFile } = territory ?? {};
  return {
    ...{ path, mode: territory?.mode ?? mode, ...ownerAt(path, account) },
    // What nobody says is as the server's file has it; a secret is its owner's alone.
    ...(rule || secret ? {} : { keep: true }),
    ...(secret && { mode: "0600", sensitive: true }),
    ...(rule?.owner && { owner: rule.owner, group: rule.owner }),
    ...(rule?.group && { group: rule.group }),
    ...(rule?.mode && { mode: rule.mode }),
    ...(encoding && { encoding }),
    ...(validateFile && { validate: validateFile }),
    ...afterOf(territory),
  };
}

const afterOf = (territory: Territory | undefined) => (territory?.after?.length ? { after: territory.after } : {});

/** Below the application user's home, files are the user's. */
const ownerAt = (path: string, { name, home, group }: Account) =>
  isBelow(path, home) ? { owner: name, group } : { owner: "root", group: "root" };

function withBlocks(content: string, blocks: readonly Declared[]): string {
  return blocks.reduce((text, { want: block }) => withBlock(text, block as unknown as { name: string; content: string }), content);
}

/** The folders on the way to the entries, but for those of the root, which every server has. What is there keeps what it has. */
export function folders(entries: readonly OverlayEntry[], account: Account): readonly Declared[] {
  const paths = new Map(entries.flatMap(({ path }) => above(posix.dirname(path)).map((folder) => [folder, folder] as const)));
  return [...paths.keys()].map((path) => {
    return want.directory({ path, keep: true, ...ownerAt(path, account) });
  });
}

function above(folder: string): readonly string[] {
  const parts = folder.split("/").slice(1);
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`).slice(1);
}
