// What a role says of its coming to another server: who its clients are, and how what it keeps is copied. `fleet split` asks nothing else.
import type { Command, Secret } from "../engine/shell-quote.ts";

/** One of the two servers of a move. */
export interface MovePlace {
  readonly name: string;
  /** By which the team's other servers reach it. */
  readonly address: string;
  readonly port: number;
}

/** What is kept on a server, as the role's own look tells it. */
export interface Holdings {
  readonly items: readonly Item[];
  readonly version?: string | undefined;
  /** Who may write although the role's own stop says no: then its clients are stopped instead. */
  readonly writers: readonly string[];
  /** Bytes that are free where it keeps its data. */
  readonly free?: number | undefined;
}

export interface Item {
  readonly name: string;
  readonly bytes: number;
  /** `3 tables, about 20000 rows` */
  readonly detail: string;
}

export interface MoveContext {
  readonly from: MovePlace;
  readonly to: MovePlace;
  readonly seen: { readonly from: Holdings; readonly to: Holdings };
  /** Private addresses of the servers whose programs use it. */
  readonly clients: readonly string[];
  /** Root's alone, on either server: what is kept for the way back. */
  readonly folder: string;
  /** On the way back: the folder of the way there, on the server that it leaves now. */
  readonly back?: string;
  /** A word for this copy alone, by which one server lets the other in. */
  readonly secret: Secret;
}

/** Shell text as root, on the server that it came from or goes to. */
export interface MoveStep {
  readonly at: "from" | "to";
  /** `copies notes, 3 MiB` */
  readonly what: string;
  readonly run: Command;
  /** Runs on the other server, with what this one said: little, since it comes by way of whoever moves. */
  readonly pass?: (said: string) => Command;
  /** As if it had not been; it may have ended anywhere. */
  readonly undo?: Command;
}

/** How the data comes over, in this order. */
export interface DataMove {
  /** What the new server has under the same names is kept in `folder`, and comes back by `putBack`, which drops what came meanwhile. */
  readonly keep: Command;
  readonly putBack: Command;
  /** While writes go on. */
  readonly before: readonly MoveStep[];
  /** Stops writes on the old one; without it, the clients are stopped. */
  readonly stop?: Command;
  /** Takes the stop back, where the role still runs there. */
  readonly go?: Command;
  /**
   * Nobody writes on the new one either, until its clients' checks hold: whatever fails before is taken back, and nothing written is lost. Without
   * it, what clients write before their own checks fail is.
   */
  readonly hold?: Command;
  readonly release?: Command;
  /** While nobody writes. */
  readonly copy: readonly MoveStep[];
  /** Once both are alike. */
  readonly finish?: readonly MoveStep[];
  /** Asked of both: the same text means the same data. */
  readonly digest: Command;
  /** Once the clients have gone over, or the copy was given up. */
  readonly after: readonly MoveStep[];
}

export interface Clients {
  /** Ports that it is reached at; one that a client names tells it from others on the same server. */
  readonly ports: readonly number[];
  /** In names of variables: `DB`, `MYSQL`. */
  readonly words: readonly string[];
  /** Of its URLs. */
  readonly schemes: readonly string[];
}

export interface Move {
  readonly clients: Clients;
  /** Its unit by all its names: what other units may require. */
  readonly units: readonly string[];
  /** A file of the team's in its territory, changed so that others reach it at this address; the same text where it says nothing of it. */
  listen?(file: { readonly path: string; readonly text: string }, address: string): string;
  /** Lines of `key<TAB>value…`: what `holdingsIn` reads. Without it, it keeps nothing. */
  readonly look?: Command;
  data?(context: MoveContext): DataMove;
  /** What whoever moves it has to know. */
  readonly note?: string;
  /** Why it can't be moved as it is, by what its look said on the old server. */
  refuse?(ground: { readonly said: string; readonly adopted: boolean }): string | undefined;
}

/** Pure. */
export function holdingsIn(text: string): Holdings {
  const rows = text.split("\n").map((line) => line.split("\t"));
  const all = (name: string) => rows.filter(([key]) => key === name).map(([, ...rest]) => rest);
  const [version] = all("version")[0] ?? [];
  const [free] = all("free")[0] ?? [];
  return {
    items: all("item").map(([name = "", bytes = "0", detail = ""]) => ({ name, bytes: Number(bytes), detail })),
    writers: all("writer").map(([who = ""]) => who),
    ...(version !== undefined && { version }),
    ...(free !== undefined && /^\d+$/.test(free) && { free: Number(free) }),
  };
}
