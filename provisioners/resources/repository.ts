// A package repository of apt: one deb822 file with its own key, fetched and verified before it lands.
import { z } from "zod";
import { AbsolutePath, Identifier, Line, OwnName } from "../../spec/scalars.ts";
import { type Command, sh, withInput } from "../engine/shell-quote.ts";
import { fetchSource } from "./apt.ts";
import { rootFile } from "./file.ts";
import { defineFileKind } from "./file-kind.ts";
import { common } from "./kind.ts";

const Word = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/+-]*$/, { error: "expected one word of letters, digits, `.`, `_`, `/`, `+` and `-`" });
const ArmoredKey = z.string().regex(/^-----BEGIN PGP PUBLIC KEY BLOCK-----\n[A-Za-z0-9+/=\n:. -]+\n-----END PGP PUBLIC KEY BLOCK-----\n?$/);

export const RepositoryWant = z.strictObject({
  ...common,
  name: OwnName,
  types: z
    .array(z.enum(["deb", "deb-src"]))
    .min(1)
    .readonly()
    .default(["deb"]),
  uris: z
    .array(z.string().regex(/^(?:https?|file):\/\/?[A-Za-z0-9_.~/?=:@%+-]+$/, { error: "expected a URI with http, https or file" }))
    .min(1)
    .readonly(),
  suites: z.array(Word).min(1).readonly(),
  components: z.array(Word).readonly().default(["main"]),
  architectures: z.array(Identifier).readonly().optional(),
  /** The one key that its signatures are checked with: armored text, or a keyring on the server. There is no trust without one. */
  signedBy: z.union([AbsolutePath, ArmoredKey], { error: "expected an armored public key, or the path of a keyring on the server" }),
  /** Further deb822 fields: `Check-Valid-Until: no`. */
  options: z.record(z.string().regex(/^[A-Z][A-Za-z-]+$/), Line).optional(),
});
export type RepositoryWant = z.infer<typeof RepositoryWant>;

/** A field of several lines: each begins with a blank, an empty one is a dot. */
const folded = (text: string): string =>
  text.includes("\n")
    ? text
        .trimEnd()
        .split("\n")
        .map((line) => `\n ${line || "."}`)
        .join("")
    : ` ${text}`;
const unfolded = (value: string): string =>
  value.startsWith("\n")
    ? `${value
        .slice(1)
        .split("\n")
        .map((line) => (line === " ." ? "" : line.slice(1)))
        .join("\n")}\n`
    : value.trim();

function textOf({ types, uris, suites, components, architectures, signedBy, options }: RepositoryWant): string {
  const fields: Record<string, string> = { Types: types.join(" "), URIs: uris.join(" "), Suites: suites.join(" ") };
  if (components.length > 0) fields.Components = components.join(" ");
  if (architectures) fields.Architectures = architectures.join(" ");
  Object.assign(fields, options, { "Signed-By": signedBy });
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${folded(value)}\n`)
    .join("");
}

/** The want as a file says it; fields that no property stands for go to `options`. */
function fromText(want: RepositoryWant, text: string): RepositoryWant {
  const fields = new Map(
    text
      .split(/\n(?! )/)
      .filter((line) => /^[A-Za-z-]+:/.test(line))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
  const take = (name: string): string => {
    const value = unfolded(fields.get(name) ?? "");
    fields.delete(name);
    return value;
  };
  const words = (name: string): string[] => take(name).split(/\s+/).filter(Boolean);
  const known = {
    types: words("Types") as RepositoryWant["types"],
    uris: words("URIs"),
    suites: words("Suites"),
    components: words("Components"),
  };
  const [architectures, signedBy] = [words("Architectures"), take("Signed-By")];
  const { architectures: _, options: __, ...rest } = want;
  return {
    ...rest,
    ...known,
    ...(architectures.length > 0 && { architectures }),
    signedBy: signedBy.trimEnd() === want.signedBy.trimEnd() ? want.signedBy : signedBy,
    ...(fields.size > 0 && { options: Object.fromEntries([...fields].map(([name, value]) => [name, unfolded(value)])) }),
  };
}

/** Only a definition whose lists can be fetched lands. */
function land(path: string, text: string): Command {
  const read = withInput(sh`source="$state/fleet.sources"\ncat > "$source"`, text);
  const write = sh`fleet_write ${path} ${rootFile.mode} ${rootFile.owner} ${rootFile.group} '' < "$source"\nrm -f -- "$source"`;
  return sh`${read}\n${fetchSource}\n${write}`;
}

export const repository = defineFileKind<RepositoryWant>({
  kind: "repository",
  rank: 30,
  failsAlone: true,
  schema: RepositoryWant,
  address: ({ name }) => `repository[${name}]`,
  path: ({ name }) => `/etc/apt/sources.list.d/${name}.sources`,
  noun: "repository",
  render: textOf,
  parse: fromText,
  property: "uris",
  change: ({ uris }, now) => (now ? "change its definition, and fetch its lists" : `add \`${uris.join(" ")}\`, and fetch its lists`),
  land,
});
