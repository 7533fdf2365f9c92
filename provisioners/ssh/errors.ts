// Why a server could not be reached or entered: one place for the sentences, and for whether another try can help.

import { type Connection, HostError, type HostFault } from "../engine/shell.ts";
import { fingerprint, type HostKey } from "./host-key.ts";

/** A server that is logged in to: the target, or the jump host before it. */
export type Login = Omit<Connection, "jump" | "sudoPassword">;

/** When another try can help: never, while the server boots, or soon (a busy sshd drops connections at random: MaxStartups). */
export type Again = "never" | "booting" | "soon";

/** The server could not be reached or entered. */
export class ReachError extends HostError {
  readonly again: Again;
  constructor(host: string, fault: HostFault, fact: string, again: Again, advice?: string) {
    super(host, fault, fact, advice);
    this.again = again;
  }
}

export interface Endpoint {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`;

/** `192.0.2.7:22`, `[2001:db8::7]:22` */
export const at = ({ address, port }: Endpoint): string => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);

/** What the network's own error code means. */
export function dialFault(to: Endpoint, code: string, deadline: number): ReachError {
  const place = `\`${at(to)}\``;
  const reach = (fact: string, again: Again, advice?: string) => new ReachError(to.name, "unreachable", fact, again, advice);
  switch (code) {
    case "ECONNREFUSED":
      return reach(`${place} refused the connection; is sshd running there, and is \`port\` right?`, "booting");
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return reach(`no route to ${place}; is the server up, and do you need a VPN or a jump host?`, "booting");
    case "ENOTFOUND":
      return reach(`no address is known for the name \`${to.address}\``, "never", "check `address` in the stack file");
    case "EAI_AGAIN":
      return reach(`the name server gave no answer for \`${to.address}\`; check this computer's network`, "booting");
    case "ETIMEDOUT":
      return reach(`no answer from ${place} within ${seconds(deadline)}; is it switched on, and does its firewall let you in?`, "booting");
    default:
      return reach(`can't connect to ${place}: \`${code}\``, "booting");
  }
}

export function throughJump(login: Login, jump: Login, error: unknown): ReachError {
  if (error instanceof HostError) {
    const again = error instanceof ReachError ? error.again : "never";
    return new ReachError(login.name, error.fault, `through its jump host \`${jump.name}\`: ${error.sentence}`, again);
  }
  const why = (error as Error).message;
  return new ReachError(login.name, "unreachable", `the jump host \`${jump.name}\` can't reach \`${at(login)}\`: \`${why}\``, "booting");
}

/** How far a login got, and what the server said, for the sentence when it goes no further. */
export interface Progress {
  offered?: HostKey;
  stage: "greeting" | "key exchange" | "login";
  accepts: readonly string[];
  /** Undefined: no key is expected, the offered one is only looked at. */
  readonly pinned?: HostKey;
  readonly deadline: number;
}

export function handshakeFault(login: Login, seen: Progress, error: Error & { level?: string }): ReachError {
  const place = `\`${at(login)}\``;
  const { offered, pinned, stage, accepts, deadline } = seen;
  const reach = (fault: HostFault, sentence: string, again: Again) => new ReachError(login.name, fault, sentence, again);
  if (offered && pinned && !offered.raw.equals(pinned.raw)) {
    const found = `expected host key \`${pinned.type} ${fingerprint(pinned)}\`, got \`${offered.type} ${fingerprint(offered)}\` from ${place}`;
    return reach("host-key", `${found}; if the server was rebuilt, pin its new key, else somebody is in between`, "never");
  }
  if (error.level === "client-timeout") {
    return reach("timeout", `${place} took the connection, but did not finish the ${stage} within ${seconds(deadline)}`, "booting");
  }
  if (error.level === "client-authentication" || (stage === "login" && /authentication/i.test(error.message))) {
    const given = [login.privateKey !== undefined && "key", login.password !== undefined && "password"].filter(Boolean).join(" and ");
    const offers = accepts.length > 0 ? ` (the server accepts ${accepts.join(", ")})` : "";
    return new ReachError(
      login.name,
      "auth",
      `${place} refused user \`${login.user}\` with the given ${given}${offers}`,
      "never",
      "check them in the stack file",
    );
  }
  const dropped = /ECONN|EPIPE|No response|Connection lost/.test(error.message);
  if (dropped && !offered) {
    return reach("unreachable", `${place} hung up before SSH began: overloaded, still booting, or this address is banned`, "soon");
  }
  return reach("unreachable", `${place} broke off the ${stage}: \`${error.message}\``, dropped ? "booting" : "never");
}
