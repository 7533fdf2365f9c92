// When a line was written, by what it says of it itself; and what people write for a time.

/** As `date +%z` says it: minutes. */
export function offsetIn(text: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(text.trim()) ?? [];
  return sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** ISO 8601 and its like, nginx' error log with slashes. Not within a longer number or word. */
const iso = /(?<![\w-])(20\d\d)[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?\d* ?(Z|[+-]\d\d:?\d\d)?/;
/** Common and combined log format. */
const common = /(?<!\w)(\d\d)\/([A-Z][a-z]{2})\/(20\d\d):(\d\d):(\d\d):(\d\d) ([+-]\d{4})/;
/** php-fpm's and PHP's, in brackets, and redis'. A zone by its name but UTC is the server's own. */
const written = /(?<![\w-])(\d\d)[- ]([A-Z][a-z]{2})[- ](20\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?: (UTC))?/;
/** A time is where a line begins, or shortly behind. */
const head = 400;

/** Milliseconds since 1970; undefined where the line says nothing. `offset`: minutes of the server's clock, where the line has none. */
export function timeIn(line: string, offset: number): number | undefined {
  const text = line.slice(0, head);
  const a = common.exec(text);
  const month = months.indexOf(a?.[2] ?? "");
  if (a && month >= 0) {
    return Date.UTC(Number(a[3]), month, Number(a[1]), Number(a[4]), Number(a[5]), Number(a[6])) - offsetIn(a[7]!) * 60_000;
  }
  const b = iso.exec(text);
  if (!b) return writtenIn(text, offset);
  const [, year, month2, day, hour, minute, second, fraction = "0", zone] = b;
  const utc = Date.UTC(Number(year), Number(month2) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const minutes = zone === undefined ? offset : zone === "Z" ? 0 : offsetIn(zone);
  return utc + Math.floor(Number(`0.${fraction}`) * 1000) - minutes * 60_000;
}

function writtenIn(text: string, offset: number): number | undefined {
  const [, day, name = "", year, hour, minute, second, fraction = "0", utc] = written.exec(text) ?? [];
  const month = months.indexOf(name);
  if (month < 0) return undefined;
  const there = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  return there + Math.floor(Number(`0.${fraction}`) * 1000) - (utc === undefined ? offset : 0) * 60_000;
}

const units: Readonly<Record<string, number>> = { s: 1, sec: 1, m: 60, min: 60, h: 3600, hour: 3600, d: 86_400, day: 86_400 };

/** Seconds since 1970, of `10m`, `2h ago`, `14:05`, `2026-11-29 14:05`, an ISO time; undefined for anything else. */
export function sinceIn(text: string, now = new Date()): number | undefined {
  const relative = /^(\d+) ?([a-z]+?)s?(?: ago)?$/.exec(text.trim());
  const unit = units[relative?.[2] ?? ""];
  if (relative && unit !== undefined) return now.getTime() / 1000 - Number(relative[1]) * unit;
  if (/^\d{1,2}:\d\d(:\d\d)?$/.test(text)) {
    const [hour = 0, minute = 0, second = 0] = text.split(":").map(Number);
    const today = new Date(now);
    today.setHours(hour, minute, second, 0);
    // A clock time is the last one: shortly after midnight, 23:50 was yesterday.
    return today.getTime() / 1000 - (today > now ? 86_400 : 0);
  }
  const time = /^20\d\d-\d\d-\d\d([T ]\d\d:\d\d|$)/.test(text)
    ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T"))
    : Number.NaN;
  return Number.isNaN(time) ? undefined : time / 1000;
}
