// Who may come in: a page in a browser is asked for by whatever that browser shows, so the name that was asked for, who asks, and the token count.
// Pure.
import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv6 } from "node:net";

/** A request, as far as it decides. */
export interface Knock {
  readonly method: string;
  /** As it came: path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface House {
  readonly token: string;
  /** Host names and addresses by which the page is asked for; the port may be another one's, that of a tunnel. */
  readonly names: readonly string[];
  /** Of its cookie: two pages of one computer have one each. */
  readonly cookie: string;
}

export type Room = "page" | "events" | "script" | "style";
export type Verdict =
  | { readonly room: Room }
  /** The token was right: kept as a cookie, and gone from the address. */
  | { readonly enter: true }
  | { readonly status: 401 | 403 | 404 | 405 | 421; readonly why: string };

const rooms: Readonly<Record<string, Room>> = { "/": "page", "/events": "events", "/page.js": "script", "/page.css": "style" };

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const same = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/** `[::1]:4180` and `localhost:4180` without their port. */
export const nameIn = (host: string): string => host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
export const bracketed = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

function cookieIn(header: string, name: string): string | undefined {
  const found = header.split(/;\s*/).find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

export function judge({ method, url, headers }: Knock, { token, names, cookie }: House): Verdict {
  const text = (name: string): string => (typeof headers[name] === "string" ? headers[name] : "");
  const host = text("host");
  // A stranger's name that was made to point here (DNS rebinding) is the stranger's page.
  if (!names.map((name) => name.toLowerCase()).includes(nameIn(host)))
    return { status: 421, why: "expected the name that fleet page said, got another one" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, why: "expected GET: nothing is changed by this page" };
  const origin = text("origin");
  if (origin !== "" && origin !== `http://${host}`) return { status: 403, why: "expected a request of this page, got another page's" };
  if (!URL.canParse(url, "http://page")) return { status: 404, why: "expected the page, got another path" };
  const { pathname, searchParams } = new URL(url, "http://page");
  const site = text("sec-fetch-site");
  // A link in a chat leads to the page itself; what it loads, it alone may ask for.
  const follows = pathname === "/" && ["", "navigate"].includes(text("sec-fetch-mode"));
  if (!["", "none", "same-origin"].includes(site) && !follows)
    return { status: 403, why: "expected a request of this page, got another page's" };
  const given = searchParams.get("token");
  if (pathname === "/" && given !== null)
    return same(given, token) ? { enter: true } : { status: 401, why: "expected the token that fleet page said, got another one" };
  const kept = cookieIn(text("cookie"), cookie);
  if (kept === undefined || !same(kept, token)) return { status: 401, why: "expected the whole link that fleet page said, with its token" };
  const room = rooms[pathname];
  return room ? { room } : { status: 404, why: "expected the page, got another path" };
}
