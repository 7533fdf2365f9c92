// YAML text to plain data, with the line and column of every key and value.
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLError,
} from "yaml";
import type { Path } from "./path.ts";
import { syntaxSentence } from "./yaml-errors.ts";

/** A mistake in the YAML itself. Never quotes the text: a secret may stand there. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly reason: string;
}

interface Place {
  /** Where a problem with the value points: the value, or its key where the value is a block that begins a line later. */
  readonly at: number;
  readonly key: number;
  readonly children: Map<string | number, Place>;
}

export interface Source {
  readonly value: unknown;
  readonly problems: readonly SyntaxProblem[];
  /** False where the text was no YAML, and `value` tells little. */
  readonly sound: boolean;
  /** `line:column` of the value at the path, or of its nearest ancestor that is written. */
  at(path: Path): string;
  /** `line:column` of the key at the path, or of its nearest ancestor that is written. */
  keyAt(path: Path): string;
  /** How many steps of the path are written in the file. */
  depth(path: Path): number;
  line(offset: number): string;
}

/** Nodes that a document may become once its aliases are followed: a dozen lines of YAML can stand for gigabytes. */
const nodeLimit = 100_000;

class Walk {
  readonly problems: SyntaxProblem[] = [];
  readonly #document: Document;
  readonly #open = new Set<unknown>();
  #nodes = 0;
  /** Where the outermost alias stands that is being followed: what goes wrong inside it is its fault. */
  #alias: number | undefined;
  constructor(document: Document) {
    this.#document = document;
  }

  /** `fallback` is the offset for a value that is not written (`key:` and nothing). */
  value(node: unknown, key: number | undefined, fallback: number): { value: unknown; place: Place } {
    const own = (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? fallback;
    if (isAlias(node)) return this.#follow(node, key, own);
    const blockUnderKey = isCollection(node) && !node.flow && key !== undefined;
    const place: Place = { at: blockUnderKey ? key : own, key: key ?? own, children: new Map() };
    if (this.#open.has(node)) return this.#refuse(place, "expected an alias of something else, got one of what it stands in");
    if (++this.#nodes > nodeLimit) {
      if (this.#nodes === nodeLimit + 1)
        return this.#refuse(place, `expected at most ${nodeLimit} values after following aliases, got more`);
      return { value: undefined, place };
    }
    if (isScalar(node)) return { value: node.value, place };
    if (!isCollection(node)) return { value: null, place };
    this.#open.add(node);
    const value = isSeq(node) ? this.#list(node.items, place) : isMap(node) ? this.#map(node.items, place) : null;
    this.#open.delete(node);
    return { value, place };
  }

  /** What the alias stands for; problems inside it point to where that is written. */
  #follow(alias: Alias, key: number | undefined, at: number): { value: unknown; place: Place } {
    const place: Place = { at, key: key ?? at, children: new Map() };
    const target = alias.resolve(this.#document);
    if (!target) return this.#refuse(place, "expected an alias of an anchor above it, got an unknown one");
    const outer = this.#alias;
    this.#alias ??= at;
    const { value, place: inner } = this.value(target, undefined, at);
    this.#alias = outer;
    return { value, place: { ...place, children: inner.children } };
  }

  #list(items: readonly unknown[], place: Place): unknown[] {
    return items.map((item, index) => {
      const child = this.value(item, undefined, place.at);
      place.children.set(index, child.place);
      return child.value;
    });
  }

  #map(pairs: readonly Pair[], place: Place): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (const { key, value } of pairs) {
      const offset = (key as { range?: readonly number[] | null }).range?.[0] ?? place.at;
      const name = isScalar(key) ? String(key.value ?? "") : "";
      if (name === "" || name === "__proto__") {
        this.problems.push({ offset, reason: "expected a plain key, such as `name`; put it in quotes" });
        continue;
      }
      const child = this.value(value, offset, offset);
      place.children.set(name, child.place);
      entries.push([name, child.value]);
    }
    return Object.fromEntries(entries);
  }

  #refuse(place: Place, reason: string): { value: unknown; place: Place } {
    this.problems.push({ offset: this.#alias ?? place.at, reason });
    return { value: undefined, place };
  }
}

/** The parser stumbles more than once over one mistake: the first on each line tells. */
function firstOfLine(faults: readonly YAMLError[], counter: LineCounter): readonly YAMLError[] {
  const rows = faults.map(({ pos }) => counter.linePos(pos[0]).line);
  return faults.filter((_fault, index) => rows.indexOf(rows[index]!) === index);
}

/** Never throws: what is wrong is in `problems`. YAML 1.2, no merge keys, no tags. */
export function readYaml(text: string): Source {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, schema: "core", logLevel: "error" });
  const faults = [...document.errors, ...document.warnings];
  const walk = new Walk(document);
  const { value, place: root } = walk.value(document.contents, undefined, 0);
  const nearest = (path: Path): { place: Place; depth: number } => {
    let place = root;
    for (const [depth, step] of path.entries()) {
      const child = place.children.get(step);
      if (!child) return { place, depth };
      place = child;
    }
    return { place, depth: path.length };
  };
  const line = (offset: number): string => {
    const { line: row, col } = counter.linePos(offset);
    return `${Math.max(row, 1)}:${Math.max(col, 1)}`;
  };
  return {
    value,
    problems: [
      ...firstOfLine(faults, counter).map(({ pos, code, message }) => ({ offset: pos[0], reason: syntaxSentence(code, message) })),
      ...walk.problems,
    ],
    sound: walk.problems.length === 0 && faults.every(({ code }) => code === "DUPLICATE_KEY"),
    at: (path) => line(nearest(path).place.at),
    keyAt(path) {
      const { place, depth } = nearest(path);
      return line(depth === path.length ? place.key : place.at);
    },
    depth: (path) => nearest(path).depth,
    line,
  };
}
