// Lives a sequence through on a server of an organiser's, and says what of it was not as promised.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type Fleet, type Running, Trial } from "../fleet.ts";
import { ownNetwork, ownProject } from "../own.ts";
import { byHand, type Draft as Drafted, operations, options } from "./menu.ts";
import { ContestServer, type Kind, login } from "./server.ts";
import { draftOf, type Mishap, type Step } from "./steps.ts";
import { troubles } from "./troubles.ts";

/** What is not as promised, a sentence each. */
export type Faults = readonly string[];

export class Life {
  readonly trial: Trial;
  readonly server: ContestServer;
  #names = { team: "trial", server: "isu1", was: {} as { team?: string; server?: string } };
  #said: string[] = [];

  constructor(purpose: string, kind: Kind = {}) {
    const network = ownNetwork();
    this.trial = new Trial(purpose, {
      target: "inventory",
      servers: { isu1: { address: `${network}.11`, user: login.name, roles: ["base"] } },
    });
    this.server = new ContestServer(this.trial.stack, network, kind);
  }

  async prepare(): Promise<void> {
    await Promise.all([this.server.make(), this.trial.secret("servers.isu1.password", login.password)]);
  }

  gone = (): Promise<void> => this.trial.remove();

  get #tree(): string {
    return join(ownProject, "stacks", `files-${this.trial.stack}`);
  }

  /** Writes the stack file and the overlay as the steps until now say. */
  #write(steps: readonly Step[]): void {
    const draft = draftOf(steps);
    const { team, server, was } = this.#names;
    this.trial.edit((fleet) => {
      const servers = fleet.servers as Record<string, Fleet>;
      const [one] = Object.values(servers);
      const made = {
        address: one!.address,
        user: one!.user,
        password: one!.password,
        roles: ["base"],
        ...(was.server && { was: was.server }),
      };
      const params = { base: { packages: [] } };
      for (const name of Object.keys(fleet)) if (!["target", "files"].includes(name)) delete fleet[name];
      Object.assign(fleet, { team, ...(was.team && { was: was.team }), servers: { [server]: made }, params });
      for (const name of draft.options) options[name]!.apply({ fleet, server: made } as unknown as Drafted);
    });
    rmSync(this.#tree, { recursive: true, force: true });
    mkdirSync(this.#tree, { recursive: true });
    for (const [path, content] of Object.entries(draft.files)) {
      const file = join(this.#tree, server, path);
      mkdirSync(dirname(file), { recursive: true });
      if (content.startsWith("→ ")) symlinkSync(content.slice(2), file);
      else writeFileSync(file, content);
    }
  }

  /** As `start` again: the server, the state, the names. */
  async #afresh(): Promise<void> {
    this.#names = { team: "trial", server: "isu1", was: {} };
    this.#said = [];
    this.trial.forget();
    await this.server.reset();
  }

  async live(steps: readonly Step[]): Promise<Faults> {
    await this.#afresh();
    const faults: string[] = [];
    for (const [index, step] of steps.entries()) {
      const found = await this.#step(step, steps.slice(0, index + 1));
      faults.push(...found.map((fault) => `step ${index + 1} ${JSON.stringify(step)}: ${fault}`));
      if (found.length > 0) break;
    }
    return [...faults, ...(await this.#down())];
  }

  async #step(step: Step, until: readonly Step[]): Promise<Faults> {
    if ("edit" in step || "lay" in step) return [];
    if ("rename" in step) return this.#rename(step.rename);
    if ("reboot" in step) await this.server.reboot();
    if ("hand" in step) await this.server.run(`mine() { grep -q -e "$1" /var/lib/fleet/journal 2> /dev/null; }\n${byHand[step.hand]}`);
    if ("operate" in step) return await this.#operate(step);
    if ("lost" in step) this.trial.forget();
    if ("down" in step) return await this.#down(step);
    if (!("up" in step)) return [];
    this.#write(until);
    return await this.#up(step);
  }

  async #operate({ operate, killed }: Extract<Step, { operate: string }>): Promise<Faults> {
    const running = this.trial.startBare(operations[operate]!);
    if (killed !== undefined) await Promise.race([running.done, sleep(killed).then(() => running.kill())]);
    return traced(await running.done);
  }

  #rename(what: "team" | "server"): Faults {
    // One that is followed already is over.
    const { team, server, was } = this.#names;
    if (was[what] !== undefined) return [];
    const before = what === "team" ? team : server;
    this.#names = { ...this.#names, [what]: `${before}x`, was: { ...was, [what]: before } };
    return [];
  }

  /** One that says that all went well is believed, whatever happened to it, and so is checked. */
  async #up(mishap: Mishap): Promise<Faults> {
    const answer = await this.#during(mishap, () => this.trial.start("up", ["--yes"]));
    if (answer.code !== 0) return mustSucceed(mishap) ? [`up ended with ${answer.code}: ${answer.said}`] : traced(answer);
    const looked = await this.trial.run("verify");
    if (looked.code !== 0) return [`verify after up ended with ${looked.code}: ${looked.said}\n--- what up said:\n${answer.said}`];
    return traced(answer);
  }

  async #down(mishap: Mishap = {}): Promise<Faults> {
    const answer = await this.#during(mishap, () => this.trial.start("down", ["--yes"]));
    this.#said.push(answer.said);
    if (answer.code !== 0) return mustSucceed(mishap) ? [`down ended with ${answer.code}: ${answer.said}`] : traced(answer);
    return [...traced(answer), ...(await this.#handedBack())];
  }

  async #during({ killed, cut, at = 0, kib, under }: Mishap, start: () => Running): Promise<Answer> {
    if (kib !== undefined) return await this.#within(() => this.server.fill(kib), start);
    if (under !== undefined) {
      const { begin, end } = troubles[under]!;
      const within = async () => {
        await this.server.told(begin);
        return async () => void (await this.server.told(end));
      };
      return await this.#within(within, start);
    }
    const running = start();
    if (killed !== undefined) await Promise.race([running.done, sleep(killed).then(() => running.kill())]);
    if (cut !== undefined) {
      await sleep(at);
      await this.server.cable("down");
      await sleep(cut);
      await this.server.cable("up");
    }
    return await running.done;
  }

  async #within(begin: () => Promise<() => Promise<void>>, start: () => Running): Promise<Answer> {
    const end = await begin();
    const answer = await start().done;
    await end();
    // The organiser's own programs come to themselves.
    await this.server.run(
      'systemctl reset-failed; for each in mariadb nginx notes-python notes-matcher; do if [ "$(systemctl is-enabled $each)" = enabled ]; then systemctl start $each; fi; done',
    );
    return answer;
  }

  async #handedBack(): Promise<Faults> {
    await this.server.settled();
    const left = different(this.server.start, await this.server.sums());
    const named = namedIn(this.#said.join("\n"));
    const unnamed = left.filter((line) => !named(line));
    return unnamed.length > 0 ? [`after down, not as it was:\n${unnamed.join("\n")}\n--- what down said:\n${this.#said.join("\n")}`] : [];
  }
}

/** Pure. */
const mustSucceed = ({ killed, cut, kib, under }: Mishap): boolean =>
  under !== undefined ? troubles[under]!.bearable === true : killed === undefined && cut === undefined && kib === undefined;

/** Stack traces and Pulumi's own advice are for nobody. */
const traced = ({ said }: Answer): Faults => (/^\s+at .*:\d+:\d+\)?$|--force\b|undefined|NaN/m.test(said) ? [`its words: ${said}`] : []);

function different(before: readonly string[], after: readonly string[]): readonly string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Down names a thing where one of its sentences about what stays has the thing's own word. */
function namedIn(said: string): (difference: string) => boolean {
  const sentences = said.split("\n").filter((line) => /can't be undone|stays?\b|is kept|are kept|left|upgraded|remains?/.test(line));
  return (difference) => {
    const [, kind = "", what = ""] = difference.split(" ").map((word) => word.trim());
    const subject = kind === "mariadb" ? difference.split("\t").slice(1, 2).join("") : what.split(":")[0]!;
    return (
      subject.length > 2 &&
      sentences.some((sentence) => words(sentence).some((word) => word === subject || (word.length > 5 && subject.startsWith(`${word}/`))))
    );
  };
}

const words = (sentence: string): readonly string[] => sentence.split(/[\s,;`'"[\]]+|:(?=\s|$)/).filter(Boolean);
