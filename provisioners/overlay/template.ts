// Templates of the team's tree (`x.tmpl`), rendered by Liquid: strict about what is not defined, and with nothing to read files or run code by.
import type { OverlayEntry, OverlayFile } from "../../spec/overlay.ts";
import { UserError } from "../../spec/problem.ts";
import type { Facts } from "../engine/facts.ts";
import { derived, hasMark, late, literal } from "../engine/placeholders.ts";
import type { ServerView, TeamView } from "../roles/role.ts";
import { liquid } from "../roles/template.ts";

export interface TemplateValues {
  readonly facts: Facts;
  readonly self: ServerView;
  readonly team: TeamView;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The same entries, templates as the files that they make. Throws a UserError with the template's line. */
export function rendered(entries: readonly OverlayEntry[], values: TemplateValues): readonly OverlayEntry[] {
  if (!entries.some((entry) => "content" in entry && entry.template)) return entries;
  const scope = scopeOf(values);
  return entries.map((entry) => ("content" in entry && entry.template ? renderedFile(entry, scope) : entry));
}

function renderedFile({ template: _, ...file }: OverlayFile, scope: object): OverlayFile {
  let secret = false as boolean;
  const told = (mark: string) => {
    secret = true;
    return mark;
  };
  const filters = {
    secret: (path: unknown) => told(late("secret", String(path))),
    derived: (purpose: unknown) => told(derived(String(purpose))),
  };
  try {
    const content = liquid(literal(file.content), scope, filters);
    return { ...file, content, marked: true, ...(secret && { secret }) };
  } catch (error) {
    throw new UserError(`files: ${file.path}.tmpl: ${(error as Error).message}`);
  }
}

function scopeOf({ facts, self, team, params }: TemplateValues): object {
  const server = ({ name, privateAddress, roles, account }: ServerView) => ({ name, address: privateAddress, roles, user: account });
  const protocols = new Map(team.endpoints.map(({ protocol }) => [protocol, team.endpoints.filter((each) => each.protocol === protocol)]));
  const single = [...protocols].flatMap(([protocol, [only, ...more]]) => (only && more.length === 0 ? [[protocol, only] as const] : []));
  return plain({
    server: server(self),
    team: { name: team.name, servers: team.servers.map(server), endpoints: team.endpoints },
    facts,
    params,
    endpoints: Object.fromEntries(single),
  }) as object;
}

/** Without secrets, which a template asks for by name, and with what looks like a mark as the text that it is. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return literal(value);
  if (Array.isArray(value)) return value.filter((each) => !isSecret(each)).map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, each]) => (isSecret(each) ? [] : [[key, plain(each)]])));
}

const isSecret = (value: unknown): boolean => typeof value === "string" && hasMark(value);
