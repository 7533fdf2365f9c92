// The description as a stack file. Its parameters switch off whatever role base would do beside users and keys; comments say what a line more gives.
import { Document, isMap, isScalar, type Node, visit } from "yaml";
import { fleetKey } from "../../spec/secrets.ts";
import type { Candidate } from "./candidates.ts";
import type { Description, ServerDescription, Way } from "./describe.ts";

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
  const shared = sharedParams(Object.values(servers));
  const lists = Object.entries(guards).filter(([, list]) => list.length > 0);
  return {
    team: teamOf(description.stack),
    members: description.members.map((github) => ({ github })),
    target: "inventory",
    files: filesFolder(description.stack),
    servers: Object.fromEntries(
      ways.map((way) => {
        const { name, address, port, user, hostKey, password, privateKey, sudoPassword } = way;
        const { candidates, services: all, privateAddress } = servers[name]!;
        const adopted = candidates.map(({ role }) => role);
        const kept = new Set(candidates.flatMap(({ units }) => units));
        const services = Object.fromEntries(Object.entries(all).filter(([unit]) => !kept.has(unit)));
        const own = candidates.filter(({ role, params }) => !(role in shared) && Object.keys(params).length > 0);
        const params = Object.fromEntries(own.map((each) => [each.role, each.params]));
        const login = { ...secure("password", password), ...secure("privateKey", privateKey), ...secure("sudoPassword", sudoPassword) };
        const place = { address, ...(port !== undefined && port !== 22 && { port }), ...(privateAddress && { privateAddress }) };
        const beside = { ...(Object.keys(services).length > 0 && { services }), ...(Object.keys(params).length > 0 && { params }) };
        return [
          name,
          { roles: ["base", ...adopted], ...(adopted.length > 0 && { adopted }), ...place, user, ...login, hostKey, ...beside },
        ];
      }),
    ),
    params: { base: { ...(appUser !== "isucon" && { appUser }), ...baseAlone }, ...shared },
    ...(rules.length > 0 && { fileRules: rules }),
    ...(Object.keys(secrets).length > 0 && {
      secrets: Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, { secure: encrypt(value) }])),
    }),
    ...(lists.length > 0 && { guard: Object.fromEntries(lists) }),
  };
}

/** What all servers with the role say alike, said once. */
function sharedParams(servers: readonly ServerDescription[]): Readonly<Record<string, Candidate["params"]>> {
  const all = servers.flatMap(({ candidates }) => candidates);
  const roles = [...new Set(all.map(({ role }) => role))];
  const same = roles.flatMap((role) => {
    const [first, ...rest] = all.filter((each) => each.role === role).map(({ params }) => params);
    const isSame = rest.length > 0 && rest.every((each) => JSON.stringify(each) === JSON.stringify(first));
    return isSame && first && Object.keys(first).length > 0 ? [[role, first] as const] : [];
  });
  return Object.fromEntries(same);
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
const adoptedComment =
  " Roles whose files are the team's own, below: taken out of `adopted`, a role installs and writes what it is made for.";
const baseComment =
  " Each line leaves something as the organiser made it; without it, the role's default (docs/roles.md) comes to all servers.";

/** Host keys and secrets among them. */
const plain = /^[A-Za-z0-9/][A-Za-z0-9_./@+= -]*(?::[A-Za-z0-9_./@+=:-]+)*$/;

export function stackText(description: Description, ways: readonly Way[], encryption: Encryption): string {
  const document = new Document({ encryptionsalt: encryption.salt, config: { [fleetKey]: fleetOf(description, ways, encryption) } });
  // Pulumi reads the file too, by another YAML parser: what is no plain word is quoted for both.
  visit(document, {
    Scalar: (key, scalar) => {
      if (key !== "key" && typeof scalar.value === "string" && !plain.test(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
    Seq: (_key, list) => {
      list.flow = list.items.every((each) => isScalar(each) && plain.test(String(each.value)));
    },
  });
  document.commentBefore = ` yaml-language-server: $schema=./fleet.schema.json`;
  const fleet = document.getIn(["config", fleetKey]);
  for (const [key, text] of Object.entries(comments)) comment(fleet, key, text);
  comment(document.getIn(["config", fleetKey, "params"]), "base", baseComment);
  const [first] = ways;
  if (first) comment(document.getIn(["config", fleetKey, "servers", first.name]), "adopted", adoptedComment);
  return document.toString({ lineWidth: 0 });
}

function comment(map: unknown, key: string, text: string): void {
  if (!isMap(map)) return;
  const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  if (found) (found.key as Node).commentBefore = text;
}
