// The description as a stack file. Its parameters switch off whatever role base would do beside users and keys; comments say what a line more gives.
import { Document, isMap, isScalar, type Node } from "yaml";
import { fleetKey } from "../../spec/secrets.ts";
import type { Description, Way } from "./describe.ts";

/** What a secret becomes in the file. */
export interface Encryption {
  readonly salt: string;
  readonly encrypt: (text: string) => string;
}

export const filesFolder = (stack: string): string => `files-${stack}`;

/** Leaves everything as it is but users and keys. */
const baseAlone = { hostname: false, hosts: false, timezone: false, locale: false, limits: false, packages: [] } as const;

export function fleetOf(
  description: Description,
  ways: readonly Way[],
  { encrypt }: Pick<Encryption, "encrypt">,
): Readonly<Record<string, unknown>> {
  const secure = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: { secure: encrypt(value) } });
  const { guards, servers, appUser, secrets, rules } = description;
  const lists = Object.entries(guards).filter(([, list]) => list.length > 0);
  return {
    team: teamOf(description.stack),
    members: description.members.map((github) => ({ github })),
    target: "inventory",
    files: filesFolder(description.stack),
    servers: Object.fromEntries(
      ways.map((way) => {
        const { name, address, port, user, hostKey, password, privateKey, sudoPassword } = way;
        const { roles, services, privateAddress } = servers[name]!;
        const login = { ...secure("password", password), ...secure("privateKey", privateKey), ...secure("sudoPassword", sudoPassword) };
        const place = { address, ...(port !== undefined && port !== 22 && { port }), ...(privateAddress && { privateAddress }) };
        return [name, { roles, ...place, user, ...login, hostKey, ...(Object.keys(services).length > 0 && { services }) }];
      }),
    ),
    params: { base: { ...(appUser !== "isucon" && { appUser }), ...baseAlone } },
    ...(rules.length > 0 && { fileRules: rules }),
    ...(Object.keys(secrets).length > 0 && {
      secrets: Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, { secure: encrypt(value) }])),
    }),
    ...(lists.length > 0 && { guard: Object.fromEntries(lists) }),
  };
}

/** A stack may have a name that no team can have. */
const teamOf = (stack: string): string =>
  stack
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32) || "team";

const comments: Readonly<Record<string, string>> = {
  members: " Their keys go onto every server: `- github: octocat`, or `- {name: ada, keys: [ssh-ed25519 …]}`.",
  files: " What lies in its common/ and <server>/ is laid over / of the servers: edit it there.",
  fileRules: " Owner and mode of files that hold a secret, as the servers have them.",
  secrets: ' Of the servers\' own files: `{{ "secrets.NAME" | secret }}` in a .tmpl puts one in.',
  guard: " Taken for the organiser's: no role may touch it. Hold it against the contest's rules.",
};
const baseComment =
  " Each line leaves something as the organiser made it; without it, the role's default (docs/roles.md) comes to all servers.";

export function stackText(description: Description, ways: readonly Way[], encryption: Encryption): string {
  const document = new Document({ encryptionsalt: encryption.salt, config: { [fleetKey]: fleetOf(description, ways, encryption) } });
  document.commentBefore = ` yaml-language-server: $schema=./fleet.schema.json`;
  const fleet = document.getIn(["config", fleetKey]);
  for (const [key, text] of Object.entries(comments)) comment(fleet, key, text);
  comment(document.getIn(["config", fleetKey, "params"]), "base", baseComment);
  return document.toString({ lineWidth: 0 });
}

function comment(map: unknown, key: string, text: string): void {
  if (!isMap(map)) return;
  const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  if (found) (found.key as Node).commentBefore = text;
}
