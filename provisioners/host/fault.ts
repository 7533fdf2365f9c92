// Why a server could not be reached or entered: one place for the sentences, and for whether another try can help.
import { fingerprint, type HostKey } from "./hostkey.ts";
import { type Connection, HostError, type HostFault } from "./shell.ts";

/** A server that is logged in to: the target, or the jump host before it. */
export type Login = Omit<Connection, "jump" | "sudoPassword">;

/** The server could not be reached or entered; `temporary` ones are worth another try while a server boots. */
export class ReachError extends HostError {
  readonly temporary: boolean;
  constructor(host: string, fault: HostFault, sentence: string, temporary: boolean) {
    super(host, fault, sentence);
    this.temporary = temporary;
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

const noAnswer = (to: Endpoint, deadline: number): ReachError =>
  new ReachError(
    to.name,
    "unreachable",
    `no answer from \`${at(to)}\` within ${seconds(deadline)}; is it switched on, and does its firewall let you in?`,
    true,
  );

/** What the network's own error code means. */
export function dialFault(to: Endpoint, code: string, deadline: number): ReachError {
  const reach = (sentence: string, temporary: boolean) => new ReachError(to.name, "unreachable", sentence, temporary);
  switch (code) {
    case "ECONNREFUSED":
      return reach(`\`${at(to)}\` refused the connection; is sshd running there, and is \`port\` right?`, true);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return reach(`no route to \`${at(to)}\`; is the server up, and do you need a VPN or a jump host?`, true);
    case "ENOTFOUND":
      return reach(`no address is known for the name \`${to.address}\`; check \`address\` in the stack file`, false);
    case "EAI_AGAIN":
      return reach(`the name server gave no answer for \`${to.address}\`; check this computer's network`, true);
    case "ETIMEDOUT":
      return noAnswer(to, deadline);
    default:
      return reach(`can't connect to \`${at(to)}\`: \`${code}\``, true);
  }
}

export function throughJump(login: Login, jump: Login, error: unknown): ReachError {
  if (!(error instanceof HostError)) {
    return new ReachError(
      login.name,
      "unreachable",
      `the jump host \`${jump.name}\` can't reach \`${at(login)}\`: \`${(error as Error).message}\``,
      true,
    );
  }
  const temporary = error instanceof ReachError && error.temporary;
  return new ReachError(
    login.name,
    error.fault,
    `through its jump host \`${jump.name}\`: ${error.message.slice(error.host.length + 2)}`,
    temporary,
  );
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
  const { name, user } = login;
  const place = `\`${at(login)}\``;
  const { offered, pinned, stage, accepts, deadline } = seen;
  if (offered && pinned && !offered.raw.equals(pinned.raw)) {
    const found = `expected host key \`${pinned.type} ${fingerprint(pinned)}\`, got \`${offered.type} ${fingerprint(offered)}\` from ${place}`;
    return new ReachError(name, "host-key", `${found}; if the server was rebuilt, pin its new key, else somebody is in between`, false);
  }
  if (error.level === "client-timeout") {
    return new ReachError(
      name,
      "timeout",
      `${place} took the connection, but did not finish the ${stage} within ${seconds(deadline)}`,
      true,
    );
  }
  if (error.level === "client-authentication" || (stage === "login" && /authentication/i.test(error.message))) {
    const given = [login.privateKey !== undefined && "key", login.password !== undefined && "password"].filter(Boolean).join(" and ");
    const offers = accepts.length > 0 ? ` (the server accepts ${accepts.join(", ")})` : "";
    return new ReachError(
      name,
      "auth",
      `${place} refused user \`${user}\` with the given ${given}${offers}; check them in the stack file`,
      false,
    );
  }
  if (stage === "greeting") {
    const why = "overloaded, still booting, or this address is banned";
    return new ReachError(name, "unreachable", `${place} closed the connection before the SSH greeting: ${why}`, true);
  }
  const broken = /ECONN|EPIPE|No response/.test(error.message);
  return new ReachError(name, "unreachable", `${place} broke off the ${stage}: \`${error.message}\``, broken);
}
