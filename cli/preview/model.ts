// What a preview says, as data. Markdown and JSON are functions of it.

export const operations = ["create", "update", "replace", "delete"] as const;
export type Operation = (typeof operations)[number];

/** `drift`: the server was changed behind the fleet's back; `planned`: the stack file or the fleet was; `both`: one after the other. */
export type Cause = "planned" | "drift" | "both";
export const causeWords = { planned: "planned", drift: "drifted, is put right", both: "drifted, and planned" } as const satisfies Record<
  Cause,
  string
>;

/** One thing that an up would touch. */
export interface Item {
  /** `file[/etc/motd]`, or type and name of a resource that is no role's: `aws:ec2/instance:Instance team-a-isu1`. */
  readonly address: string;
  /** The role whose resource it is; absent for what is none's. */
  readonly role?: string;
  readonly operation: Operation;
  readonly cause: Cause;
  /** A diff, a line each: the first character is `+`, `-`, `@`, `!` or a blank. */
  readonly lines: readonly string[];
  /** An up ends there with an error: its line begins with `!`. */
  readonly refused?: true;
  /** It only follows from the others (a reload), and is counted as none. */
  readonly follows?: true;
}

export interface ServerChanges {
  readonly name: string;
  /** Why it could not be looked at: what is shown is then what the state remembers, or the stack file alone. */
  readonly unreachable?: string;
  readonly items: readonly Item[];
}

export interface Price {
  /** USD of what will be there; null where something has no price. */
  readonly perHour: number | null;
  /** Against what is there now; null where either is not known. */
  readonly change: number | null;
}

export interface StackPreview {
  readonly stack: string;
  readonly team: string;
  /** `servers`: planned against what is on them now; `files`: two states of the stack file, no server asked. */
  readonly against: "servers" | "files";
  /** Pulumi resources; with `files`, servers and their roles. */
  readonly counts: Readonly<Record<Operation, number>>;
  readonly price: Price;
  readonly servers: readonly ServerChanges[];
  /** What belongs to no single server. */
  readonly shared: readonly Item[];
  /** Until when it goes on costing, in a few words; absent where it costs nothing by the hour. */
  readonly ends?: string;
  /** Who may reach what on AWS, a flow a line; absent elsewhere. */
  readonly flows?: string;
  /** What to know beside it, a sentence each. */
  readonly notes: readonly string[];
  /** Why there is no preview of this stack; everything else is empty then. */
  readonly failure?: string;
  /** The stack file is to blame: nothing was asked. */
  readonly refused?: true;
}

const nothing = { create: 0, update: 0, replace: 0, delete: 0 };

/** 2 where every failure is a stack file's, as of any command. */
export function exitCodeOf(previews: readonly StackPreview[]): number {
  const failed = previews.filter(({ failure }) => failure !== undefined);
  if (failed.length === 0) return 0;
  return failed.every(({ refused }) => refused) ? 2 : 1;
}

/** Of a stack file with problems. */
export const refusedPreview = (stack: string, failure: string, against: StackPreview["against"]): StackPreview => ({
  ...failedPreview(stack, failure, against),
  refused: true,
});

export const failedPreview = (stack: string, failure: string, against: StackPreview["against"]): StackPreview => ({
  stack,
  team: stack,
  against,
  counts: nothing,
  price: { perHour: null, change: null },
  servers: [],
  shared: [],
  notes: [],
  failure,
});

/** Of servers that are here already: all of it is right. */
export const nothingToChange = (stack: string, team: string, notes: readonly string[] = []): StackPreview => ({
  stack,
  team,
  against: "servers",
  counts: nothing,
  price: { perHour: 0, change: 0 },
  servers: [],
  shared: [],
  notes,
});

export const changes = ({ counts, failure }: StackPreview): boolean =>
  failure !== undefined || operations.some((operation) => counts[operation] > 0);
