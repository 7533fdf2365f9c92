// The grammar of values that go into configuration files: what could end a directive or start another never gets in.
import { z } from "zod";
import { Address } from "../spec/scalars.ts";

/** A name of ours within a file: an upstream, a pool, a site. */
export const Label = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, "expected a letter, then letters, digits, `_` and `-`");
/** The name of a file that nginx includes whatever its ending: contests call theirs `isuride.conf`. */
export const FileLabel = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, "expected a letter, then letters, digits, `_`, `-` and `.`, such as `isuride.conf`");
/** A server: name or IPv4 address. IPv6 is left out, since each file brackets it in its own way. */
export const ServerAddress = Address.refine((address) => !address.includes(":"), { error: "expected a host name or an IPv4 address" });
/** A value that stands bare in nginx's files: no space, quote, brace, `;`, `#`, `$` or backslash. */
export const Bare = z.string().regex(/^[^\s;#{}"'`$\\\u0000-\u001f\u007f]+$/, "expected one word without quotes, braces, `;`, `#`, `$`");
/** A URL path as nginx compares it. */
export const UrlPath = z.string().regex(/^\/[A-Za-z0-9._~!&()*+,=:@%/-]*$/, "expected a URL path that starts with `/`");

/** A server's size, from its facts. */
export interface Machine {
  readonly memoryMiB: number;
  readonly cores: number;
  /** Whether other services live on the machine too (an application, a cache): they get their part of the memory. */
  readonly shared: boolean;
  /** The size of the disk that services keep their data on, where it is known. */
  readonly diskMiB?: number;
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** What a preset or a stack file says that can't be used as it stands. */
export interface Refusal {
  /** Where in the role's parameters: `settings.query_cache_size`. */
  readonly path: string;
  readonly reason: string;
}
