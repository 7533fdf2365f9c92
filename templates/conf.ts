// The template tag of every configuration file, and the line that says who owns the file. Text, numbers and lines go in, nothing else.

/** What may stand in a template. `undefined`, booleans and objects do not compile; a list alone on its line becomes lines. */
export type Part = string | number | readonly Part[];

/** Shown in every file, so that a person who edits by hand learns where the change belongs. */
export const ownedBy = (role: string, template: string): string =>
  `Managed by fleet (role ${role}, ${template}). Local edits are undone at the next up.`;

const flatten = (part: Part): readonly string[] => {
  if (Array.isArray(part)) return (part as readonly Part[]).flatMap(flatten);
  if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError(`a template takes finite numbers, got \`${part}\``);
  if (typeof part !== "string" && typeof part !== "number")
    throw new TypeError(`a template takes text, numbers and lists, got \`${typeof part}\``);
  return [String(part)];
};

/** Inside a line, a list becomes words. A line break here would let a value start a directive of its own. */
function words(part: Part): string {
  const text = flatten(part).join(" ");
  if (/[\n\r\0]/.test(text)) throw new TypeError("a value inside a line must not hold a line break or NUL");
  return text;
}

const block = (indent: string, part: Part): readonly string[] =>
  flatten(part).flatMap((text) =>
    text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => (line === "" ? "" : indent + line)),
  );

const indentOf = (line: string): number => line.search(/[^ ]/);

/**
 * Template tag for configuration text. The indentation of the source is taken off; backslashes stay as written (regular
 * expressions of nginx). A value alone on its line is a block: each of its lines gets the line's indentation, and an empty list
 * takes the line away. Ends in exactly one line break. Throws a TypeError where a value inside a line holds a line break.
 */
export function conf(template: TemplateStringsArray, ...values: readonly Part[]): string {
  const source = template.raw.map((text, index) => (index === 0 ? text : `\0${index - 1}\0${text}`)).join("");
  const lines = source.replace(/^\n/, "").replace(/\n *$/, "").split("\n");
  const indents = lines.map(indentOf).filter((indent) => indent >= 0);
  const margin = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  const valueAt = (index: string | undefined): Part => values[Number(index)] as Part;
  const rendered = lines.flatMap((line) => {
    const text = line.slice(margin).trimEnd();
    const alone = /^( *)\0(\d+)\0$/.exec(text);
    if (alone) return block(alone[1] ?? "", valueAt(alone[2]));
    return [text.replace(/\0(\d+)\0/g, (_, index: string) => words(valueAt(index)))];
  });
  return `${rendered.join("\n")}\n`;
}

/** The part where the condition holds, else no line at all. */
export const when = (condition: boolean, ...parts: readonly Part[]): readonly Part[] => (condition ? parts : []);

/** `key = value` lines, in the order of the record. */
export const assignments = (entries: Readonly<Record<string, string | number>>, separator = " = "): readonly string[] =>
  Object.entries(entries).map(([key, value]) => `${key}${separator}${words(value)}`);
