// A throw-away stack in this test file's own project, driven as a person drives one: through `./fleet`, with its stack file, overlay and state.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { sweep } from "../../machines/sweep.ts";
import { checkout, planOf } from "../../provisioners/stack.ts";
import { ownProject, ownStack } from "./own.ts";
import { killSession } from "./session.ts";
import { parseState, type State } from "./state.ts";

export interface Answer {
  /** -1: ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they came. */
  readonly said: string;
  readonly milliseconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  /** Never rejects; resolves also after a kill. */
  readonly done: Promise<Answer>;
  /** What it said until now. */
  said(): string;
  /** kill -9 of it and of everything that it started. */
  kill(): Promise<Answer>;
}

interface Options {
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input. */
  readonly input?: string;
}

/** In a session of its own, without a terminal. */
export function start(program: string, args: readonly string[], { env, input = "" }: Options = {}): Running {
  const begun = performance.now();
  const child = spawn(program, args, { cwd: ownProject, env: { ...process.env, ...env }, detached: true, stdio: "pipe" });
  const heard = { stdout: "", stderr: "", said: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      heard[name] += text;
      heard.said += text;
    });
  }
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const done = new Promise<Answer>((resolve) => {
    const answer = (code: number) => resolve({ ...heard, code, milliseconds: performance.now() - begun });
    child.on("error", (error) => {
      heard.stderr += error.message;
      answer(-1);
    });
    child.on("close", (code) => answer(code ?? -1));
  });
  const kill = async () => {
    if (child.pid !== undefined) await killSession(child.pid);
    return await done;
  };
  return { child, done, said: () => heard.said, kill };
}

/** What a stack file holds under its one config key. */
export type Fleet = Record<string, unknown>;

const key = "contest-fleet:fleet";
const states = join(ownProject, ".fleet", ".pulumi");

export class Trial {
  readonly stack: string;
  readonly file: string;
  readonly #folder: string;
  readonly #files: string;

  /** `purpose` is part of the stack's name, and so of the names of its machines. */
  constructor(purpose: string, fleet: Fleet) {
    this.stack = ownStack(`trial-${purpose}`);
    this.#folder = `files-${this.stack}`;
    this.#files = join(ownProject, "stacks", this.#folder);
    this.file = join(ownProject, "stacks", `Pulumi.${this.stack}.yaml`);
    mkdirSync(this.#files, { recursive: true });
    writeFileSync(this.file, stringify({ config: { [key]: { team: "trial", files: this.#folder, ...fleet } } }));
  }

  /** Changes the stack file; secrets in it stay as they are. */
  edit(change: (fleet: Fleet) => void): void {
    const file = parse(readFileSync(this.file, "utf8")) as { config: Record<string, Fleet> };
    change(file.config[key]!);
    writeFileSync(this.file, stringify(file));
  }

  /** Lays a file over a server's `/`; takes it back without `content`. */
  overlay(server: string, path: string, content?: string): void {
    const file = join(this.#files, server, path);
    mkdirSync(dirname(file), { recursive: true });
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
  }

  /** What a person's shell holds: the stack's passphrase. */
  get env(): NodeJS.ProcessEnv {
    return { PULUMI_CONFIG_PASSPHRASE: "practice", NO_COLOR: "1" };
  }

  /** `./fleet <command> <stack> <args>` */
  start(command: string, args: readonly string[] = [], options: Options = {}): Running {
    return start(join(checkout, "fleet"), [command, this.stack, ...args], { ...options, env: { ...this.env, ...options.env } });
  }

  /** `./fleet <words>`: of this stack where FLEET_STACK says so, for commands whose arguments are servers. */
  startBare(words: readonly string[], options: Options = {}): Running {
    return start(join(checkout, "fleet"), words, { ...options, env: { ...this.env, FLEET_STACK: this.stack, ...options.env } });
  }

  bare(words: readonly string[], options: Options = {}): Promise<Answer> {
    return this.startBare(words, options).done;
  }

  run(command: string, args: readonly string[] = [], options: Options = {}): Promise<Answer> {
    return this.start(command, args, options).done;
  }

  /** In Pulumi's own words. */
  up = (options: Options = {}): Promise<Answer> => this.run("up", ["--yes", "--verbose"], options);

  /** Pulumi's own command line, with what `fleet env` gives a shell. */
  pulumi(args: readonly string[], options: Options = {}): Promise<Answer> {
    const script = `eval "$(./fleet env "$0")" && exec pulumi "$@" --stack "$0"`;
    return start("sh", ["-c", script, this.stack, ...args], { ...options, env: { ...this.env, ...options.env } }).done;
  }

  /** As a person puts a secret into the stack file: over standard input. `path`: `servers.isu1.password`. */
  async secret(path: string, value: string): Promise<void> {
    const init = ["stack", "select", "--create", "--non-interactive"];
    for (const [args, input] of [
      [init, ""],
      [["config", "set", "--secret", "--path", `${key}.${path}`, "--non-interactive"], value],
    ] as const) {
      const { code, said } = await this.pulumi(args, { input });
      if (code !== 0) throw new Error(`pulumi ${args[0]} ended with ${code}: ${said}`);
    }
  }

  /** Every file that the engine keeps of the stack. */
  stateFiles(): readonly string[] {
    if (!existsSync(states)) return [];
    const all = readdirSync(states, { recursive: true, withFileTypes: true });
    return all
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name))
      .filter((path) => path.includes(this.stack));
  }

  /** What the engine remembers, secrets in the clear. */
  async state(): Promise<State> {
    const { code, said, stdout } = await this.pulumi(["stack", "export", "--show-secrets"]);
    if (code !== 0) throw new Error(`pulumi stack export ended with ${code}: ${said}`);
    return parseState(stdout);
  }

  /** Of the stack's private network. */
  address(server: string): string {
    const found = planOf(this.stack).servers.find(({ name }) => name === server);
    if (!found) throw new Error(`${this.file}: expected a server ${server}`);
    return found.view.privateAddress;
  }

  /** Machines, stack file, overlay and state, whatever became of them. */
  async remove(): Promise<void> {
    await this.reset();
    for (const each of [this.file, this.#files]) rmSync(each, { recursive: true, force: true });
  }

  /** As before the first up: machines and state go, the stack file stays. */
  async reset(): Promise<void> {
    await sweep(this.stack);
    this.forget();
  }

  /** What this computer knows of the stack goes, as with a lost laptop; its stack file and its machines stay. */
  forget(): void {
    const kept = [join("ssh", this.stack), join("ended", `${this.stack}.json`), join("settled", `${this.stack}.json`)].map((each) =>
      join(ownProject, ".fleet", each),
    );
    for (const each of [...this.stateFiles(), ...kept]) rmSync(each, { recursive: true, force: true });
    for (const kind of ["backups", "history", join("locks", "organization")])
      rmSync(join(states, kind, "contest-fleet", this.stack), { recursive: true, force: true });
  }
}

/** The practice stack's own fleet, changed as a test needs it. */
export function practiceFleet(change: (fleet: Fleet) => void): Fleet {
  const { config } = parse(readFileSync(join(checkout, "stacks", "Pulumi.practice.yaml"), "utf8")) as { config: Record<string, Fleet> };
  const fleet = config[key]!;
  delete fleet.team;
  change(fleet);
  return fleet;
}

/** Runs shell text as root inside a machine of this computer, past SSH: what is really there. */
export async function inside(stack: string, server: string, script: string): Promise<Answer> {
  const machine = await nspawn.read({ stack, name: server });
  if (!machine?.leaderPid) throw new Error(`${stack}/${server}: expected a running machine`);
  // This computer's temporary folder is not the machine's.
  const env = { TMPDIR: undefined };
  return start("nsenter", ["--target", String(machine.leaderPid), "--all", "--", "/bin/sh", "-eu"], { input: script, env }).done;
}
