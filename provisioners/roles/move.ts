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

/** Folders and files of a server that its program needs, and that are nobody's resources: code without a repository, certificates, static files. */
export interface Tree {
  /** On the old server: their paths, a line each. What the stack brings by itself is none of them. */
  readonly find: Command;
  /** On the new server: a line for each thing that must be there before, and is not. @param paths those that come */
  missing?(paths: readonly string[]): Command;
  /**
   * What the old server still has counts on the way back: the team's files carry what was changed since, and a file of somebody else's that came over
   * one of these would be taken for what was there before the fleet.
   */
  readonly stays?: true;
}

/** A server of which a role's clients come from one more address now. */
export interface Guest {
  readonly address: string;
  /** By which they came so far. */
  readonly known: readonly string[];
  /** Root's alone there: what is kept for the way back. */
  readonly folder: string;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface Move {
  readonly clients: Clients;
  /** Files of the team's, and folders of them, that come along beside its territory: units, environment files. @param files the old server's */
  beside?(files: readonly TextFile[]): readonly string[];
  /** Its program connects to roles of other servers: whom it names by loopback stays on the old one, is named by address, and lets it in. */
  readonly connects?: true;
  /** Copied before the role comes, as they stand, where the new server has not the same. */
  readonly tree?: Tree;
  /** It may be on several servers, balanced over; whoever balances is all that names it. */
  readonly many?: true;
  /** Shell text on the server where it stays: whoever comes by a known address may come by one more; and back. */
  welcome?(guest: Guest): { readonly run: Command; readonly undo: Command };
  /** Its unit by all its names: what other units may require. */
  readonly units: readonly string[];
  /** A file of the team's in its territory, changed so that others reach it at this address; the same text where it says nothing of it. */
  listen?(file: TextFile, address: string): string;
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
