// Patterns of URIs that nobody had to write: what differs from request to request becomes `*`.

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const hex = /^(?=.*\d)[0-9a-f]{8,}$/i;
/** Long, with digits and letters: a token, a hash in base64. */
const token = /^(?=.*\d)(?=.*[A-Za-z])[\w=%~-]{20,}$/;

const isValue = (text: string): boolean =>
  /^[-+]?\d+$/.test(text) || uuid.test(text) || ulid.test(text) || hex.test(text) || token.test(text);

/** Of a file name each part between dots may be a value; its kind, behind the last dot, never is. */
function ofSegment(segment: string): string {
  if (isValue(segment)) return "*";
  if (/^@./.test(segment)) return "@*";
  const parts = segment.split(".");
  const kind = parts.pop() ?? "";
  if (parts.length === 0 || kind === "") return segment;
  return [...parts.map((part) => (isValue(part) ? "*" : part)), isValue(kind) ? "*" : kind].join(".");
}

/** Without the query, the host that a proxy is told of, and with what looks like a value as `*`. */
export function pathOf(uri: string): string {
  const own = /^https?:\/\/[^/?#]*/i.exec(uri);
  const local = own ? uri.slice(own[0].length) || "/" : uri;
  const end = local.search(/[?#]/);
  const path = end < 0 ? local : local.slice(0, end);
  return path.split("/").map(ofSegment).join("/");
}

interface Node {
  count: number;
  readonly children: Map<string, Node>;
}

const node = (): Node => ({ count: 0, children: new Map() });

function tree(paths: Iterable<readonly [path: string, count: number]>): Node {
  const root = node();
  for (const [path, count] of paths) {
    let at = root;
    at.count += count;
    for (const segment of path.split("/")) {
      const next = at.children.get(segment) ?? node();
      at.children.set(segment, next);
      next.count += count;
      at = next;
    }
  }
  return root;
}

/** Names beside each other from which they are taken for values: at the top of a site there are many pages. */
const manyAtTop = 60;
const many = 20;
/** Fewer are taken for values where each is asked for hardly ever. */
const some = 10;
const hardly = 3;
/** So much more often than its fellows, a name is a page of its own: `/users/me`. */
const ownPage = 8;

/** `*.png`: files of one kind are alike, and others are not. */
function kindOf(segment: string): string {
  const [, extension] = /[^.]\.([A-Za-z][A-Za-z0-9]{0,4})$/.exec(segment) ?? [];
  return extension === undefined ? "*" : `*.${extension}`;
}

function values(children: Node["children"], depth: number): ReadonlyMap<string, string> {
  const groups = Map.groupBy(
    [...children].filter(([segment]) => segment !== "" && !segment.startsWith("*")),
    ([segment]) => kindOf(segment),
  );
  const found = new Map<string, string>();
  for (const [kind, fellows] of groups) {
    const counts = fellows.map(([, { count }]) => count).sort((a, b) => a - b);
    const mean = counts.reduce((sum, each) => sum + each, 0) / counts.length;
    const median = counts[counts.length >> 1] ?? 0;
    const enough = depth <= 1 ? manyAtTop : many;
    if (!(fellows.length > enough || (depth > 1 && fellows.length >= some && mean <= hardly))) continue;
    for (const [segment, { count }] of fellows) if (count <= ownPage * Math.max(median, hardly)) found.set(segment, kind);
  }
  return found;
}

function merged(into: Node, from: Node): void {
  into.count += from.count;
  for (const [segment, child] of from.children) {
    const there = into.children.get(segment);
    if (there) merged(there, child);
    else into.children.set(segment, child);
  }
}

function fold(at: Node, depth: number): void {
  for (const [segment, kind] of values(at.children, depth)) {
    const child = at.children.get(segment)!;
    at.children.delete(segment);
    const star = at.children.get(kind);
    if (star) merged(star, child);
    else at.children.set(kind, child);
  }
  for (const child of at.children.values()) fold(child, depth + 1);
}

/** How a path is called, once all that were asked for are known. */
export function patternsFor(paths: Iterable<readonly [path: string, count: number]>): (path: string) => string {
  const root = tree(paths);
  fold(root, 0);
  return (path) => {
    let at: Node | undefined = root;
    const pattern = path.split("/").map((segment) => {
      const name: string = at?.children.has(segment) ? segment : at?.children.has(kindOf(segment)) ? kindOf(segment) : segment;
      at = at?.children.get(name);
      return name;
    });
    return pattern.join("/");
  };
}

/** The same pattern as `alp -m` takes it. */
export const asRegExp = (pattern: string): string =>
  `^${pattern
    .split("*")
    .map((part) => part.replace(/[.+^${}()|[\]\\]/g, "\\$&"))
    .join("[^/]+")}$`;
