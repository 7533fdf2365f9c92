// The stack file, the trees and the page, onto this computer's disk.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stacksFolder } from "../../provisioners/project.ts";
import type { OverlayEntry } from "../../spec/overlay.ts";
import { filesFolder } from "./stack-file.ts";
import type { Layers } from "./trees.ts";

/** Below `stacks/`. */
export interface Written {
  readonly stackFile: string;
  readonly page: string;
  readonly files: string;
}

export const placesOf = (stack: string): Written => ({
  stackFile: join(stacksFolder, `Pulumi.${stack}.yaml`),
  page: join(stacksFolder, `${stack}.md`),
  files: join(stacksFolder, filesFolder(stack)),
});

/** In the place of what was adopted before. */
export function writeTrees(stack: string, { common, own }: Layers): void {
  const { files } = placesOf(stack);
  rmSync(files, { recursive: true, force: true });
  // The stack file names it: it is there in every checkout, with nothing in it too.
  mkdirSync(files, { recursive: true });
  if (Object.values({ common, ...own }).every((entries) => entries.length === 0)) writeFileSync(join(files, ".gitkeep"), "");
  for (const [layer, entries] of Object.entries({ common, ...own })) for (const entry of entries) writeEntry(join(files, layer), entry);
}

function writeEntry(folder: string, entry: OverlayEntry): void {
  const file = join(folder, entry.path) + ("template" in entry && entry.template ? ".tmpl" : "");
  mkdirSync(dirname(file), { recursive: true });
  if ("target" in entry) symlinkSync(entry.target, file);
  else writeFileSync(file, Buffer.from(entry.content, entry.encoding ?? "utf8"), { mode: entry.mode === "0755" ? 0o755 : 0o644 });
}

export const alreadyThere = (stack: string): readonly string[] => Object.values(placesOf(stack)).filter((path) => existsSync(path));
