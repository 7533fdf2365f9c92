// YAML text to plain data, with the line and column of every key and value.
import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from "yaml";
import type { Path } from "./path.ts";

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

const sentences: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "expected an alias alone, got one with a tag or an anchor",
  BAD_ALIAS: "expected an alias of an anchor above it, got an unknown or empty one",
  BAD_DIRECTIVE: "expected no such `%` directive; remove the line",
  BAD_DQ_ESCAPE: "expected an escape that YAML knows after `\\`; use single quotes for text as it is",
  BAD_INDENT: "expected the indentation of the lines around it; align this line with its neighbours",
  BAD_SCALAR_START: "expected text that begins with a letter, a digit or a quote; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "expected one `key: value` a line, got two; put the value in quotes or on a line of its own",
  BLOCK_IN_FLOW: "expected no block inside `[…]` or `{…}`; write it on one line or take the brackets away",
  DUPLICATE_KEY: "expected each key once, got this one again; remove one of the two",
  KEY_OVER_1024_CHARS: "expected a key of at most 1024 characters",
  MISSING_CHAR: "expected a closing quote, bracket, colon or comma, got the end of the text; close it",
  MULTILINE_IMPLICIT_KEY: "expected a key on one line; is a `:` missing or a quote open above?",
  MULTIPLE_ANCHORS: "expected at most one anchor",
  MULTIPLE_DOCS: "expected one document, got a second one; remove the `---`",
  MULTIPLE_TAGS: "expected no tag",
  TAB_AS_INDENT: "expected spaces, got a tab; indent with spaces",
  TAG_RESOLVE_FAILED: "expected no tag; remove the `!…`",
};

class Walk {
  readonly problems: SyntaxProblem[] = [];
  readonly #document: Document;
  readonly #open = new Set<unknown>();
  #nodes = 0;
  constructor(document: Document) {
    this.#document = document;
  }

  /** `fallback` is the offset for a value that is not written (`key:` and nothing). */
  value(node: unknown, key: number | undefined, fallback: number): { value: unknown; place: Place } {
    const own = (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? fallback;
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    const blockUnderKey = isCollection(node) && !node.flow && key !== undefined;
    const place: Place = { at: blockUnderKey ? key : own, key: key ?? own, children: new Map() };
    if (this.#open.has(target)) return this.#refuse(place, "expected an alias of something else, got one of what it stands in");
    if (++this.#nodes > nodeLimit) {
      if (this.#nodes === nodeLimit + 1)
        return this.#refuse(place, `expected at most ${nodeLimit} values after following aliases, got more`);
      return { value: undefined, place };
    }
    if (isScalar(target)) return { value: target.value, place };
    if (!isCollection(target)) return { value: null, place };
    this.#open.add(target);
    const value = isSeq(target) ? this.#list(target.items, place) : isMap(target) ? this.#map(target.items, place) : null;
    this.#open.delete(target);
    return { value, place };
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
    this.problems.push({ offset: place.at, reason });
    return { value: undefined, place };
  }
}

/** Never throws: what is wrong is in `problems`. YAML 1.2, no merge keys, no tags. */
export function readYaml(text: string): Source {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: true, schema: "core", logLevel: "silent" });
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
      ...faults.map(({ pos, code }) => ({
        offset: pos[0],
        reason: sentences[code] ?? "expected YAML; look at the quotes, colons and indentation here",
      })),
      ...walk.problems,
    ],
    sound: faults.every(({ code }) => code === "DUPLICATE_KEY"),
    at: (path) => line(nearest(path).place.at),
    keyAt(path) {
      const { place, depth } = nearest(path);
      return line(depth === path.length ? place.key : place.at);
    },
    depth: (path) => nearest(path).depth,
    line,
  };
}
