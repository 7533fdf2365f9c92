// A project outside the checkout: a folder with stack files and state of its own, served by this checkout's code.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { checkout } from "../provisioners/project.ts";

interface Description {
  readonly main: string;
  readonly plugins: Readonly<Record<"providers" | "analyzers", readonly { readonly name: string; readonly path: string }[]>>;
}

/** The checkout's own project file, its paths made absolute: Pulumi reads them from where the file is. */
export function projectFile(): string {
  const own = parse(readFileSync(join(checkout, "Pulumi.yaml"), "utf8")) as Description;
  const absolute = (plugins: Description["plugins"]["providers"]) => plugins.map((each) => ({ ...each, path: join(checkout, each.path) }));
  const { providers, analyzers } = own.plugins;
  return stringify({
    ...own,
    main: join(checkout, own.main),
    plugins: { providers: absolute(providers), analyzers: absolute(analyzers) },
  });
}

/** Makes a folder a project, where it is none yet. */
export function makeProject(folder: string): void {
  mkdirSync(join(folder, "stacks"), { recursive: true });
  // Where its backend keeps the state; Pulumi does not make it.
  mkdirSync(join(folder, ".fleet"), { recursive: true });
  const file = join(folder, "Pulumi.yaml");
  if (!existsSync(file)) writeFileSync(file, projectFile());
}
