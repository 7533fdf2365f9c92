// What `npm pack` packs: dist/, the product as JavaScript. Node strips no types under node_modules. Only what the program, the command, the
// provider, the policies and a team's roles reach is compiled; beside it lies what they read when they run.
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import ts from "typescript";

const root = dirname(import.meta.dirname);
const out = join(root, "dist");

const entries = ["index.ts", "cli/main.ts", "provisioners/provider/main.ts", "policy/main.ts"];
/** What a team's roles import; the one module whose types are packed. */
const kit = "provisioners/roles/kit.ts";
const rooms = ["cli", "components", "iam", "machines", "operations", "policy", "provisioners", "pulumi", "setup", "spec", "templates"];
const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { noEmit: _, ...kept } = config.compilerOptions;
const read = (name) => readFileSync(join(root, name), "utf8");

function write(name, text) {
  mkdirSync(dirname(join(out, name)), { recursive: true });
  writeFileSync(join(out, name), text);
}

/** The files that these import, and so on. */
function reached(names, seen = new Set()) {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const imported = ts.preProcessFile(read(name), true, true).importedFiles.map(({ fileName }) => fileName);
    const ours = imported.filter((each) => each.startsWith(".") && each.endsWith(".ts"));
    reached(
      ours.map((each) => relative(root, resolve(root, dirname(name), each))),
      seen,
    );
  }
  return seen;
}

const optionsOf = (more) => ts.convertCompilerOptionsFromJson({ ...kept, rewriteRelativeImportExtensions: true, ...more }, root).options;

/** Types are checked elsewhere (`npm run check`). One file alone does not know that its package is of ES modules. */
const script = optionsOf({ module: "esnext", moduleResolution: "bundler" });
function compile(name) {
  const { outputText } = ts.transpileModule(read(name), { compilerOptions: script, fileName: join(root, name) });
  write(name.replace(/\.ts$/, ".js"), outputText);
}

/** The compiler leaves the names of modules in them as they were written. */
function declare(name) {
  const options = optionsOf({ declaration: true, emitDeclarationOnly: true, noCheck: true, rootDir: ".", outDir: "dist" });
  ts.createProgram([join(root, name)], options).emit(undefined, (file, text) =>
    write(relative(out, file), text.replaceAll(/(from |import\()"(\.[^"]*)\.ts"/g, '$1"$2.js"')),
  );
}

/** Templates, scripts, tables, examples: whatever is no code and no page. */
function copyBeside(room) {
  for (const name of readdirSync(join(root, room), { recursive: true })) {
    const from = join(root, room, name);
    if ([".ts", ".md", ".mjs"].includes(extname(name)) || name.includes("node_modules") || !statSync(from).isFile()) continue;
    copy(relative(root, from));
  }
}

function copy(name) {
  mkdirSync(dirname(join(out, name)), { recursive: true });
  cpSync(join(root, name), join(out, name));
  chmodSync(join(out, name), statSync(join(root, name)).mode);
}

rmSync(out, { recursive: true, force: true });
for (const name of reached([...entries, kit])) compile(name);
declare(kit);
for (const room of rooms) copyBeside(room);
for (const page of pages) copy(join("docs", page));
write(
  "Pulumi.yaml",
  read("Pulumi.yaml")
    .replace(/^main: index\.ts$/m, "main: index.js")
    .replace(/ +# Node runs the \.ts itself/, ""),
);
const { name, version } = JSON.parse(read("package.json"));
write("package.json", `${JSON.stringify({ name, version, private: true, type: "module" }, null, 2)}\n`);
