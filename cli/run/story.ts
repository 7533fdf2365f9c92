// What a run of the engine says, in the fleet's own words: what each server is at, the changes as they land, what failed, the sum.
import { heldIn, isIncompleteSentence } from "../../provisioners/engine/report.ts";
import { unspelled } from "../../provisioners/engine/spelling.ts";
import type { StepHead } from "../../pulumi/event-log.ts";
import { counted } from "../../spec/counted.ts";
import { Tally } from "./tally.ts";

interface State {
  readonly custom?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type?: string;
  readonly new?: State | null;
  readonly old?: State | null;
}

/** What we read of the engine's events. */
export interface RunEvent {
  readonly resourcePreEvent?: { readonly metadata: Step };
  readonly resOutputsEvent?: { readonly metadata: Step };
  readonly resOpFailedEvent?: { readonly metadata: Step };
  readonly diagnosticEvent?: { readonly urn?: string; readonly message: string; readonly severity: string; readonly ephemeral?: boolean };
  readonly policyEvent?: { readonly resourceUrn?: string; readonly message: string; readonly policyName: string };
  readonly summaryEvent?: { readonly resourceChanges?: Readonly<Record<string, number>> };
}

export interface Line {
  readonly kind: "change" | "note" | "failure";
  readonly text: string;
}

export interface ServerLine {
  readonly name: string;
  readonly state: "waits" | "running" | "done" | "failed";
  /** What it is at. */
  readonly doing: string;
  readonly changes: number;
}

interface Server {
  state: ServerLine["state"];
  doing: string;
  readonly tally: Tally;
  open: number;
  /** An error was said of it. */
  failed: boolean;
}

const past: Readonly<Record<string, string>> = { create: "created", update: "updated", replace: "replaced", delete: "deleted" };
const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
/** Told by their servers' roles, or nothing that anybody would look for. */
const silent = [
  "fleet:index:Role",
  "fleet:index:Host",
  "fleet:index:KeyPair",
  "fleet:index:TeamKeys",
  "fleet:index:HostKey",
  "fleet:index:Nonce",
];
const isSilent = (type: string): boolean => silent.includes(type) || type.startsWith("pulumi:providers:");
/** Whether of a step nothing is told that stands in its states. */
export const isTold = ({ kind, op, type }: StepHead): boolean => op === "refresh" || (kind === "resOutputsEvent" && isSilent(type));
/** `machine` for the fleet's own, whose server stands before it; `aws:ec2/vpc:Vpc team-a-vpc` for others. */
const called = (urn: string): string => {
  const own = /^fleet:index:(\w+)$/.exec(typeOf(urn))?.[1];
  return own ? own.replace(/(?<=[a-z])[A-Z]/g, " $&").toLowerCase() : `${typeOf(urn)} ${nameOf(urn)}`;
};
/** What follows from another failure. */
const follows = /failed to register|resource monitor shut down|error serializing property/;
/** How the engine lists what a resource says: `1 error occurred:`, then an item each. */
const list = /(^|: )\d+ errors? occurred:\s*/;
const unlisted = (text: string): string => (list.test(text) ? text.replace(list, "$1").replace(/^\s*\* |(?<=: )\* /gm, "") : text);
/** The engine's own words around what a resource has said itself. */
const isFollower = (text: string): boolean =>
  follows.test(text) || /^update failed$/.test(text) || unlisted(text) === "" || isIncompleteSentence(text);
const plain = (message: string): string => unspelled(message.replace(/<\{%[^%]*%\}>/g, "")).trim();
/** Each role of a server that is off says so. */
const unseen = /^shows what the state remembers, not what is there now: (.*)$/s;
/** What a server is waited for, and how long yet: it stands in the server's line, and nowhere else. */
const isWait = (message: string): boolean => /^waits /.test(message);
/** A step of a role, as the provider tells of it: `file[/etc/motd]: mode 0600 → 0644`. Other lines are a command's own output. */
const isStep = (message: string): boolean => /^[a-z][a-z-]*\[[^\n]*\]: /.test(message);

/** A fault of a server names it itself; its place does already. */
const withoutName = (text: string, server: string): string => text.replaceAll(new RegExp(`(?<=^|: )${server}: (?!$)`, "g"), "");

/** Follows one run. Pure but for what it remembers: events in, lines to print out. */
export class Story {
  readonly #team: string;
  readonly #removes: boolean;
  readonly #servers: Map<string, Server>;
  /** By length: `isu1-b` is not `isu1`. */
  readonly #names: readonly string[];
  readonly #said = new Set<string>();
  readonly #failed = new Set<string>();
  #resources = 0;
  #made = 0;
  #ended = false;
  #changed: Readonly<Record<string, number>> = {};
  #followers: string[] = [];

  /** @param removes a run that takes everything away */
  constructor(team: string, servers: readonly string[], removes = false) {
    this.#team = team;
    this.#removes = removes;
    this.#servers = new Map(servers.map((name) => [name, { state: "waits", doing: "", tally: new Tally(), open: 0, failed: false }]));
    this.#names = [...servers].sort((a, b) => b.length - a.length);
  }

  take(event: RunEvent): readonly Line[] {
    if (event.resourcePreEvent) return this.#begins(event.resourcePreEvent.metadata);
    if (event.resOutputsEvent) return this.#ends(event.resOutputsEvent.metadata, "done");
    if (event.resOpFailedEvent) return this.#ends(event.resOpFailedEvent.metadata, "failed");
    if (event.diagnosticEvent) return this.#says(event.diagnosticEvent);
    if (event.policyEvent) return this.#fails(`policy ${event.policyEvent.policyName}: ${plain(event.policyEvent.message)}`);
    if (event.summaryEvent) [this.#ended, this.#changed] = [true, event.summaryEvent.resourceChanges ?? {}];
    return [];
  }

  get servers(): readonly ServerLine[] {
    return [...this.#servers].map(([name, { state, doing, tally }]) => ({ name, state, doing, changes: tally.count }));
  }

  /** What only followed from something is the cause where nothing else was said. */
  get unexplained(): readonly string[] {
    return this.#failed.size === 0 ? [...new Set(this.#followers)] : [];
  }

  get changed(): boolean {
    const steps = [...this.#servers.values()].some(({ tally }) => tally.count > 0);
    return steps || this.#made > 0 || Object.keys(past).some((op) => (this.#changed[op] ?? 0) > 0);
  }

  /** It ended without a word on why. */
  get silent(): boolean {
    return this.#failed.size === 0 && this.#followers.length === 0;
  }

  /** One line: `team-a: 12 changes on 2 servers, 1 failed; 8 s`. */
  sum(seconds: number): string {
    const changed = [...this.#servers.values()].filter(({ tally }) => tally.count > 0);
    // What failed before its first change is not unchanged: nobody knows.
    const unchanged = [...this.#servers.values()].filter(({ tally, failed }) => tally.count === 0 && !failed).length;
    const steps = changed.reduce((all, { tally }) => all + tally.count, 0);
    const time = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    if (!this.changed && this.#failed.size === 0 && this.#followers.length === 0 && this.#ended)
      return this.#removes
        ? `${this.#team}: nothing of it was there`
        : `${this.#team}: nothing to do; ${counted(this.#resources, "resource")} on ${counted(this.#servers.size, "server")} as they should be`;
    const parts = [
      ...(steps > 0 ? [`${counted(steps, "change")} on ${counted(changed.length, "server")}`] : []),
      ...Object.entries(past).flatMap(([op, word]) =>
        (this.#changed[op] ?? 0) > 0 && steps === 0 ? [`${this.#changed[op]} ${word}`] : [],
      ),
      ...(unchanged > 0 ? [`${counted(unchanged, "server")} unchanged`] : []),
      ...(this.#failed.size > 0 ? [`${this.#failed.size} failed`] : []),
    ];
    return `${this.#team}: ${parts.join(", ")}; ${time}`;
  }

  #place(urn: string): { readonly server?: string; readonly rest: string } {
    const name = nameOf(urn);
    for (const server of this.#names) {
      const own = `${this.#team}-${server}`;
      if (name === own) return { server, rest: "" };
      if (name.startsWith(`${own}-`)) return { server, rest: name.slice(own.length + 1) };
    }
    return { rest: name };
  }

  #begins({ op, urn, new: now, old }: Step): readonly Line[] {
    const { server, rest } = this.#place(urn);
    if (typeOf(urn) === "fleet:index:Role" && op !== "refresh")
      this.#resources += Object.keys((now ?? old)?.inputs?.resources ?? {}).length;
    const line = server === undefined ? undefined : this.#servers.get(server);
    if (!line || !(op in past || op === "refresh")) return [];
    line.open++;
    line.tally.begin(urn);
    if (line.state !== "failed") line.state = "running";
    line.doing = rest || "connects";
    return [];
  }

  #ends({ op, urn, new: now, old }: Step, state: "done" | "failed"): readonly Line[] {
    const { server } = this.#place(urn);
    const line = server === undefined ? undefined : this.#servers.get(server);
    if (line && (op in past || op === "refresh")) {
      line.open = Math.max(0, line.open - 1);
      if (state === "failed") line.tally.fail(urn);
      if (state === "failed") [line.state, line.failed] = ["failed", true];
      else if (line.open === 0 && line.state === "running") [line.state, line.doing] = ["done", ""];
    }
    const custom = (now ?? old)?.custom === true;
    if (state === "failed" || !(op in past) || !custom || isSilent(typeOf(urn))) return [];
    this.#made++;
    return [{ kind: "change", text: `${server === undefined ? "" : `${server}: `}${called(urn)} ${past[op]}` }];
  }

  #says({ urn = "", message, severity, ephemeral = false }: NonNullable<RunEvent["diagnosticEvent"]>): readonly Line[] {
    const { server, rest } = this.#place(urn);
    const place = server === undefined ? "" : `${[server, rest].filter(Boolean).join(" ")}: `;
    const said = plain(message).replace(/^(?:error|warning): /, "");
    const text = server === undefined ? said : withoutName(said, server);
    const line = server === undefined ? undefined : this.#servers.get(server);
    if (line && severity === "error") line.failed = true;
    if (severity === "error") return this.#failure(text, place);
    const off = unseen.exec(text)?.[1];
    if (severity === "warning" && off !== undefined)
      return this.#once({ kind: "note", text: `${server === undefined ? "" : `${server}: `}${off}` });
    if (severity === "warning") return this.#once({ kind: "note", text: `${place}${text}` });
    if (!severity.startsWith("info") || text === "") return [];
    if (!ephemeral && isFollower(text)) {
      this.#followers.push(text);
      return [];
    }
    if (!ephemeral) return this.#once({ kind: "note", text: `${place}${text}` });
    if (line && isWait(text)) line.doing = text;
    const held = heldIn(text);
    if (held !== undefined) line?.tally.settle(urn, held);
    if (!isStep(text)) return [];
    line?.tally.step(urn);
    if (line) line.doing = `${rest}: ${text}`;
    return [{ kind: "change", text: `${place}${text}` }];
  }

  #failure(text: string, place: string): readonly Line[] {
    const said = unlisted(text);
    if (isFollower(text) || (said !== text && [...this.#failed].some((failed) => failed.includes(said)))) {
      this.#followers.push(text);
      return [];
    }
    return this.#fails(`${place}${said}`);
  }

  #fails(text: string): readonly Line[] {
    if (this.#failed.has(text)) return [];
    this.#failed.add(text);
    return [{ kind: "failure", text }];
  }

  #once(line: Line): readonly Line[] {
    if (this.#said.has(line.text)) return [];
    this.#said.add(line.text);
    return [line];
  }
}
