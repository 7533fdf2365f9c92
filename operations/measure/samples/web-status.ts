// What nginx and php-fpm say of themselves, once a second: asked by one bash that starts no program for it, through a server of nginx that the run
// brings and takes away.
import { quote } from "../../../provisioners/engine/shell-quote.ts";

/** A pool whose file says under which path it tells its status. */
export interface Pool {
  readonly name: string;
  /** As nginx's `fastcgi_pass` takes it. */
  readonly listen: string;
  readonly status: string;
}

/** Files of pools, as all distributions lay them. */
export const poolFiles = "/etc/php/*/fpm/pool.d/*.conf /etc/php-fpm.d/*.conf";

export interface Pools {
  readonly asked: readonly Pool[];
  /** Those that tell nothing. */
  readonly silent: readonly string[];
}

/** Pure. `[www]`, and its settings below; a value that nginx could take for more than a word is none of ours. */
export function poolsIn(text: string): Pools {
  const found = new Map<string, Map<string, string>>();
  let name = "";
  for (const line of text.split("\n").map((each) => each.trim())) {
    const section = /^\[([^\]]+)\]$/.exec(line)?.[1];
    if (section !== undefined) name = section;
    const [, key, value] = /^(listen|pm\.status_path)\s*=\s*"?([^\s;"]+)"?/.exec(line) ?? [];
    if (key === undefined || value === undefined || name === "global") continue;
    const own = found.get(name) ?? new Map<string, string>();
    found.set(name, own.set(key, value.replaceAll("$pool", name)));
  }
  const all = [...found].map(([pool, settings]) => ({ pool, listen: settings.get("listen"), status: settings.get("pm.status_path") }));
  const asked = all.flatMap(({ pool, listen, status }) =>
    listen !== undefined && status !== undefined && /^[\w./:-]+$/.test(listen) && /^\/[\w./-]*$/.test(status)
      ? [{ name: pool, status, listen: listen.startsWith("/") ? `unix:${listen}` : /^\d+$/.test(listen) ? `127.0.0.1:${listen}` : listen }]
      : [],
  );
  return { asked, silent: all.map(({ pool }) => pool).filter((pool) => !asked.some((each) => each.name === pool)) };
}

/** Where nobody listens is found on the server. */
export const portMark = "FLEET_PORT";

/** Says nothing to the team's logs; and `access_log off` would say that this file switches logs off. */
export const statusServer = (pools: readonly Pool[]): string => `server {
  listen 127.0.0.1:${portMark};
  server_name fleet-measure;
  access_log /dev/null;
  error_log /dev/null crit;
  location = /nginx { stub_status; }
${pools
  .map(
    ({ listen, status }, index) => `  location = /pool/${index} {
    fastcgi_pass ${listen};
    fastcgi_cache off;
    fastcgi_param REQUEST_METHOD GET;
    fastcgi_param QUERY_STRING "";
    fastcgi_param SERVER_PROTOCOL HTTP/1.0;
    fastcgi_param REQUEST_URI ${status};
    fastcgi_param SCRIPT_NAME ${status};
    fastcgi_param SCRIPT_FILENAME ${status};
  }
`,
  )
  .join("")}}
`;

/** Bash has connections of its own: no program is started for a question. Ends with its group. */
export const statusSampler = (pools: readonly Pool[], port: string): string => `ask() {
  exec 3<>"/dev/tcp/127.0.0.1/${port}" || return
  printf 'GET %s HTTP/1.0\\r\\nHost: fleet-measure\\r\\n\\r\\n' "$2" >&3
  while IFS= read -r -t 2 line <&3; do printf '%s\\t%s\\n' "$1" "\${line%$'\\r'}"; done
  exec 3>&-
} 2>/dev/null
while :; do
  printf '@ %s\\n' "\${EPOCHREALTIME:-$(date +%s)}"
  ask nginx /nginx
${pools.map(({ name }, index) => `  ask ${quote(`pool ${name}`)} /pool/${index}`).join("\n")}
  sleep 1
done
`;

export interface NginxSeries {
  readonly times: readonly number[];
  readonly active: readonly number[];
  readonly writing: readonly number[];
  readonly waiting: readonly number[];
  /** New connections a second, without our own. */
  readonly accepted: readonly number[];
}

export interface PoolSeries {
  readonly name: string;
  readonly times: readonly number[];
  readonly active: readonly number[];
  readonly idle: readonly number[];
  /** Requests that wait for a worker. */
  readonly queue: readonly number[];
  /** How often all workers were at work, over the run. */
  readonly full: number;
}

export interface WebStatus {
  readonly nginx?: NginxSeries;
  readonly pools: readonly PoolSeries[];
}

interface Moment {
  readonly time: number;
  readonly words: Map<string, Map<string, number>>;
}

const nginxWords = (text: string): readonly (readonly [string, number])[] => {
  const [, active] = /^Active connections: (\d+)/.exec(text) ?? [];
  const [, accepts] = /^ *(\d+) \d+ \d+ *$/.exec(text) ?? [];
  const [, , writing, waiting] = /^Reading: (\d+) Writing: (\d+) Waiting: (\d+)/.exec(text) ?? [];
  return Object.entries({ active, accepts, writing, waiting }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Number(value)] as const],
  );
};

const poolWords = (text: string): readonly (readonly [string, number])[] => {
  const [, name, value] = /^(active processes|idle processes|listen queue|max children reached): +(\d+)$/.exec(text) ?? [];
  return name === undefined ? [] : [[name, Number(value)]];
};

class Collected {
  readonly #moments: Moment[] = [];

  line(line: string): void {
    const at = /^@ (\d+[.,]?\d*)/.exec(line)?.[1];
    const last = this.#moments.at(-1);
    if (at !== undefined) this.#moments.push({ time: Number(at.replace(",", ".")), words: new Map() });
    else if (last) {
      const [of = "", text = ""] = line.split("\t");
      const own = last.words.get(of) ?? new Map<string, number>();
      for (const [name, value] of of === "nginx" ? nginxWords(text) : poolWords(text)) own.set(name, value);
      last.words.set(of, own);
    }
  }

  end(): WebStatus {
    const names = new Set(this.#moments.flatMap(({ words }) => [...words.keys()]));
    const pools = [...names].filter((name) => name.startsWith("pool ")).flatMap((name) => this.#pool(name) ?? []);
    const nginx = this.#nginx();
    return { pools, ...(nginx && { nginx }) };
  }

  #rows(of: string, needed: string): readonly { readonly time: number; readonly words: ReadonlyMap<string, number> }[] {
    return this.#moments.flatMap(({ time, words }) => {
      const own = words.get(of);
      return own?.has(needed) ? [{ time, words: own }] : [];
    });
  }

  #nginx(): NginxSeries | undefined {
    const rows = this.#rows("nginx", "active");
    if (rows.length < 2) return undefined;
    const later = rows.slice(1);
    const of = (name: string, own = 0) => later.map(({ words }) => Math.max(0, (words.get(name) ?? 0) - own));
    // One of them is the question's own: it is written to while it asks.
    return {
      times: later.map(({ time }) => time),
      ...{ active: of("active", 1), writing: of("writing", 1), waiting: of("waiting") },
      accepted: later.map(({ time, words }, index) => {
        const [was, is] = [rows[index]!.words.get("accepts") ?? 0, words.get("accepts") ?? 0];
        return Math.max(0, is - was - 1) / Math.max(0.001, time - rows[index]!.time);
      }),
    };
  }

  #pool(of: string): PoolSeries | undefined {
    const rows = this.#rows(of, "active processes");
    if (rows.length < 2) return undefined;
    const word = (name: string, own = 0) => rows.map(({ words }) => Math.max(0, (words.get(name) ?? 0) - own));
    const reached = word("max children reached");
    return {
      name: of.slice("pool ".length),
      times: rows.map(({ time }) => time),
      ...{ active: word("active processes", 1), idle: word("idle processes"), queue: word("listen queue") },
      full: Math.max(0, reached.at(-1)! - reached[0]!),
    };
  }
}

/** Takes lines, then says what they came to. */
export const webStatus = (): { line(line: string): void; end(): WebStatus } => new Collected();
