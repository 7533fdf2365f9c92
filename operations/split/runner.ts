// Does the steps of a split one after the other under the locks of its servers; what fails, or is interrupted, takes all of them back.
import { converge, failures } from "../../provisioners/engine/converge.ts";
import type { Wants } from "../../provisioners/engine/order.ts";
import { HostError, type Shell } from "../../provisioners/engine/shell.ts";
import type { Command } from "../../provisioners/engine/shell-quote.ts";
import { deadlineOf } from "../../provisioners/provider/role.ts";
import { UserFacingError } from "../../spec/problem.ts";
import type { FleetServer } from "../fleet-up.ts";
import type { Held } from "../on-servers.ts";
import { carry } from "./carry.ts";
import type { SplitRecord } from "./record.ts";
import { writeScript } from "./record.ts";
import type { Hands, Step } from "./steps.ts";

export interface RunnerOptions {
  readonly held: Held;
  readonly servers: readonly FleetServer[];
  readonly files: Hands["files"];
  readonly onStep: (step: Step, what: "begins" | "undone" | "not-undone", seconds?: number) => void;
  readonly onOutput: (server: string, line: string) => void;
}

/** It was taken back, as far as `left` is empty. */
export class SplitFailed extends UserFacingError {
  override readonly name = "SplitFailed";
  readonly left: readonly string[];
  constructor(message: string, left: readonly string[]) {
    super(message);
    this.left = left;
  }
}

export interface Times {
  /** Of the whole, and of the time in which nobody could write: seconds. */
  readonly seconds: number;
  readonly stopped: number;
  /** What failed once there was no way back any more, a sentence each: an up is to put it right. */
  readonly late: readonly string[];
  /** Whether the stack file and the team's files say so: as long as they don't, an up would take it all back. */
  readonly written: boolean;
}

/** Milliseconds that one script of a step may take: a copy of a large database. */
const stepTime = 6 * 3_600_000;

export class Runner {
  readonly #options: RunnerOptions;
  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  #server(name: string): FleetServer {
    return this.#options.servers.find((each) => each.name === name)!;
  }

  /** A step that goes may be ended by the signal; one that takes back may not. */
  #hands(signal?: AbortSignal): Hands {
    const { held, files, onOutput } = this.#options;
    return {
      files,
      run: async (name, script) => {
        const shell = await held.shell(this.#server(name));
        return await output(shell, script, signal);
      },
      carry: async (from, read, to, write) => {
        const shells = { from: await held.shell(this.#server(from)), to: () => held.shell(this.#server(to)) };
        return await carry(shells, read, write, {
          ...(signal && { signal }),
          onProgress: (text) => onOutput(to, text),
        });
      },
      converge: async (name, role, wants) => {
        const server = this.#server(name);
        const report = await converge(await held.shell(server), role, wants, {
          ...{ by: wanterOf(server, role), deadline: deadlineOf(wants as Wants), ...(signal && { signal }) },
          onProgress: (address, sentence, said) => onOutput(name, said ?? `${address}: ${sentence}`),
        });
        const failed = failures(report).map(({ address, reason }) => `${address}: ${reason ?? "no reason given"}`);
        if (failed.length > 0) throw new Error(`${name}: role ${role}: ${failed.join("\n")}`);
        signal?.throwIfAborted();
      },
    };
  }

  /**
   * Throws a SplitFailed where it was taken back.
   * @param from the step to begin with: at, or behind, the one that commits, there is no way back from the beginning
   */
  async run(record: SplitRecord, steps: readonly Step[], signal: AbortSignal, from = 0): Promise<Times> {
    const begun = performance.now();
    const last = steps.findIndex(({ commit }) => commit);
    const late: string[] = [];
    let [stopped, since] = [0, undefined as number | undefined];
    let written = true;
    let at = from;
    try {
      for (; at < steps.length; at++) {
        const step = steps[at]!;
        const committed = last !== -1 && (at > last || from >= last);
        if (!committed) signal.throwIfAborted();
        await this.#remember({ ...record, begun: at + 1 }, at === from).catch((error: unknown) =>
          committed ? undefined : Promise.reject(error),
        );
        this.#options.onStep(step, "begins");
        if (step.writes === "stop") since ??= performance.now();
        const failed = (error: unknown) => {
          late.push(told(step, error));
          if (step.at === "here") written = false;
        };
        await (committed ? step.run(this.#hands()).catch(failed) : step.run(this.#hands(signal)));
        if (step.writes === "go" && since !== undefined) [stopped, since] = [performance.now() - since, undefined];
      }
      return { seconds: (performance.now() - begun) / 1000, stopped: stopped / 1000, late, written };
    } catch (error) {
      const left = await this.undo(steps.slice(0, at + 1));
      if (signal.aborted && left.length === 0) throw signal.reason;
      throw new SplitFailed(told(steps[at]!, error), left);
    }
  }

  /** What could not be undone, a sentence each: the rest goes on. */
  async undo(begun: readonly Step[]): Promise<readonly string[]> {
    const hands = this.#hands();
    const left: string[] = [];
    for (const step of begun.toReversed()) {
      if (!step.undo) continue;
      try {
        await step.undo(hands);
        this.#options.onStep(step, "undone");
      } catch (error) {
        this.#options.onStep(step, "not-undone");
        left.push(`${step.at}: ${step.what}: ${(error as Error).message}`);
      }
    }
    return left;
  }

  /** On the old server before each step; on both at the beginning. */
  async #remember(record: SplitRecord, both: boolean): Promise<void> {
    const { from, to } = record.wish;
    for (const name of both ? [from, to] : [from]) await this.#hands().run(name, writeScript(record));
  }

  read = (names: readonly string[], script: Command): Promise<readonly string[]> =>
    Promise.all(names.map((name) => this.#hands().run(name, script)));

  /** On each of them that answers. */
  async everywhere(names: readonly string[], script: Command): Promise<readonly string[]> {
    const hands = this.#hands();
    const all = await Promise.allSettled(names.map((name) => hands.run(name, script)));
    return all.flatMap((each) => (each.status === "rejected" ? [(each.reason as Error).message] : []));
  }
}

const told = ({ at, what }: Step, error: unknown): string =>
  error instanceof HostError ? error.message : `${at}: ${what}: ${(error as Error).message.replace(`${at}: `, "")}`;

/** @param onBytes takes what it prints, instead of its being the answer */
export async function output(shell: Shell, script: Command, signal?: AbortSignal, onBytes?: (bytes: Buffer) => void): Promise<string> {
  const ends = signal && { signal, onAbort: "end" as const };
  const { code, stdout, stderr } = await shell.run(script, { deadline: stepTime, ...ends, ...(onBytes && { onBytes }) });
  signal?.throwIfAborted();
  const text = stdout.toString("utf8");
  if (code === 0) return text;
  const said = `${stderr}\n${text}`.trim().split("\n").slice(-8).join("\n");
  throw new Error(`${shell.host}: ${said || `ended with exit code ${code}`}`);
}

/** As the server remembers who wants a role's things; a role that is new there is called as the engine will call it. */
function wanterOf(server: FleetServer, role: string): string {
  const own = server.remembered.find(({ inputs }) => inputs.role === role);
  const nameOf = (urn: string) => urn.split("::").slice(3).join("::");
  if (own) return typeof own.outputs.wanter === "string" ? own.outputs.wanter : `${nameOf(own.urn)} ${role}`;
  const other = server.remembered[0]!;
  const name = nameOf(other.urn);
  return `${name.slice(0, name.length - String(other.inputs.role).length)}${role} ${role}`;
}
