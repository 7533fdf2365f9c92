// Passwords that stand in the servers' own files: in the stack they are Pulumi secrets, and the file is a template that names them.
import type { FileRule, OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import { AbsolutePath, Mode, Owner, OwnName, SecretText } from "../../spec/scalars.ts";
import type { ServerFile } from "./facts.ts";
import { isOpen } from "./parse-files.ts";

export interface Hidden {
  readonly entries: readonly OverlayEntry[];
  /** Who owns the templates: a secret's file is else its owner's alone. */
  readonly rules: readonly FileRule[];
  /** Paths of what could not be hidden. */
  readonly refused: readonly string[];
}

/** By name. One for all servers where it is the same on all. */
export type Secrets = Readonly<Record<string, string>>;

const telling = /(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|PRIVATE|API_?KEY|ACCESS_?KEY|CREDENTIAL|DSN|DATABASE_URL)/i;
const assignment = /^(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_]*)(\s*=\s*)(["']?)([^\n]*?)(["']?)(\s*)$/;
/** Of configuration files that are no list of variables. */
const directive = /^(\s*)(requirepass|masterauth|password)(\s*[= ]\s*)(["']?)([^\s"'#]+)(["']?)(\s*)$/i;

/** Takes names for as long as the trees of one team are gone through. */
export class SecretNames {
  readonly #known: Map<string, string>;
  readonly #used = new Set<string>();

  /** @param known the names that there are already */
  constructor(known: Secrets = {}) {
    this.#known = new Map(Object.entries(known));
  }

  /** Those that a file names. */
  get secrets(): Secrets {
    const used = [...this.#known].filter(([name]) => this.#used.has(name));
    return Object.fromEntries(used.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The same name for the same value, on whichever server. */
  nameFor(variable: string, value: string): string {
    const base =
      variable
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^[^a-z]+|-+$/g, "") || "secret";
    for (let count = 1; ; count++) {
      const name = count === 1 ? base : `${base}-${count}`;
      const known = this.#known.get(name) ?? value;
      if (known !== value) continue;
      this.#known.set(name, value);
      this.#used.add(name);
      return name;
    }
  }
}

/** `environment`: files that are lists of variables. */
export function hide(
  entries: readonly OverlayEntry[],
  files: readonly ServerFile[],
  { environment, names }: { readonly environment: ReadonlySet<string>; readonly names: SecretNames },
): Hidden {
  const all = entries.map((entry): readonly [OverlayEntry | undefined, FileRule?] => {
    const file = files.find(({ path }) => path === entry.path);
    if (!file || !canHide(entry)) return [entry];
    const isPrivate = !isOpen(file.mode);
    const grammar = environment.has(entry.path) ? assignment : directive;
    const content = isPrivate && !isList(entry.content) ? undefined : templateOf(entry.content, { grammar, names, every: isPrivate });
    const rule = content === undefined ? undefined : ruleOf(file);
    if (content === undefined || !rule) return isPrivate ? [undefined] : [entry];
    return [{ ...entry, content, template: true }, rule];
  });
  return {
    entries: all.flatMap(([entry]) => entry ?? []),
    rules: all.flatMap(([, rule]) => rule ?? []),
    refused: entries.filter((_, index) => all[index]![0] === undefined).map(({ path }) => path),
  };
}

/** Nothing but variables: of anything else nobody knows what of it is secret. */
const isList = (text: string): boolean => text.split("\n").every((line) => /^\s*(?:[#;].*)?$/.test(line) || assignment.test(line));

/** A unit and a kernel setting are for everybody on the server to read. */
const canHide = (entry: OverlayEntry): entry is OverlayFile =>
  "content" in entry && !entry.encoding && !/^\/etc\/(?:systemd\/system|sysctl\.d)\//.test(entry.path);

function ruleOf(file: ServerFile | undefined): FileRule | undefined {
  if (!file) return undefined;
  const { path, owner, group, mode } = file;
  const fits = [AbsolutePath.safeParse(path), Owner.safeParse(owner), Owner.safeParse(group), Mode.safeParse(mode)];
  return fits.every(({ success }) => success) ? { path, owner, group, mode } : undefined;
}

interface Hiding {
  readonly grammar: RegExp;
  readonly names: SecretNames;
  /** Every value, not only those whose names tell. */
  readonly every: boolean;
}

/** Undefined where nothing is to be hidden. */
function templateOf(text: string, how: Hiding): string | undefined {
  const pieces = text.split(/(?<=\n)/).map((line) => pieceOf(line, how));
  return pieces.some(({ hides }) => hides) ? pieces.map(({ template }) => template).join("") : undefined;
}

function pieceOf(line: string, { grammar, names, every }: Hiding): { readonly template: string; readonly hides: boolean } {
  const end = line.endsWith("\n") ? "\n" : "";
  const [, indent = "", name = "", equals = "", open = "", value = "", close = "", rest = ""] =
    grammar.exec(line.slice(0, line.length - end.length)) ?? [];
  const isSecret = value !== "" && open === close && !value.startsWith("$") && (every || grammar === directive || telling.test(name));
  if (!isSecret || !SecretText.safeParse(value).success || value.startsWith("⟦")) return { template: raw(line), hides: false };
  const secret = names.nameFor(name, value);
  if (!OwnName.safeParse(secret).success) return { template: raw(line), hides: false };
  return { template: `${raw(indent + name + equals + open)}{{ "secrets.${secret}" | secret }}${raw(close + rest + end)}`, hides: true };
}

/** What Liquid would read as its own. */
const raw = (text: string): string => (/\{[{%]/.test(text) ? `{% raw %}${text}{% endraw %}` : text);
