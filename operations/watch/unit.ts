// The watch as a unit of systemd's: its text, where it lies, and what of its environment is nobody else's to read. Pure.
import { join } from "node:path";

export interface UnitWish {
  readonly stack: string;
  /** Folder of stacks/ and the state. */
  readonly project: string;
  /** Node, and what it runs: the whole command before its words. */
  readonly command: readonly string[];
  /** Behind `watch`: options, no secret among them. */
  readonly words: readonly string[];
  /** Whose unit it is; undefined for a user's own. */
  readonly user?: string;
  /** Holds secrets: names and values. */
  readonly environmentFile: string;
}

export const unitName = (stack: string): string => `fleet-watch-${stack}.service`;

/** Of the computer where the operator is root, else of the user alone. */
export const unitFolder = (isRoot: boolean, home: string): string =>
  isRoot ? "/etc/systemd/system" : join(home, ".config", "systemd", "user");

/** As ExecStart takes words: in quotes, specifiers and variables as they are. */
const word = (text: string): string =>
  /^[\w./:=@+-]+$/.test(text) ? text : `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;

/** A path in a setting that takes one: no quotes there. */
const path = (text: string): string => text.replaceAll("%", "%%");

export const unitText = ({
  stack,
  project,
  command,
  words,
  user,
  environmentFile,
}: UnitWish): string => `# Made by \`fleet watch install\`, taken away by \`fleet watch uninstall ${stack}\`.
[Unit]
Description=fleet watch ${stack}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
${user === undefined ? "" : `User=${user}\n`}WorkingDirectory=${path(project)}
EnvironmentFile=${path(environmentFile)}
ExecStart=${[...command, "watch", stack, ...words].map(word).join(" ")}
# Ctrl-C's own signal: it ends with its sum.
KillSignal=SIGINT
SuccessExitStatus=130
# Also where the stack is down: it may come back.
Restart=always
RestartSec=60
Nice=5
NoNewPrivileges=yes
ProtectSystem=full

[Install]
WantedBy=${user === undefined ? "default.target" : "multi-user.target"}
`;

/** Whose unit a text is: the project's folder; undefined where `fleet watch install` did not make it. */
export const projectIn = (text: string): string | undefined =>
  text.startsWith("# Made by `fleet watch install`") ? /^WorkingDirectory=(.*)$/m.exec(text)?.[1]?.replaceAll("%%", "%") : undefined;

/** What a look and an up need of the operator's shell. */
const carried =
  /^(?:PULUMI_BACKEND_URL|PULUMI_CONFIG_PASSPHRASE(?:_FILE)?|AWS_\w+|FLEET_(?:PROJECT|PASSWORD)|PATH|HOME|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/;

/** For EnvironmentFile=: one a line, in double quotes. */
export const environmentText = (env: Readonly<Record<string, string | undefined>>, more: Readonly<Record<string, string>>): string =>
  Object.entries({ ...Object.fromEntries(Object.entries(env).filter(([name]) => carried.test(name))), ...more })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`]))
    .join("");
