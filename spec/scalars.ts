// The strict grammars: what a name, a path or an address may look like. They are checked here and nowhere else, so that
// no newline, leading dash, `../` or shell character gets past the stack file. All are `z.string()` in, the same string out.
import { isIPv4, isIPv6 } from "node:net";
import { closest } from "fastest-levenshtein";
import { z } from "zod";

/** A string of one grammar. `what` completes the sentence "expected …" and is what an editor shows. */
function text(pattern: RegExp, what: string) {
  const error = `expected ${what}`;
  return z.string({ error }).regex(pattern, { error }).describe(what);
}

// Names ------------------------------------------------------------------------------------------------------------

const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

export const TeamName = text(
  /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
  "a team name of up to 32 lower-case letters, digits and dashes, such as `team-a`",
);
/** Also the server's host name (RFC 1123, one label, beginning with a letter) and the name of its overlay folder. */
export const ServerName = text(
  /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  "a server name of lower-case letters, digits and dashes, such as `isu1`",
).refine((name) => name !== "common" && name !== "localhost", {
  error: "expected another server name: `common` and `localhost` have a meaning of their own",
});
/** RFC 1123; the last label is not all digits, so that `10.0.0.256` is no name. */
export const HostName = text(
  new RegExp(`^(?=.{1,253}$)(?!(?:.*\\.)?[0-9]+$)${label}(?:\\.${label})*$`),
  "a host name of letters, digits, dashes and dots, such as `db.example.org`",
);
/** What Debian's adduser and systemd both take. */
export const UserName = text(/^[a-z_][a-z0-9_-]{0,31}$/, "a user name of lower-case letters, digits, `_` and `-`, such as `isucon`");
/** A user or a group that owns something. */
export const Owner = text(
  /^[a-z_][a-z0-9_-]{0,31}$/,
  "a user or group name of lower-case letters, digits, `_` and `-`, such as `www-data`",
);
/** Managed users have `_company` at the end; ids of the first years end in a dash, or have two together. */
export const GitHubId = text(/^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/, "a GitHub id of letters, digits, `-` and `_`, such as `octocat`");
export const RoleName = text(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, "a role name such as `nginx`");
/** What a team names itself: a service, a block, a set of settings. Not `RoleName`: that one is held against the roles that there are. */
export const OwnName = text(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, "a name in lower case such as `image-worker`");
export const UnitName = text(
  /^(?![-.])(?:[A-Za-z0-9:_.@-]|\\x[0-9a-f]{2}){1,200}\.(?:service|socket|timer|mount|target|path|slice)$/,
  "a systemd unit with its suffix, such as `nginx.service`",
);
/** A service's unit without its suffix, as contests call theirs: `isuride-go`, `isuride.go`, `app@1`. */
export const ServiceName = text(
  /^(?![-.])(?!.*\.service$)[A-Za-z0-9:_.@-]{1,190}$/,
  "the name of a service without `.service`, such as `image-worker` or `app.go`",
);
/** Debian's and Amazon Linux's grammars together. */
export const PackageName = text(/^[A-Za-z0-9][A-Za-z0-9+._-]{0,127}$/, "a package name such as `libssl-dev`");
export const PackageVersion = text(/^[A-Za-z0-9][A-Za-z0-9+._:-]{0,127}$/, "a package version such as `1:10.11.6-0`");
export const Sha256 = text(/^[0-9a-f]{64}$/, "a SHA-256 of 64 hexadecimal digits");
export const SysctlKey = text(/^[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)+$/, "a sysctl key with dots, such as `net.core.somaxconn`");
export const EnvName = text(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "an environment variable name such as `DB_HOST`");
/** A database, a table, an upstream, a site: whatever becomes a bare word in a configuration file. */
export const Identifier = text(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "a name of letters, digits and `_`, such as `wordpress`");
export const Timezone = text(
  /^[A-Z][A-Za-z0-9_]*(?:\/[A-Z][A-Za-z0-9_+-]*){0,2}$/,
  "a time zone such as `Asia/Tokyo` or `UTC`",
).superRefine((name, context) => {
  if (isTimezone(name)) return;
  const near = closest(name, Intl.supportedValuesOf("timeZone"));
  context.addIssue({ code: "custom", message: `expected a time zone that there is, got \`${name}\`; did you mean \`${near}\`?` });
});
function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}

export const Locale = text(/^(?:C|[a-z]{2,3}_[A-Z]{2})\.UTF-8$/, "a UTF-8 locale such as `en_US.UTF-8` or `C.UTF-8`");

// Paths and modes --------------------------------------------------------------------------------------------------

// No `..` anywhere, not even inside a name, and no segment that is `.` or begins with a dash.
const segment = "(?!\\.(?:/|$))[A-Za-z0-9_.@+][A-Za-z0-9_.@+:=,-]{0,254}";
const wildSegment = "(?!\\.(?:/|$))[\\]\\[A-Za-z0-9_.@+*?][\\]\\[A-Za-z0-9_.@+:=,*?-]{0,254}";
const pathLength = "(?!.*\\.\\.)(?=.{1,4096}$)";

/** Normalised: no `.`, `..`, double or final slash; `/` itself is none of them. */
export const AbsolutePath = text(
  new RegExp(`^${pathLength}(?:/${segment})+$`),
  "an absolute path without `..`, spaces or shell characters, such as `/etc/motd`",
);
/** What may lie on a server: everything but what a look could not tell apart (control characters, `|`) and ways up. */
export const FilePath = text(
  /^(?!.*\/\.{1,2}(?:\/|$))(?=.{1,4096}$)(?:\/[^/\u0000-\u001f\u007f|⟦⟧]{1,255})+$/,
  "an absolute path without `.` or `..` on the way, control characters and `|`",
);
/** Where a link points: absolute or relative, ways up included, as `ln -s` takes it. */
export const LinkTarget = text(/^(?!-)[^\u0000-\u001f\u007f⟦⟧]{1,4096}$/, "the target of a link, without control characters");
/** Its wildcards are the shell's; a `*` takes no `/`. */
export const AbsolutePattern = text(
  new RegExp(`^${pathLength}(?:/${wildSegment})+$`),
  "an absolute path without `..`, spaces or shell characters but `*`, `?` and `[a-z]`, such as `/var/log/nginx/*.log`",
);
/** Below the folder of the stack file. */
export const RelativePath = text(
  new RegExp(`^${pathLength}${segment}(?:/${segment})*$`),
  "a relative path without `..`, spaces or shell characters, such as `files/team-a`",
);
/** A string, since YAML reads a bare 0644 as a number. */
export const Mode = text(/^[0-7]{4}$/, 'four octal digits in quotes, such as `"0644"`');

// Addresses --------------------------------------------------------------------------------------------------------

const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

export const Ipv4 = text(new RegExp(`^${octet}(?:\\.${octet}){3}$`), "an IPv4 address such as `192.168.0.11`");
/** A host name, IPv4 or IPv6 address (without brackets or zone). */
export const Address = z
  .string({ error: "expected a host name or an IP address, such as `203.0.113.7`" })
  .regex(/^[A-Za-z0-9:][A-Za-z0-9.:-]*$/, { error: "expected a host name or an IP address, such as `203.0.113.7`" })
  .refine((value) => isIPv4(value) || (isIPv6(value) && !value.includes("%")) || HostName.safeParse(value).success, {
    error: "expected a host name or an IP address, such as `203.0.113.7`",
  })
  .describe("a host name or an IP address");
/** IPv4, the bits after the prefix zero. */
export const Cidr = text(
  new RegExp(`^${octet}(?:\\.${octet}){3}/(?:3[0-2]|[12]?[0-9])$`),
  "an IPv4 network such as `10.20.30.0/24`",
).refine(
  (cidr) => {
    const { base, size } = cidrRange(cidr);
    return base % size === 0;
  },
  { error: "expected the first address of the network: the bits after the prefix must be zero" },
);
export const Port = z
  .int({ error: "expected a port from 1 to 65535" })
  .min(1, { error: "expected a port from 1 to 65535" })
  .max(65535, { error: "expected a port from 1 to 65535" })
  .describe("a port from 1 to 65535");
/** http or https, no user, no space; `{user}` and the like are for the field that says so. */
export const Url = text(
  /^(?!.*\.\.)https?:\/\/[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?(?:\/[A-Za-z0-9_.~/?=,:@+-]*)?$/,
  "a URL such as `https://example.org/x`",
);
/** https, or http to this computer itself, with `{user}` where the GitHub id goes. */
export const KeyUrl = text(
  /^(?!.*\.\.)(?:https:\/\/[A-Za-z0-9][A-Za-z0-9.-]{0,252}|http:\/\/(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?\/[A-Za-z0-9_./-]*\{user\}[A-Za-z0-9_./-]*$/,
  "an https URL with `{user}` in its path, such as `https://github.com/{user}.keys`",
);
/** https or ssh; a file URL has no business on a server. */
export const GitUrl = text(
  /^(?!.*\.\.)(?:https:\/\/|ssh:\/\/(?:[a-z_][a-z0-9_-]*@)?|[a-z_][a-z0-9_-]*@(?=[A-Za-z0-9.-]+:(?!\/\/)))[A-Za-z0-9][A-Za-z0-9.-]{0,252}[:/][A-Za-z0-9_][A-Za-z0-9_./~@+-]*$/,
  "a git URL over https or ssh, such as `git@github.com:team/app.git`",
);
export const GitRef = text(
  /^(?!.*(?:\.\.|\/\/|@\{))[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}(?<![/.])$/,
  "a branch, tag or commit such as `main`",
);

// Amounts ----------------------------------------------------------------------------------------------------------

const sizeUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const timeUnits = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86400 } as const;

/** Stays a string, the way it was written; `bytesOfSize` counts. */
export const Size = text(/^[1-9][0-9]{0,8}(?:B|KiB|MiB|GiB|TiB)$/, "a size with its unit, such as `512MiB` or `1GiB`");
/** Stays a string, the way it was written; `secondsOf` counts. */
export const Duration = text(/^[1-9][0-9]{0,6}(?:ms|s|min|h|d)$/, "a duration with its unit, such as `30s` or `5min`");

const amount = (units: Readonly<Record<string, number>>) => (value: string) => {
  const [, count, unit] = /^([0-9]+)([A-Za-z]+)$/.exec(value) ?? [];
  const factor = units[unit ?? ""];
  if (factor === undefined) throw new TypeError(`expected a count and one of ${Object.keys(units).join(", ")}`);
  return Number(count) * factor;
};
/** `bytesOfSize("1GiB")` is 1073741824. Throws a TypeError on what `Size` would refuse. */
export const bytesOfSize = amount(sizeUnits);
/** `secondsOf("5min")` is 300. Throws a TypeError on what `Duration` would refuse. */
export const secondsOf = amount(timeUnits);

/** The first address of an IPv4 network as a number, and how many it holds. For text that `Cidr` let through. */
export function cidrRange(cidr: string): { readonly base: number; readonly size: number } {
  const [address = "", prefix] = cidr.split("/");
  return { base: ipv4Number(address), size: 2 ** (32 - Number(prefix)) };
}
export const ipv4Number = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
export const ipv4Text = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");

// Keys and free text -----------------------------------------------------------------------------------------------

const keyTypes = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\\.com|sk-ecdsa-sha2-nistp256@openssh\\.com";

/** The blob begins with the length and the name of its own type: a cut or pasted-together key shows here. */
function blobMatchesType(line: string): boolean {
  const [type = "", blob = ""] = line.split(" ");
  const bytes = Buffer.from(blob, "base64");
  return bytes.length > 4 + type.length && bytes.readUInt32BE(0) === type.length && bytes.toString("latin1", 4, 4 + type.length) === type;
}
const keyLine = (comment: string, what: string) =>
  text(new RegExp(`^(?:${keyTypes}) [A-Za-z0-9+/]{43,}={0,2}${comment}$`), what).refine(blobMatchesType, {
    error: "expected a whole public key: its type and its content do not match",
  });

/** One line of authorized_keys, without options in front. */
export const SshPublicKey = keyLine("(?: [A-Za-z0-9@._:,+-]+)*", "an SSH public key such as `ssh-ed25519 AAAA… me@laptop`");
/** Without a comment, as `ssh-keyscan` prints it after the host's name. */
export const HostKey = keyLine("", "a host key such as `ssh-ed25519 AAAA…`");

/** Free text on one line: no newline or other control character can end the line of a configuration file. */
export const Line = text(/^[^\u0000-\u001f\u007f]*$/, "text on one line");

const oneSecretLine = text(/^[^\u0000-\u001f\u007f]{1,1024}$/, "a secret on one line");
const onePrivateKey = text(
  /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n:, -]+-----END [A-Z ]*PRIVATE KEY-----\n?$/,
  "a private key in PEM form",
);

/** What must stay a Pulumi secret, or name a server or role: known by instance; roles use the marked scalars in their parameters. */
export const marks = z.registry<{ readonly mark: "secret" | "server" | "role" }>();

const orReference = (schema: typeof oneSecretLine) =>
  z
    .string({ error: "expected a Pulumi secret" })
    .refine((value) => /^⟦secret:[^⟦⟧]+⟧$/.test(value) || schema.safeParse(value).success, { error: `expected ${schema.description}` })
    .describe(`${schema.description}, kept as a Pulumi secret`)
    .register(marks, { mark: "secret" });

/** A password, token or passphrase. In a spec it is always a placeholder (secrets.ts). */
export const SecretText = orReference(oneSecretLine);
/** An SSH or TLS private key. In a spec it is always a placeholder (secrets.ts). */
export const PrivateKey = orReference(onePrivateKey);
/** The name of a server of this stack. */
export const ServerRef = text(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "the name of a server of this stack").register(marks, {
  mark: "server",
});
