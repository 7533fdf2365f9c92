// In which language a unit's program is written: by what it starts, else by what lies in its folder.
import type { CodeFolder, Unit } from "./facts.ts";

const interpreters: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)(?:python[0-9.]*|gunicorn|uvicorn|uwsgi|poetry|uv)$/, "Python"],
  [/(?:^|\/)(?:ruby|bundle|puma|unicorn|rackup)$/, "Ruby"],
  [/(?:^|\/)(?:node|npm|npx|yarn|pnpm|deno|bun|tsx|ts-node)$/, "Node"],
  [/(?:^|\/)(?:php[0-9.]*|php-fpm[0-9.]*)$/, "PHP"],
  [/(?:^|\/)(?:perl|plackup|carton|starman)$/, "Perl"],
  [/(?:^|\/)java$/, "Java"],
  [/(?:^|\/)(?:sh|bash|dash)$/, "shell"],
];
const marks: Readonly<Record<string, string>> = {
  "go.mod": "Go",
  "Cargo.toml": "Rust",
  Gemfile: "Ruby",
  "composer.json": "PHP",
  cpanfile: "Perl",
  "pyproject.toml": "Python",
  "requirements.txt": "Python",
  "package.json": "Node",
};

export function languageOf({ command, workingDirectory }: Unit, code: readonly CodeFolder[]): string {
  const words = command.slice(0, 2);
  const byCommand = interpreters.find(([pattern]) => words.some((word) => pattern.test(word)))?.[1];
  if (byCommand !== undefined && byCommand !== "shell") return byCommand;
  const folder = code.find(({ path }) => path === workingDirectory);
  const mark = Object.keys(marks).find((each) => folder?.marks.includes(each));
  return (mark && marks[mark]) ?? byCommand ?? "";
}
