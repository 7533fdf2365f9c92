// What a watch makes of its looks: what is told, once; what is healed, and what is left to people. Pure (docs/adr/0045-watch.md).
import type { Difference } from "../../provisioners/provider/as-remembered.ts";

/** One look at one server. */
export interface Look {
  readonly server: string;
  /** `busy`: somebody holds its lock; what differs there now is their work. */
  readonly state: "seen" | "off" | "busy";
  /** Why it was not seen. */
  readonly why?: string;
  readonly differences: readonly Difference[];
}

export const kinds = ["drift", "right", "off", "back", "busy", "healed", "left", "problem"] as const;

export interface WatchEvent {
  readonly kind: (typeof kinds)[number];
  readonly server: string;
  readonly role?: string;
  readonly resource?: string;
  readonly what: string;
}

/** Attempts to heal one resource, and when the last one was: milliseconds. */
export interface Attempts {
  readonly count: number;
  readonly last: number;
}

export interface Memory {
  /** What is known to differ, by its key; no more than there are resources in the stack. */
  readonly differing: Readonly<Record<string, Difference>>;
  /** Since when a server did not answer. */
  readonly off: Readonly<Record<string, number>>;
  /** Servers where somebody is at work. */
  readonly busy: readonly string[];
  /** By the resource's key; outlives the process. */
  readonly attempts: Readonly<Record<string, Attempts>>;
  /** Keys of what was just put right, to be told when it is seen to be. */
  readonly healing: readonly string[];
  /** Why a role is left to people, by the role's key: told once. */
  readonly left: Readonly<Record<string, string>>;
  readonly sum: Sum;
}

export interface Sum {
  readonly looks: number;
  readonly drifts: number;
  readonly healed: number;
  readonly left: number;
  readonly off: number;
}

export const begin = (attempts: Memory["attempts"] = {}): Memory => ({
  ...{ differing: {}, off: {}, busy: [], attempts, healing: [], left: {} },
  sum: { looks: 0, drifts: 0, healed: 0, left: 0, off: 0 },
});

/** Healed as often as this, the same resource belongs to somebody who wants it otherwise. */
export const patience = 3;
/** Milliseconds for which a resource has to be right, so that what was healed before does not count any more. */
export const forgiveAfter = 3_600_000;

export const roleKey = ({ server, role }: Pick<Difference, "server" | "role">): string => `${server} ${role}`;
export const keyOf = (each: Difference): string => `${roleKey(each)} ${each.resource}`;

/** Something that was not known before this look: worth a second one. */
export const isNews = ({ differing, off }: Memory, { server, state, differences }: Look): boolean =>
  state === "off" ? !(server in off) : differences.some((each) => differing[keyOf(each)]?.what !== each.what);

export interface Judged {
  readonly memory: Memory;
  readonly events: readonly WatchEvent[];
}

/** Of servers that could not be looked at, what was known stays. */
export function judge(memory: Memory, looks: readonly Look[], now: number): Judged {
  const events = looks.flatMap((look) => eventsOf(memory, look, now));
  const seen = new Set(looks.filter(({ state }) => state === "seen").map(({ server }) => server));
  const here = looks.filter(({ state }) => state === "seen").flatMap(({ differences }) => differences);
  const servers = new Set(looks.map(({ server }) => server));
  const kept = Object.entries(memory.differing).filter(([, { server }]) => servers.has(server) && !seen.has(server));
  const differing = Object.fromEntries([...kept, ...here.map((each) => [keyOf(each), each] as const)]);
  const off = looks.filter(({ state }) => state === "off").map(({ server }) => [server, memory.off[server] ?? now] as const);
  const roles = new Set(Object.values(differing).map(roleKey));
  const count = (kind: WatchEvent["kind"]) => events.filter((each) => each.kind === kind).length;
  const { sum } = memory;
  return {
    events,
    memory: {
      differing,
      off: Object.fromEntries(off),
      busy: looks.filter(({ state }) => state === "busy").map(({ server }) => server),
      attempts: Object.fromEntries(
        Object.entries(memory.attempts).filter(([key, { last }]) => key in differing || now - last < forgiveAfter),
      ),
      healing: memory.healing.filter((key) => key in differing && !seen.has(differing[key]!.server)),
      left: Object.fromEntries(Object.entries(memory.left).filter(([key]) => roles.has(key))),
      sum: {
        ...sum,
        looks: sum.looks + 1,
        drifts: sum.drifts + count("drift"),
        healed: sum.healed + count("healed"),
        off: sum.off + count("off"),
      },
    },
  };
}

function eventsOf(memory: Memory, { server, state, why = "", differences }: Look, now: number): readonly WatchEvent[] {
  if (state === "busy") return memory.busy.includes(server) ? [] : [{ kind: "busy", server, what: why }];
  const since = memory.off[server];
  if (state === "off") return since === undefined ? [{ kind: "off", server, what: why }] : [];
  const back: readonly WatchEvent[] =
    since === undefined ? [] : [{ kind: "back", server, what: `answers again after ${lasted(now - since)}` }];
  const now_ = new Set(differences.map(keyOf));
  const gone = Object.entries(memory.differing).filter(([key, each]) => each.server === server && !now_.has(key));
  return [
    ...back,
    ...differences.filter((each) => memory.differing[keyOf(each)]?.what !== each.what).map((each) => ({ kind: "drift" as const, ...each })),
    ...gone.map(([key, each]): WatchEvent => {
      const healed = memory.healing.includes(key);
      return {
        kind: healed ? "healed" : "right",
        ...each,
        what: healed ? "is as it should be again, by an up" : "is as it should be again",
      };
    }),
  ];
}

export const lasted = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
};

export interface Healing extends Judged {
  /** The roles that an up is to put right. */
  readonly roles: readonly Pick<Difference, "server" | "role">[];
}

/**
 * Which roles are put right now. An up puts all of a role right, so where one of its resources is somebody else's by now the whole role
 * is left alone. `refused`: why an up would do more than put back what was there.
 */
export function heal(
  memory: Memory,
  looks: readonly Look[],
  refused: (role: Pick<Difference, "server" | "role">) => string | undefined,
  now: number,
): Healing {
  const seen = new Set(looks.filter(({ state }) => state === "seen").map(({ server }) => server));
  const byRole = Map.groupBy(
    Object.values(memory.differing).filter(({ server }) => seen.has(server)),
    roleKey,
  );
  const judged = [...byRole].map(([key, of]) => ({ key, of, why: whyLeft(memory.attempts, of) ?? refused(of[0]!) }));
  const open = judged.filter(({ why }) => why === undefined);
  const fresh = judged.filter(({ key, why }) => why !== undefined && memory.left[key] !== why);
  const keys = open.flatMap(({ of }) => of.map(keyOf));
  return {
    roles: open.map(({ of: [first] }) => ({ server: first!.server, role: first!.role })),
    events: fresh.map(({ of: [first], why }) => ({ kind: "left" as const, server: first!.server, role: first!.role, what: why! })),
    memory: {
      ...memory,
      healing: keys,
      left: Object.fromEntries(judged.flatMap(({ key, why }) => (why === undefined ? [] : [[key, why]]))),
      attempts: {
        ...memory.attempts,
        ...Object.fromEntries(keys.map((key) => [key, { count: (memory.attempts[key]?.count ?? 0) + 1, last: now }])),
      },
      sum: { ...memory.sum, left: memory.sum.left + fresh.length },
    },
  };
}

function whyLeft(attempts: Memory["attempts"], of: readonly Difference[]): string | undefined {
  const worn = of.find((each) => (attempts[keyOf(each)]?.count ?? 0) >= patience);
  if (!worn) return undefined;
  return `${worn.resource} came back ${patience} times after it was healed: somebody wants it otherwise; nothing of this role is healed until it was right for an hour`;
}

const words: Readonly<Record<WatchEvent["kind"], string>> = {
  ...{ drift: "differs", right: "right", off: "off", back: "back", busy: "busy", healed: "healed", left: "left alone", problem: "problem" },
};

/** `isu1 nginx file[/etc/nginx/nginx.conf]: differs: content` */
export const line = ({ kind, server, role, resource, what }: WatchEvent): string =>
  `${[server, role, resource].filter(Boolean).join(" ")}: ${words[kind]}: ${what}`;

export function sumLine({ looks, drifts, healed, left, off }: Sum, servers: number): string {
  const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
  return [
    `${count(looks, "look")} at ${count(servers, "server")}`,
    `${count(drifts, "difference")} told`,
    `${healed} healed`,
    ...(left > 0 ? [`${left} left to people`] : []),
    `${count(off, "time")} a server was off`,
  ].join(", ");
}
