// A project outside the checkout: a folder with stack files and state of its own, served by this checkout's code.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { checkout } from "../provisioners/project.ts";

interface Description {
  readonly main: string;
  readonly plugins: Readonly<Record<"providers" | "analyzers", readonly { readonly name: string; readonly path: string }[]>>;
}

/** The checkout's own project file, with its paths in `code`: absolute, or from where the file is, as Pulumi reads them. */
export function projectFile(code = checkout): string {
  const own = parse(readFileSync(join(checkout, "Pulumi.yaml"), "utf8")) as Description;
  const inCode = (plugins: Description["plugins"]["providers"]) => plugins.map((each) => ({ ...each, path: join(code, each.path) }));
  const { providers, analyzers } = own.plugins;
  return stringify({ ...own, main: join(code, own.main), plugins: { providers: inCode(providers), analyzers: inCode(analyzers) } });
}

/** Makes a folder a project, where it is none yet. */
export function makeProject(folder: string): void {
  mkdirSync(join(folder, "stacks"), { recursive: true });
  // Where its backend keeps the state; Pulumi does not make it.
  mkdirSync(join(folder, ".fleet"), { recursive: true });
  const file = join(folder, "Pulumi.yaml");
  if (!existsSync(file)) writeFileSync(file, projectFile());
}
