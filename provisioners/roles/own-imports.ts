// What a team's own role may import: the kit, Node's own modules, packages, and files beside it below `roles/`. Whatever else it read could
// change what it wants without anybody seeing that it changed.

import { registerHooks } from "node:module";
import { extname, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What a role imports by this name is this very code, whoever started it: a package of that name need not be installed. */
export const kitName = "contest-fleet/role";
const kit = new URL(`./kit${extname(import.meta.filename)}`, import.meta.url).href;

/** Folders, by their real paths, each with its slash. */
const folders = new Set<string>();
let hooked = false;

const isOwn = (url: string): boolean => {
  if (!url.startsWith("file:")) return false;
  const path = fileURLToPath(url);
  return [...folders].some((folder) => path.startsWith(folder)) && !path.includes(`${sep}node_modules${sep}`);
};

/** From now on modules below the folder are roles' own. */
export function roleFolder(folder: string): void {
  folders.add(folder + sep);
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(name, context, next) {
      if (context.parentURL === undefined || !isOwn(fileUrl(context.parentURL))) return next(name, context);
      if (name === kitName) return { url: kit, shortCircuit: true };
      const found = next(name, context);
      const inside = isOwn(found.url);
      const strange = found.url.startsWith("file:") && !inside && !found.url.includes("/node_modules/");
      if (strange)
        throw new Error(`expected \`${kitName}\`, a package, or a file below roles/ to import, got \`${name}\`; move it below roles/`);
      // Whatever package.json says, or where there is none.
      return inside && found.url.endsWith(".ts") ? { ...found, format: "module-typescript" } : found;
    },
  });
}

/** `require` hands over a path. */
const fileUrl = (parent: string): string => (parent.includes(":") ? parent : pathToFileURL(parent).href);
