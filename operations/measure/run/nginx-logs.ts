// What nginx writes where, by its own dump of its configuration (`nginx -T`): pure.
import { matchesGlob } from "node:path";
import { snippet } from "./scripts.ts";

interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** The blocks that it stands in: `["http", "server"]`. */
  readonly within: readonly string[];
  /** Which of them it is: another one of the same names is another block. */
  readonly block: number;
  /** The file that it stands in. */
  readonly file: string;
}

const word = /\s*(#[^\n]*\n|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\\.|\$\{[^}]*\}|[^\s{};])+)/gy;
const fileMark = /^# configuration file (.+):\n$/;

/** Of a configuration as nginx dumps it: included files stand behind each other, not in each other. */
export function directivesIn(text: string): readonly Directive[] {
  const found: Directive[] = [];
  let within: string[] = [];
  let blocks: number[] = [];
  let opened = 0;
  let words: string[] = [];
  let file = "";
  for (const [, token = ""] of text.matchAll(word)) {
    if (token.startsWith("#")) {
      const next = fileMark.exec(token)?.[1];
      if (next !== undefined) [file, within, blocks, words] = [next, [...levelOf(next, found)], [++opened], []];
    } else if (token === "}") {
      within.pop();
      blocks.pop();
    } else if (token === ";" || token === "{") {
      const [name = "", ...args] = words;
      found.push({ name, args, within: [...within], block: blocks.at(-1) ?? 0, file });
      if (token === "{") {
        within.push(name);
        blocks.push(++opened);
      }
      words = [];
    } else words.push(/^["']/.test(token) ? token.slice(1, -1) : token);
  }
  return found;
}

/** Where the file that includes this one stands. */
function levelOf(file: string, before: readonly Directive[]): readonly string[] {
  const by = before.find(({ name, args: [pattern = ""], file: from }) => name === "include" && includes(pattern, file, from));
  return by?.within ?? [];
}

/** A relative pattern is below the folder of the main file. */
function includes(pattern: string, file: string, from: string): boolean {
  const whole = pattern.startsWith("/") ? pattern : `${from.replace(/\/[^/]*$/, "")}/${pattern}`;
  return matchesGlob(file, whole) || (!pattern.startsWith("/") && file.endsWith(`/${pattern}`));
}

export interface NginxLogs {
  /** Whether a file in `conf.d` is read, on the level of `http`. */
  readonly confD: boolean;
  /** Files that `http` says, for all servers without one of their own. */
  readonly shared: readonly string[];
  /** Files that servers and locations write on their own account: what stands in `http` is not for them. */
  readonly own: readonly string[];
  /** Files whose `access_log off;` in `http` silences every other there. */
  readonly silencedBy: readonly string[];
  /** Logs of theirs that are no file here: syslog, a path with a variable, one below nginx's own folder. */
  readonly elsewhere: readonly string[];
  /** Whether a server as a whole logs nothing. */
  readonly silentServers: boolean;
  readonly silentLocations: boolean;
}

export function nginxLogs(dump: string): NginxLogs {
  // What a killed run left is none of the team's.
  const all = directivesIn(dump).filter(({ file }) => file !== snippet);
  const logs = all.filter(({ name, within }) => name === "access_log" && within[0] === "http");
  const [shared, own] = [logs.filter(({ within }) => within.length === 1), logs.filter(({ within }) => within.length > 1)];
  const isFile = (file: string) => file.startsWith("/") && !file.includes("$");
  const written = (some: readonly Directive[]) => [...new Set(some.map(({ args: [file = ""] }) => file))].filter((file) => file !== "off");
  const files = (some: readonly Directive[]) => written(some).filter(isFile);
  const off = (some: readonly Directive[]) => some.filter(({ args: [file] }) => file === "off");
  return {
    confD: all.some(({ name, within, args }) => name === "include" && within.join() === "http" && /conf\.d\/\*\.conf$/.test(args[0] ?? "")),
    shared: files(shared),
    own: files(own),
    silencedBy: [...new Set(off(shared).map(({ file }) => file))],
    elsewhere: written(own).filter((file) => !isFile(file)),
    silentLocations: off(own).some(
      ({ within, block }) => within.includes("location") && !all.some((each) => each.name === "stub_status" && each.block === block),
    ),
    silentServers: off(own).some(({ within }) => within.join() === "http,server" && !statusPage(all, within)),
  };
}

/** The status page that the role nginx brings is silent on purpose; it is alone in being so as a rule. */
const statusPage = (all: readonly Directive[], within: readonly string[]): boolean =>
  all.some(({ name, within: there }) => name === "stub_status" && there.slice(0, 2).join() === within.join());
