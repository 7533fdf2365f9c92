// Pulumi's `up` and `destroy`, told in the fleet's own words while they go.
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { FleetPlan } from "../../provisioners/expand.ts";
import { pulumi, stateFolder } from "../../pulumi/command.ts";
import { EventFile } from "../../pulumi/event-log.ts";
import { readable } from "../../pulumi/words.ts";
import type { StackPreview } from "../preview/model.ts";
import { Screen } from "./show.ts";
import { isTold, type RunEvent, Story } from "./story.ts";
import { whatItDid } from "./what-it-did.ts";

/** Milliseconds between two looks at what the engine says. */
const interval = 200;
/** Characters of the engine's own words, where nothing else says why. */
const failureLength = 4_000;

export interface Told {
  /** Pulumi's exit code. */
  readonly code: number;
  readonly changed: boolean;
  /** One line. */
  readonly sum?: string;
  /** What it did, as a preview says it beforehand; undefined where that can't be told. */
  readonly did?: StackPreview | undefined;
}

/** @param args the first one says which it is */
export async function toldRun(plan: FleetPlan, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Told> {
  const folder = join(stateFolder, "runs");
  const [command = ""] = args;
  const isDestroy = command === "destroy";
  const shared = env.FLEET_EVENT_LOG ?? process.env.FLEET_EVENT_LOG;
  const file = shared ?? join(folder, `${command}-${plan.stack}-${randomBytes(4).toString("hex")}.events`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Events name what changes; nobody else needs to read that.
  writeFileSync(file, "", { mode: 0o600 });
  const events = new EventFile<RunEvent>(file, isTold);
  const names = plan.servers.map(({ name }) => name);
  const [story, screen, began] = [new Story(plan.spec.team, names, isDestroy), new Screen(process.stdout, names.length), Date.now()];
  const hear = () => {
    for (const event of events.read()) screen.print(story.take(event));
    screen.draw(story);
  };
  const timer = setInterval(hear, interval);
  try {
    const own = { ...env, FLEET_EVENT_LOG: file, PULUMI_DEBUG_COMMANDS: "true" };
    const { code, stdout, stderr } = await pulumi(plan, args, { capture: true, env: own });
    clearInterval(timer);
    hear();
    screen.print(story.unexplained.map((text) => ({ kind: "failure", text })));
    screen.draw(story);
    screen.end();
    if (code !== 0 && story.silent)
      console.error(
        readable(stderr.trim() || stdout)
          .trim()
          .slice(-failureLength),
      );
    const sum = story.sum((Date.now() - began) / 1000);
    console.log(sum);
    // Nobody asks it of a `destroy`, and the state that it would be told by is gone.
    const did = story.changed && !isDestroy ? await whatItDid(plan, file) : undefined;
    return { code, changed: story.changed, sum: stripVTControlCharacters(sum), did };
  } finally {
    clearInterval(timer);
    screen.end();
    if (shared === undefined) rmSync(file, { force: true });
  }
}
