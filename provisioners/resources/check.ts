// What must hold on a server that does its work. It changes nothing: it waits until it holds, and else says what it got instead.
import { z } from "zod";
import { Address as HostAddress, Line, Port, Url } from "../../spec/scalars.ts";
import { type Command, lines, raw, sh } from "../engine/shell-quote.ts";
import { common, defineKind } from "./kind.ts";

const Http = z.strictObject({
  /** Asked for on the server itself, with curl. Redirects are answers, not followed. */
  url: Url,
  status: z.int().min(100).max(599).default(200),
  /** A text that the body must hold. */
  contains: Line.min(1).optional(),
  /** The Host header, where it is not the URL's. */
  host: HostAddress.optional(),
});
const Program = z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, { error: "expected the name of a process such as `nginx`" });
const Tcp = z.strictObject({
  port: Port,
  address: HostAddress.default("127.0.0.1"),
  /** Who must listen there, by the name of its process or one of several: another program's open port is no sign of health. */
  program: z.union([Program, z.array(Program).min(1).readonly()]).optional(),
  /** The address by which others come: a program that listens on loopback alone, whatever told it to, is none that they reach. */
  reached: HostAddress.optional(),
});

export const CheckWant = z
  .strictObject({
    ...common,
    name: z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,99}$/, { error: "expected a name such as `front-page`" }),
    http: Http.optional(),
    /** A TCP connection that is accepted. */
    port: Tcp.optional(),
    /** Shell text that must succeed and change nothing; what it prints is shown where it fails. */
    command: z.string().min(1).optional(),
    /** Seconds to wait until it holds, after a change. @default 30 */
    deadline: z.int().min(0).max(3600).default(30),
    /** Only ever seen: who or what answers in its place. */
    differs: Line.optional(),
  })
  .refine(({ http, port, command }) => [http, port, command].filter((each) => each !== undefined).length === 1, {
    error: "expected one of `http`, `port` and `command`",
  });
export type CheckWant = z.infer<typeof CheckWant>;

export interface CheckHave {
  readonly holds: boolean;
  /** In a few words. */
  readonly got: string;
}

/** Seconds that one try may take. */
const tryTime = 5;

/** Prints what it got, and succeeds where that is what was expected. */
function probe({ http, port, command }: CheckWant): Command {
  if (http) return httpProbe(http);
  // bash is on every Debian, Ubuntu and Amazon Linux; it alone connects without a program for it, and sends nothing.
  if (port?.program !== undefined || port?.reached !== undefined) return listenerProbe(port);
  if (port)
    return sh`if timeout ${tryTime} bash -c ${`: < /dev/tcp/${port.address}/${port.port}`} 2>/dev/null; then echo open; else echo closed; exit 1; fi`;
  return sh`timeout ${tryTime} sh -ec ${command ?? "false"} 2>&1`;
}

type Tcp = z.infer<typeof Tcp>;
const programsOf = ({ program = [] }: Tcp): readonly string[] => [program].flat();

/** `ss` names the process behind each listening socket, and its address. By name an address is not compared. */
function listenerProbe(port: Tcp): Command {
  const programs = programsOf(port);
  const held = sh`case $got in ${raw(programs.map((each) => `*'"${each}"'*`).join("|"))}) ;;
  *) printf 'open, but of %s\\n' "$(printf '%s' "$got" | cut -d '"' -f 2 | head -n 1)"; exit 1 ;;
esac\n`;
  const reached = sh`case ${port.reached ?? ""} in *[!0-9a-fA-F.:]*|'') echo open; exit 0 ;; esac
on=
while read -r state received sent at rest; do
  case \${at%:*} in ${port.reached ?? ""}|${`[${port.reached ?? ""}]`}|0.0.0.0|'*'|'[::]') echo open; exit 0 ;; esac
  on="$on \${at%:*}"
done <<FLEET_SOCKETS
$got
FLEET_SOCKETS
printf 'open, but on%s alone\\n' "$on"
exit 1`;
  // To look for the processes costs more than all the rest.
  const ss = programs.length > 0 ? sh`ss -Hltnp` : sh`ss -Hltn`;
  return sh`got=$(${ss} ${`sport = :${port.port}`}) || { echo 'no answer from ss'; exit 1; }
[ -n "$got" ] || { echo closed; exit 1; }
${programs.length > 0 ? held : sh``}${port.reached === undefined ? sh`echo open` : reached}`;
}

function httpProbe({ url, status, contains, host }: z.infer<typeof Http>): Command {
  const header = host === undefined ? sh`` : sh`-H ${`Host: ${host}`}`;
  const body =
    contains === undefined ? sh`` : sh`\ncase $got in *${contains}*) ;; *) printf 'status %s without the text\n' "$status"; exit 1 ;; esac`;
  return sh`got=$(curl -sS --noproxy '*' --max-time ${tryTime} ${header} -w '\n%{http_code}' -- ${url} 2>&1) || { printf '%s\n' "$got" | head -n 1; exit 1; }
status=\${got##*
}
[ "$status" = ${status} ] || { printf 'status %s\n' "$status"; exit 1; }${body}
printf 'status %s\n' "$status"`;
}

function expectation({ http, port, command = "" }: CheckWant): string {
  if (http)
    return `status ${http.status}${http.contains === undefined ? "" : ` with \`${http.contains}\``} from ${http.url}${http.host === undefined ? "" : ` as ${http.host}`}`;
  if (port?.program !== undefined || port?.reached !== undefined) {
    const programs = programsOf(port);
    const behind = programs.length > 0 ? `, with ${programs.join(" or ")} behind it` : "";
    return `port ${port.port} open${port.reached === undefined ? "" : ` at ${port.reached}`}${behind}`;
  }
  return port ? `port ${port.port} of ${port.address} open` : `\`${command.split("\n")[0]?.slice(0, 80)}\` to succeed`;
}

function waitStep(want: CheckWant, reason: string): Change {
  const run = lines([
    // Not by the time of day, which a server that has just come up may set while it is waited for.
    sh`until=$(( $(cut -d . -f 1 /proc/uptime) + ${want.deadline} ))`,
    sh`until got=$( ${probe(want)}\n); do`,
    sh`  if [ "$(cut -d . -f 1 /proc/uptime)" -ge "$until" ]; then printf 'expected %s, got: %s\n' ${expectation(want)} "$got"; exit 1; fi`,
    sh`  sleep 0.5\ndone`,
  ]);
  return { change: `wait for ${expectation(want)}${reason}`, run };
}
type Change = { readonly change: string; readonly run: Command };

export const check = defineKind<CheckWant, CheckHave>({
  kind: "check",
  rank: 230,
  schema: CheckWant,
  address: ({ name }) => `check[${name}]`,
  fleeting: true,
  touches: () => ({}),
  leans: () => ({ services: true }),
  read(want, look) {
    const seen = look.command(probe(want));
    return () => ({ holds: seen().code === 0, got: seen().stdout.split("\n")[0]?.slice(0, 200) ?? "" });
  },
  plan(want, have, { changed }) {
    if (!have.holds) return [waitStep(want, `, got ${have.got || "nothing"}`)];
    // What it stands on changes in this run: that it held before says nothing.
    return want.after?.some((address) => changed.has(address)) ? [waitStep(want, ", again after the changes")] : [];
  },
  // A port that nobody has is missing; one that is not as wanted is there, and says how.
  seen: (want, { holds, got }) => (holds ? want : got.startsWith("open, but ") ? { ...want, differs: got } : undefined),
  undo: () => [],
});
