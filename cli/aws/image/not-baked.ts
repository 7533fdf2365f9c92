// What of a server must not be in an image of it: where it lies, which of the roles' resources go with it, and what can't be taken out. Pure.

import { isIP } from "node:net";
import type { Difference } from "../../../provisioners/provider/as-remembered.ts";
import { isBelow, pathOfAddress } from "../../../provisioners/resources/address-path.ts";
import type { Address } from "../../../provisioners/resources/kind.ts";
import { kindOf as kindOfResource } from "../../../provisioners/resources/kinds.ts";
import { counted } from "../../../spec/counted.ts";
import { isMap } from "../../../spec/path.ts";

/** By role and address, secrets in the clear, as a FleetServer has them. */
export type Wants = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Shorter ones are words that stand everywhere: a search for `isucon` finds every path of a contest's server. */
const tellingLength = 8;

/** A line of a key's body, other than the one with which each of OpenSSH's begins. */
const ofKey = /^(?!b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/=]{32,}$/;
/** `TOKEN=…` of a file that is a secret as a whole. A path tells nothing. */
const setting = /^(?:export )?[A-Za-z_][A-Za-z0-9_]*=["']?([^\s"'/]{12,})["']?$/;

/** A state hides whole groups of values for one of them: public keys, addresses and devices among them are no secrets. */
const isPublic = (text: string): boolean =>
  isIP(text) > 0 ||
  /^\/dev\//.test(text) ||
  /(?:^|\s)(?:(?:ssh-|ecdsa-|sk-)\S+ )?AAAA[A-Z][A-Za-z0-9+/]/.test(text) ||
  text.startsWith("SHA256:");

/**
 * Texts by which a secret is known again in a file. Of one that has many lines (user data is one) most say nothing: those of keys count, and
 * values of settings.
 */
export const tellingLines = (secrets: readonly string[], names: readonly string[]): readonly string[] => {
  const linesOf = (secret: string): readonly string[] => {
    const lines = secret.trim().split("\n");
    if (lines.length === 1) return lines;
    return lines.map((line) => line.trim()).flatMap((line) => (ofKey.test(line) ? [line] : (setting.exec(line)?.[1] ?? [])));
  };
  return [...new Set(secrets.flatMap(linesOf))].filter((line) => line.length >= tellingLength && !names.includes(line) && !isPublic(line));
};

/** Of an address as a state has it. */
export const pathIn = (address: string): string => pathOfAddress(address as Address);

/** The file of a block, too: `block[/etc/hosts:team]`. */
const fileIn = (address: string): string => (kindOf(address) === "block" ? pathIn(address).replace(/:[^:/]*$/, "") : pathIn(address));

const kindOf = (address: string): string => address.slice(0, address.indexOf("["));

/** A mark that a secret takes the place of on the server: the state's wants hold the mark alone. */
const mark = /\u27e6(?:secret|derived|mesh-private-key)(?:\|[a-z]+)?:/;

/** A text with a mark, or that contains one of them; a password also where it is a short word. */
function holds(value: unknown, lines: readonly string[], secrets: readonly string[], key = ""): boolean {
  if (typeof value === "string")
    return mark.test(value) || lines.some((line) => value.includes(line)) || (/password/i.test(key) && secrets.includes(value));
  if (Array.isArray(value)) return value.some((each) => holds(each, lines, secrets, key));
  return isMap(value) && Object.entries(value).some(([name, each]) => holds(each, lines, secrets, name));
}

/** By what its kind says of itself, which the state encrypts, or by what is in it. */
function keepsSecret(address: string, want: unknown, lines: readonly string[], secrets: readonly string[]): boolean {
  if (!isMap(want)) return false;
  const declared = kindOfResource(address as Address).kind.sensitive?.(want) ?? [];
  return declared.some((name) => want[name] !== undefined) || holds(want, lines, secrets);
}

export interface Secrets {
  /** Files that the copy loses; the next `up` writes them again. */
  readonly files: readonly string[];
  /** Accounts that have a password: all of them lose it. */
  readonly users: readonly string[];
  /** `mysql mysql-user[app]`: what keeps a secret where it can't be taken out. */
  readonly stuck: readonly string[];
}

export function secretsOf(wants: Wants, secrets: readonly string[], lines: readonly string[]): Secrets {
  const found = Object.entries(wants).flatMap(([role, resources]) =>
    Object.entries(resources)
      .filter(([address, want]) => keepsSecret(address, want, lines, secrets))
      .map(([address]) => ({ role, address })),
  );
  const of = (kind: string) => found.filter(({ address }) => kindOf(address) === kind).map(({ address }) => address);
  return {
    files: of("file").map(pathIn),
    users: of("user"),
    stuck: found.filter(({ address }) => !["file", "user"].includes(kindOf(address))).map(({ role, address }) => `${role} ${address}`),
  };
}

/** What every copy loses, as its cleaning has it (scripts.ts), and a server's own name, which the next one has not. */
const always =
  /^(?:(?:\/root|\/home\/[^/]+)\/\.(?:ssh|aws|netrc|git-credentials|config\/gh|docker\/config\.json|npmrc|pgpass|my\.cnf|gnupg|[a-z]+_history)(?:\/|$)|\/var\/lib\/(?:fleet|cloud)(?:\/|$)|\/etc\/ssh\/ssh_host_|\/etc\/host(?:name|s)$|\/etc\/machine-id$|\/var\/log\/|\/etc\/sudoers\.d\/90-cloud-init-users$|\/var\/lib\/dbus\/machine-id$)/;

/** Whether the copy loses it, so that nothing has to be said of what it holds. */
export const goes = (path: string, gone: readonly string[]): boolean => always.test(path) || gone.some((each) => isBelow(path, each));

/** What runs, or is in a program's memory: a server that is cut off from the network can't show it. */
const running = /^(?:service|handler|live|check|command|mysql-[a-z]+|sysctl)$/;

/** As the files of its name. */
const ownName = "command[hostname]";

export interface Verdict {
  /** A sentence each: the image is not what its roles say. */
  readonly wrong: readonly string[];
  /** A sentence each: not to be told there. */
  readonly untold: readonly string[];
}

/** What a look at a server that was started from the image found, without what was taken out on purpose. */
export function verdictOf(differences: readonly Difference[], gone: readonly string[], users: readonly string[]): Verdict {
  const own = differences.filter(({ resource }) => resource !== ownName && !goes(fileIn(resource), gone) && !users.includes(resource));
  const sentence = ({ role, resource, what }: Difference) => `${role} ${resource}: ${what}`;
  const isRunning = ({ resource }: Difference) => running.test(kindOf(resource)) || resource === "failed" || resource === "owed";
  return { wrong: own.filter((each) => !isRunning(each)).map(sentence), untold: own.filter(isRunning).map(sentence) };
}

/** A checkout on the server, and what of it nobody has elsewhere. */
export interface Checkout {
  readonly path: string;
  /** Files changed, commits that are in no remote, stashes; undefined where git could not say. */
  readonly changed?: number;
  readonly unpushed?: number;
  readonly stashed?: number;
  /** The remote's address carries a password or a token. */
  readonly credential: boolean;
}

const number = (text: string | undefined): number | undefined => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined);

export const checkoutsIn = (text: string): readonly Checkout[] =>
  text.split("\n").flatMap((line) => {
    const [mark, path = "", ...counts] = line.split("\t");
    if (mark !== "checkout") return [];
    const [changed, unpushed, stashed] = counts.map(number);
    return [
      {
        path,
        credential: counts[3] === "credential",
        ...(changed !== undefined && { changed }),
        ...(unpushed !== undefined && { unpushed }),
        ...(stashed !== undefined && { stashed }),
      },
    ];
  });

/** A sentence for each checkout that an image would take along, or lose. */
export const workIn = (checkouts: readonly Checkout[], gone: readonly string[]): readonly string[] =>
  checkouts
    .filter(({ path }) => !goes(path, gone))
    .flatMap(({ path, changed, unpushed, stashed, credential }) => {
      const said = [
        ...(changed === undefined || unpushed === undefined || stashed === undefined ? ["git could not say what is in it"] : []),
        ...(changed ? [`${counted(changed, "file")} not committed`] : []),
        ...(unpushed ? [`${counted(unpushed, "commit")} in no remote`] : []),
        ...(stashed ? [counted(stashed, "stash", "stashes")] : []),
        ...(credential ? ["a password or token in its remote's address"] : []),
      ];
      return said.length > 0 ? [`${path}: ${said.join(", ")}`] : [];
    });
