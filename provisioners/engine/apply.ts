// Acts: one remote command runs all the changes of a role, tells how far it is, and can be stopped or killed between any two steps.
import { randomBytes } from "node:crypto";
import type { Address, Common, Step } from "../resources/kind.ts";
import { kindOf } from "../resources/kinds.ts";
import { confirm, type Guarded, reverted, untilBack } from "./confirm.ts";
import { doorsLast } from "./doors.ts";
import { failsAlone, leanScript, mayLack, whyLeft } from "./lacking.ts";
import { forget, leave, remember } from "./memory-script.ts";
import type { Observation } from "./observe.ts";
import type { Wants } from "./order.ts";
import type { Change, Forgotten } from "./plan.ts";
import { prelude, stateDirectory, storeKey } from "./prelude.ts";
import type { Result } from "./report.ts";
import { armScript, confirmTime, hold, leftPath, wentBack } from "./revert.ts";
import { type Entrance, HostError, type RunOptions, type Shell } from "./shell.ts";
import { type Command, lines, sh } from "./shell-quote.ts";

export interface ApplyOptions extends RunOptions {
  /** A step begins, or a step that runs says something (`output`). */
  readonly onProgress?: (address: Address, sentence: string, output?: string) => void;
  /** A step that runs waits for something, and has for a while. @default one more output of the step */
  readonly onWait?: (address: Address, sentence: string) => void;
}

export interface Work {
  readonly role: string;
  readonly wants: Wants;
  readonly seen: Observation;
  readonly changes: readonly Change[];
  /** Undone by the changes, or without them. */
  readonly forgotten: readonly Forgotten[];
  /** Undoes what another role did: what that one still owes its services is its own business. */
  readonly guest?: boolean;
  /** The server is given back: what stays of others' is named for the last time. */
  readonly last?: boolean;
}

/** How many lines of a failed step's own words are shown. */
const tailLines = 40;

/**
 * Runs the changes in order and stops at the first that fails. Resolves with a result for each change; rejects with a HostError
 * where the outcome is unknown.
 */
export async function apply(shell: Shell, given: Work, options: ApplyOptions = {}): Promise<readonly Result[]> {
  if (isIdle(given)) return [];
  const { work, guarded } = guard(given, shell.entrance);
  const nonce = randomBytes(9).toString("base64url");
  const heard = new Progress(nonce, work.changes, options);
  const { onProgress: _, onWait: __, ...run } = options;
  const script = applyScript(nonce, work, guarded);
  const confirmed = guarded && ((ended: boolean) => confirm(shell, shell.entrance!, guarded, ended ? lastWords(nonce, work) : [], options));
  try {
    const { code, stderr } = await shell.run(script, { ...run, onLine: (line) => heard.line(line) });
    const results = heard.results(code, stderr);
    if (!confirmed || !heard.armed) return results;
    const why = await confirmed(heard.ended);
    return why === undefined ? results : reverted(results, guarded!, why);
  } catch (error) {
    // The change itself may have cut this link: what nobody confirms goes back.
    if (!guarded || !heard.armed || !(error instanceof HostError)) throw error;
    const why = `${error.sentence}; ${await untilBack(shell, shell.entrance!)}`;
    return reverted(heard.results(-1, ""), guarded, why);
  }
}

/** Of a run that changes a door: where in its changes they begin, and which they are. */
function guard(given: Work, entrance: Entrance | undefined): { readonly work: Work; readonly guarded?: Guarded } {
  if (!entrance) return { work: given };
  const removed = new Map([...given.seen.removed, ...given.seen.bereft].map(({ address, want }) => [address, want]));
  const wantOf = (address: Address): Common | undefined => given.wants[address] ?? removed.get(address);
  const { changes, from, names } = doorsLast(given.changes, wantOf, entrance.user);
  if (names.length === 0) return { work: given };
  const held = changes.slice(from);
  const doors = held.map(({ address }) => address);
  return { work: { ...given, changes }, guarded: { from, doors, names, arm: armScript(held, wantOf, names) } };
}

/** What a run whose changes of doors are confirmed has still to say to the server's memory. */
const lastWords = (nonce: string, work: Work): readonly Command[] => [
  head(nonce),
  sh`state=${stateDirectory(work.role)} fleet_gone=`,
  { text: `fleet_left=$(cat ${leftPath})`, masked: "" },
  ...forget(work),
];

/** Nothing to change, nothing to remember, and nothing that an earlier run left to be put in order. */
const isIdle = ({ changes, forgotten, seen: { owing, memory, unfinished, legacy } }: Work): boolean =>
  changes.length + forgotten.length + owing.length + memory.damaged === 0 && !unfinished && !legacy;

/** The script of a plan, with the words that `Progress` follows. */
export function applyScript(nonce: string, work: Work, guarded?: Guarded): Command {
  const parts = [head(nonce), { text: words(nonce), masked: "" }, ...roleScript(work, guarded), { text: "tell end", masked: "" }];
  const steps = work.changes.flatMap((change) => change.steps);
  return { text: parts.map(({ text }) => text).join("\n"), masked: steps.map(({ run }) => run.masked).join("\n") };
}

/** What comes before any role: the shell's settings, and the functions that steps call. */
export const head = (run: string): Command => lines([sh`set -u\numask 022\nrun=${run}`, { text: prelude, masked: "" }]);

/** The changes of one role. Calls `tell WORD …`, `later WORD …` and `pass TEXT`, which whoever runs it must define. */
export function roleScript(work: Work, guarded?: Guarded): readonly Command[] {
  const watched = new Set(Object.entries(work.wants).flatMap(([address, want]) => kindOf(address as Address).kind.watches?.(want) ?? []));
  const kept = (change: Change) => watched.size > 0 && (watched.has(change.address) || change.undo);
  const steps = work.changes.flatMap((change) => change.steps.map((step) => ({ change, step })));
  const held = guarded ? work.changes.slice(0, guarded.from).flatMap((change) => change.steps).length : steps.length;
  const lacking = mayLack(work.changes);
  const all = steps.map(({ change, step }, index) => {
    const run = runStep(index, change, step, kept(change), index >= held);
    return lacking ? unlessLeft(index, change, step, run, work) : run;
  });
  return [
    sh`state=${stateDirectory(work.role)}`,
    sh`fleet_left= fleet_gone= fleet_lack= fleet_idle=`,
    ...remember(work),
    ...(work.seen.unfinished ? [sh`fleet_confirmed`] : []),
    ...all.slice(0, held),
    ...(guarded ? [arm(held, guarded)] : []),
    ...all.slice(held),
    ...(work.guest ? [] : [sh`rm -rf -- "$state/pending" "$state/rollback"`]),
    ...(guarded ? [{ text: `printf '%s\\n' "$fleet_left" > ${leftPath}; ${hold(confirmTime)} > /dev/null`, masked: "" }] : forget(work)),
  ];
}

/**
 * Each line costs both ends a packet: what is brief is told `later`, with the next word. Words begin on a line of their own, wherever the output
 * before them stopped: the newline in front is the runner's. `pass` hands on what a brief step said.
 */
const words = (nonce: string): string => `told=
later() { told="\${told:-
}@${nonce} $*
"; }
tell() { printf '%s@${nonce} %s\\n' "\${told:-
}" "$*"; told=; }
pass() { printf '%s%s\\n' "$told" "$1"; told=; }`;

/** Nothing of a door is changed where its way back could not be kept. */
const arm = (index: number, guarded: Guarded): Command => ({
  text: `tell arm ${index}\n[ -e "\${FLEET_STOP:-/nonexistent}" ] && { fleet_abandon; tell stopped ${index}; exit 0; }\n${guarded.arm.text}\n[ "$rc" = 0 ] || { fleet_abandon; tell fail ${index} "$rc"; exit 0; }\ntell armed`,
  masked: "",
});

function runStep(index: number, { address, path, undo, steps, owes = [] }: Change, step: Step, watched: boolean, held: boolean): Command {
  const keep = watched && path !== undefined ? keepOf(address, path) : sh``;
  // What failed to go back is not gone on with.
  const anew = `[ ! -e "$state/originals/${storeKey(address)}.stays" ] || rm -f -- "$state/originals/${storeKey(address)}.stays"\n`;
  const head = `${undo ? `${steps[0] === step ? anew : ""}case "$fleet_left " in *" ${storeKey(address)} "*) ;; *)\n` : ""}[ -e "\${FLEET_STOP:-/nonexistent}" ] && { fleet_abandon; tell stopped ${index}; exit 0; }\n${step.brief ? "later" : "tell"} begin ${index}\n${held ? `${hold()} || { tell fail ${index} ${wentBack}; exit 0; }\n` : ""}key=${storeKey(address)}`;
  const around = (text: string) =>
    step.brief ? `said=$( exec 2>&1; set -e\n${text}\n)\nrc=$?; [ -z "$said" ] || pass "$said"` : `( set -e\n${text}\n) 2>&1\nrc=$?`;
  const run = (of: "text" | "masked") =>
    `${head}\n${around(`${keep[of]}${step.run[of]}`)}\n[ "$rc" = 0 ] || { ${failed}; }${undo ? "\n;; esac" : ""}`;
  // What can't be undone stops nothing: the rest is given back, and that one is remembered.
  const alone = failsAlone({ address, undo, steps });
  const failed = undo
    ? `tell left ${index} "$rc"; ${[address, ...owes].map(leave).join("; ")}`
    : alone
      ? `tell left ${index} "$rc"; fleet_lack="$fleet_lack ${storeKey(address)}"`
      : `fleet_abandon; tell fail ${index} "$rc"; exit 0`;
  return { text: run("text"), masked: run("masked") };
}

/** Nothing of what was left, or could not be had, is gone on with. */
function unlessLeft(index: number, change: Change, step: Step, run: Command, { wants, changes }: Work): Command {
  const lean = change.steps[0] === step ? leanScript(index, change, wants, changes) : undefined;
  if (!lean && change.steps.length === 1) return run;
  const around = (text: string) => `case "$fleet_lack " in *" ${storeKey(change.address)} "*) ;; *)\n${text}\n;; esac`;
  return { text: `${lean ? `${lean.text}\n` : ""}${around(run.text)}`, masked: run.masked };
}

/** Who has a part of a file only writes through a link to it. */
const keepOf = (address: Address, path: string): Command =>
  kindOf(address).kind.shared ? sh`fleet_keep "$(fleet_through ${path})"\n` : sh`fleet_keep ${path}\n`;

/** Follows the script's own words, and gives each change its result. */
class Progress {
  readonly #prefix: string;
  readonly #steps: readonly { readonly change: Change; readonly step: Step }[];
  readonly #changes: readonly Change[];
  readonly #tell: ApplyOptions["onProgress"];
  readonly #wait: ApplyOptions["onWait"];
  #at = -1;
  #tail: string[] = [];
  #empty = false;
  /** What it changes of the ways in goes back unless it is confirmed. */
  armed = false;
  #ending: "none" | "end" | "fail" | "stopped" = "none";
  #code = "";
  /** What could not be undone, and why. */
  readonly #left = new Map<Address, string>();
  /** What a step has to say beside its output, which is gone with the run. */
  readonly #notes = new Map<Address, readonly string[]>();
  readonly #stays = new Map<Address, readonly string[]>();
  /** Without what could not be had, and why. */
  readonly #without = new Map<Address, string>();
  /** The last of these, until a step begins. */
  #leaving: Address | undefined;
  /** Store keys of what was rolled back, and with whom, where that ended no run. */
  readonly #back = new Map<string, Address | undefined>();

  constructor(nonce: string, changes: readonly Change[], { onProgress, onWait }: ApplyOptions) {
    this.#prefix = `@${nonce} `;
    this.#changes = changes;
    this.#steps = changes.flatMap((change) => change.steps.map((step) => ({ change, step })));
    this.#tell = onProgress;
    this.#wait = onWait;
  }

  /** An empty line right before a word is the runner's own, any other the step's. */
  line(line: string): void {
    const isWord = line.startsWith(this.#prefix);
    if (this.#empty && !isWord) this.#output("");
    this.#empty = line === "";
    if (isWord) this.#word(line);
    else if (!this.#empty) this.#output(line);
  }

  #word(line: string): void {
    const [word = "", index = "", code = ""] = line.slice(this.#prefix.length).split(" ");
    if (word === "begin" || word === "arm") this.#begin(Number(index), word === "arm");
    else if (word === "armed") this.armed = true;
    else if (word === "back") this.#back.set(index, this.#leaving);
    else if (word === "waits") this.#waits(line.slice(this.#prefix.length + "waits ".length));
    else if (word === "note") this.#note(this.#notes, line.slice(this.#prefix.length + "note ".length));
    else if (word === "stays") this.#note(this.#stays, line.slice(this.#prefix.length + "stays ".length));
    else if (word === "left") this.#leave(this.#steps[Number(index)], code);
    else if (word === "lacks") this.#lacks(this.#steps[Number(index)]?.change.address, code);
    else if (word === "stopped") this.#stop(Number(index));
    else if (word === "end" || word === "fail") [this.#ending, this.#code] = [word, code];
  }

  get ended(): boolean {
    return this.#ending === "end";
  }

  #begin(index: number, silent: boolean): void {
    this.#at = index;
    this.#tail = [];
    this.#leaving = undefined;
    const at = this.#steps[index];
    if (at && !silent) this.#tell?.(at.change.address, at.step.change);
  }

  /** Before this one, which nobody has heard of. */
  #stop(index: number): void {
    this.#begin(index, true);
    this.#ending = "stopped";
  }

  #waits(text: string): void {
    const at = this.#steps[this.#at];
    if (at && this.#wait) this.#wait(at.change.address, text);
    else if (at) this.#tell?.(at.change.address, at.step.change, text);
  }

  #note(notes: Map<Address, readonly string[]>, text: string): void {
    const address = this.#steps[this.#at]?.change.address;
    if (address) notes.set(address, [...(notes.get(address) ?? []), text]);
  }

  #leave(at: { readonly change: Change; readonly step: Step } | undefined, code: string): void {
    if (at && !this.#left.has(at.change.address)) this.#left.set(at.change.address, reasonOf(at.step, code, this.#tail));
  }

  /** What it says while it is left is nobody's. */
  #lacks(address: Address | undefined, words: string): void {
    if (!address) return;
    this.#leaving = address;
    const failed = [...this.#left.keys()].filter((each) => kindOf(each).kind.failsAlone);
    const of = (key: string) => this.#changes.find((change) => storeKey(change.address) === key)?.address;
    this.#without.set(address, whyLeft(words, failed, of));
  }

  #output(line: string): void {
    this.#tail = [...this.#tail.slice(1 - tailLines), line];
    const at = this.#steps[this.#at];
    if (at) this.#tell?.(at.change.address, at.step.change, line);
  }

  results(code: number, stderr: string): readonly Result[] {
    const failedAt = this.#steps[this.#at]?.change;
    const broken = this.#ending === "none";
    let reached = false;
    return this.#changes.map((change): Result => {
      const changes = change.steps.map(({ change: sentence }) => sentence);
      const [said, stays] = [this.#notes, this.#stays].map((notes) => notes.get(change.address));
      const of = { address: change.address, changes, ...(said && { said }), ...(stays && { stays }) };
      const left = this.#left.get(change.address);
      if (left !== undefined) return { ...of, outcome: "failed", reason: left };
      const without = this.#without.get(change.address);
      if (without !== undefined) return { ...of, outcome: "skipped", reason: without };
      const back = this.#back.has(storeKey(change.address)) && this.#back.get(storeKey(change.address));
      if (back) return { ...of, outcome: "skipped", reason: `rolled back: ${back} was left` };
      if (this.#ending === "end") return { ...of, outcome: "changed" };
      if (change === failedAt || (broken && failedAt === undefined)) {
        reached = true;
        return this.#ending === "stopped"
          ? { ...of, outcome: "skipped", reason: "cancelled before it began" }
          : { ...of, outcome: "failed", reason: this.#reason(broken, code, stderr) };
      }
      if (this.#back.has(storeKey(change.address)))
        return { ...of, outcome: "skipped", reason: `rolled back after the failure of ${failedAt?.address}` };
      return reached
        ? { ...of, outcome: "skipped", reason: `skipped after the failure of ${failedAt?.address ?? "the first step"}` }
        : { ...of, outcome: "changed" };
    });
  }

  #reason(broken: boolean, code: number, stderr: string): string {
    const said = broken ? [...this.#tail, stderr.trim()] : this.#tail;
    return reasonOf(this.#steps[this.#at]?.step, broken ? String(code) : this.#code, said);
  }
}

function reasonOf(step: Step | undefined, code: string, words: readonly string[]): string {
  const said = words.filter(Boolean).join("\n");
  const what = `\`${step?.change ?? "preparation"}\` ended with exit code ${code}`;
  return said ? `${what}:\n${said}` : what;
}
