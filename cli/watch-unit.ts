// `fleet watch install` and `uninstall`: the watch as a unit of systemd's, on this computer or on a server of the operators' that has the project.

import { execFile, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fleetUp } from "../operations/fleet-up.ts";
import { isLetIn, watchUser, writeWatcher } from "../operations/watch/member.ts";
import { environmentText, projectIn, unitFolder, unitName, unitText } from "../operations/watch/unit.ts";
import { quote } from "../provisioners/engine/shell-quote.ts";
import { codeFile, project, stackNames } from "../provisioners/project.ts";
import { makeKeyPair } from "../provisioners/provider/key-pair.ts";
import { stateFolder } from "../pulumi/folder.ts";
import { stopsWithUs } from "../pulumi/interruption.ts";
import { passphraseIn } from "../pulumi/passphrase.ts";
import { stacksUp } from "../pulumi/state.ts";
import { UserError } from "../spec/problem.ts";
import { typed } from "../spec/typed.ts";
import { upOne } from "./commands/up.ts";
import { stackInMind } from "./stack-in-mind.ts";
import { confirm } from "./terminal.ts";
import { refuseNoUrl } from "./watch-ways.ts";

export interface UnitOptions {
  /** Milliseconds. */
  readonly every: number;
  readonly heal: boolean;
  readonly exec?: string;
  readonly webhook?: string;
  /** `user@host:/folder` */
  readonly on?: string;
  readonly yes: boolean;
}

const isRoot = process.getuid?.() === 0;
const folderOf = (stack: string): string => join(stateFolder, "watch", `unit-${stack}`);
const unitFile = (stack: string): string => join(unitFolder(isRoot, homedir()), unitName(stack));

/** The private key that a unit logs in with. */
export const unitKey = (stack: string): string | undefined => {
  const file = process.env.FLEET_WATCH_KEY;
  if (file === undefined) return undefined;
  if (existsSync(file)) return readFileSync(file, "utf8");
  throw new UserError(
    `FLEET_WATCH_KEY: expected a file with the watch's own key, got none at ${file}; next: ${typed()} watch install ${stack}`,
  );
};

export async function install(named: string | undefined, options: UnitOptions): Promise<number> {
  refuseNoUrl(options.webhook);
  const stack = named ?? (await stackInMind());
  if (options.on !== undefined) return await there(options.on, ["install", stack, ...wordsOf(options), "--yes"], options);
  await refuseWithoutSystemd();
  refuseOthers(unitFile(stack));
  // Whether it is up, and opens: the unit would find out in a minute, and tell nobody.
  const { servers } = await fleetUp(stack);
  const folder = folderOf(stack);
  await confirm(
    `watch: installs ${unitFile(stack)}, and an up of ${stack} lets its own key in on every server, as the member ${watchUser} with sudo`,
    stack,
    options.yes,
  );
  const publicKey = keyIn(folder, stack);
  const written = writeWatcher(stack, publicKey);
  if (written) console.log(`stacks/Pulumi.${stack}.yaml: the member ${watchUser}, with the watch's own key`);
  // An up that failed is made up for by the next install.
  if (written || !servers.every(isLetIn)) {
    const code = await upOne(stack, { yes: true });
    if (code !== 0) return code;
  }
  writeUnit(stack, folder, options);
  await systemctl("daemon-reload");
  await systemctl("enable", "--quiet", unitName(stack));
  await systemctl("restart", unitName(stack));
  const user = isRoot ? "" : " --user";
  console.log(
    [
      `${unitName(stack)} runs, also after a reboot; its key is ${join(folder, "key")}`,
      ...(isRoot ? [] : ["without you logged in: loginctl enable-linger"]),
      "",
      "next:",
      `  journalctl${user} -u ${unitName(stack)} -f   what it tells`,
      `  ${typed()} watch uninstall ${stack}   takes unit, key and account away`,
    ].join("\n"),
  );
  return 0;
}

/** Unit, key and account: each also where the others are gone already. Of a stack that is down, nothing is brought up for it. */
export async function uninstall(named: string | undefined, options: Pick<UnitOptions, "on" | "yes">): Promise<number> {
  const stack = named ?? (await stackInMind());
  if (options.on !== undefined) return await there(options.on, ["uninstall", stack, "--yes"], options);
  const file = unitFile(stack);
  const isThere = stackNames().includes(stack);
  // What is typed becomes a part of paths that are removed.
  if (!isThere && (stack.includes("/") || !existsSync(folderOf(stack))))
    throw new UserError(`${stack}: expected a stack of this checkout, or what was one and has a watch here, got neither`);
  refuseOthers(file);
  await confirm(`watch: takes ${unitName(stack)}, its key and its account on the servers of ${stack} away`, stack, options.yes);
  if (existsSync(file)) {
    await systemctl("disable", "--quiet", "--now", unitName(stack));
    rmSync(file, { force: true });
    await systemctl("daemon-reload");
    console.log(`${unitName(stack)}: stopped and removed`);
  } else console.log(`${unitName(stack)}: none here`);
  rmSync(folderOf(stack), { recursive: true, force: true });
  if (!isThere) return 0;
  const written = writeWatcher(stack, undefined);
  if (written) console.log(`stacks/Pulumi.${stack}.yaml: without the member ${watchUser}`);
  if ((await stacksUp([stack])).length === 0) return 0;
  return written || (await fleetUp(stack)).servers.some(isLetIn) ? await upOne(stack, { yes: true }) : 0;
}

/** Units go by the stack's name, which another checkout's may have too. One whose project is gone is nobody's. */
export function refuseOthers(file: string): void {
  if (!existsSync(file)) return;
  const owner = projectIn(readFileSync(file, "utf8"));
  if (owner !== undefined && (!existsSync(owner) || realpathSync(owner) === realpathSync(project))) return;
  const got = owner === undefined ? "a unit that no fleet watch made" : `that of ${owner}`;
  const next = owner === undefined ? "look at it, and move it away" : `${typed()} watch uninstall in ${owner}`;
  throw new UserError(`${file}: expected a watch of this project (${project}), got ${got}; next: ${next}`);
}

function keyIn(folder: string, stack: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key, pub] = [join(folder, "key"), join(folder, "key.pub")];
  if (!existsSync(key) || !existsSync(pub)) {
    const pair = makeKeyPair(`${watchUser}-${stack}@${hostname()}`);
    writeFileSync(key, pair.private, { mode: 0o600 });
    writeFileSync(pub, `${pair.public}\n`, { mode: 0o600 });
  }
  return readFileSync(pub, "utf8").trim();
}

/** What is secret (passphrase, webhook, command) stands in a file that only its owner reads, not in the unit, which everybody may. */
function writeUnit(stack: string, folder: string, options: UnitOptions): void {
  const environmentFile = join(folder, "environment");
  const { exec, webhook } = options;
  const more = {
    FLEET_WATCH_KEY: join(folder, "key"),
    ...(exec !== undefined && { FLEET_WATCH_EXEC: exec }),
    ...(webhook !== undefined && { FLEET_WATCH_WEBHOOK: webhook }),
    ...(process.env.FLEET_PROJECT !== undefined && { FLEET_PROJECT: project }),
  };
  const passphrase = passphraseIn(process.env);
  const own = { PULUMI_CONFIG_PASSPHRASE_FILE: undefined, PULUMI_CONFIG_PASSPHRASE: passphrase };
  writeFileSync(environmentFile, environmentText({ ...process.env, ...own }, more), { mode: 0o600 });
  chmodSync(environmentFile, 0o600);
  const owner = statSync(project).uid;
  const text = unitText({
    ...{ stack, project, environmentFile },
    command: [process.execPath, codeFile("cli/main")],
    words: wordsOf(options),
    // Of root's unit: whose the project is, since its state is theirs alone.
    ...(isRoot && { user: String(owner) }),
  });
  mkdirSync(unitFolder(isRoot, homedir()), { recursive: true });
  writeFileSync(unitFile(stack), text, { mode: 0o644 });
}

const wordsOf = ({ every, heal }: UnitOptions): readonly string[] => ["--every", `${every / 1000}s`, ...(heal ? ["--heal"] : [])];

async function refuseWithoutSystemd(): Promise<void> {
  if (existsSync("/run/systemd/system")) return;
  throw new UserError(
    `watch: expected a computer that systemd runs, got another one; next: ${typed()} watch --once in a crontab, or --on a server that it runs`,
  );
}

async function systemctl(...words: readonly string[]): Promise<void> {
  const all = [...(isRoot ? [] : ["--user"]), ...words];
  try {
    await promisify(execFile)("systemctl", all);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new UserError(`systemctl ${all.join(" ")}: expected it to be done, got: ${said}`);
  }
}

/** The same command there, in the project's folder. What is secret goes over standard input, into no argument list. */
async function there(
  on: string,
  words: readonly string[],
  { yes, exec, webhook }: Partial<Pick<UnitOptions, "exec" | "webhook">> & { readonly yes: boolean },
): Promise<number> {
  const [verb, stack = ""] = words;
  const [, host, folder] = /^([^:]+):(\/.*)$/.exec(on) ?? [];
  if (host === undefined || folder === undefined || host.startsWith("-"))
    throw new UserError(`--on: expected [user@]host:/folder, a checkout of this project there, got \`${on}\``);
  await confirm(`watch: ${verb} on ${host}, in ${folder}`, stack, yes);
  const carried = {
    PULUMI_CONFIG_PASSPHRASE: passphraseIn(process.env),
    PULUMI_BACKEND_URL: process.env.PULUMI_BACKEND_URL,
    FLEET_WATCH_EXEC: exec,
    FLEET_WATCH_WEBHOOK: webhook,
  };
  const exports = Object.entries(carried).flatMap(([name, value]) => (value === undefined ? [] : [`export ${name}=${quote(value)}`]));
  const script = [...exports, `cd ${quote(folder)} && exec ./fleet watch ${words.map(quote).join(" ")}`].join("\n");
  const child = spawn("ssh", ["--", host, `exec sh -c 'eval "$(cat)"'`], { stdio: ["pipe", "inherit", "inherit"] });
  stopsWithUs(child, "SIGINT");
  child.stdin.on("error", () => {});
  child.stdin.end(script);
  return await new Promise<number>((resolve, reject) => {
    child.on("error", (error) => reject(new UserError(`ssh: expected the OpenSSH client, got ${error.message}`)));
    child.on("close", (code) => resolve(code ?? 1));
  });
}
