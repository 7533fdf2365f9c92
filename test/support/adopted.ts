// Answers of a server as `fleet adopt` gets them, with what a test says of it.
import type { Answers } from "../../operations/adopt/look.ts";
import { sections } from "../../operations/adopt/sections.ts";
import type { Facts } from "../../provisioners/engine/facts.ts";

export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

export const facts: Facts = {
  distribution: "debian",
  version: "12",
  architecture: "amd64",
  cores: 2,
  memoryMiB: 3840,
  container: false,
  packageManager: "apt",
  cloudInit: false,
};

interface FileOf {
  readonly path: string;
  readonly content?: string;
  readonly target?: string;
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  /** A service's environment: what is in it is told all the same. */
  readonly told?: boolean;
}

/** As the look prints it: what not everybody may read comes without what is in it. */
function filePart({ path, content = "", target, mode = "644", owner = "root", group = "root", told = false }: FileOf): string {
  if (target !== undefined) return `symbolic link|777|${owner}|${group}|${target.length}|${path}\n${target}\n`;
  const shown = told || Number(mode.at(-1)) >= 4 ? Buffer.from(content).toString("base64") : "";
  return `regular file|${mode}|${owner}|${group}|${Buffer.byteLength(content)}|${path}\n${shown}\n`;
}

type Said = Partial<Omit<Answers, "files">> & { readonly files?: readonly FileOf[] };

export const system = "debian\n12\n6.1.0\nx86_64\n2\n3932160\ngiven1\n3600\n1790000000\n/usr/share/zoneinfo/Etc/UTC\n0\nyes\n";
const people = "isucon\t/home/isucon\t/bin/bash";

export const answersOf = ({ files = [], ...said }: Said): Answers => ({
  ...(Object.fromEntries(Object.keys(sections).map((name) => [name, ""])) as Answers),
  ...{ system, people },
  ...said,
  files: files.map(filePart).join(""),
});

/** A block of `systemctl show`. */
export const unitOf = (name: string, properties: Readonly<Record<string, string>>): string =>
  Object.entries({
    Id: `${name}.service`,
    Type: "simple",
    LoadState: "loaded",
    FragmentPath: `/etc/systemd/system/${name}.service`,
    ...properties,
  })
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
