// Figures as people read them.

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}

/** `12 µs`, `340 ms`, `1.25 s`, `95 s`. */
export function seconds(value: number): string {
  if (value === 0) return "0 s";
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${(value * 1000).toPrecision(value < 0.01 ? 2 : 3)} ms`;
  return value < 100 ? `${value.toPrecision(3)} s` : `${Math.round(value)} s`;
}

/** Beside an axis: `20 MB/s` takes no more room than it must. */
export const short = (text: string): string => text.replace(/(\d)\.0+(?=\s|$)/, "$1");

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;

/** Of seconds of the epoch: `2026-11-29 22:55`, in UTC. */
export const minute = (time: number): string => new Date(time * 1000).toISOString().replace("T", " ").slice(0, 16);

/** Of a drawing: more digits than a screen shows are weight alone. */
export const tidy = (value: number): number => Math.round(value * 10) / 10;

/** `12,345` */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");

/** No longer than `width`: what is cut is its middle, since both ends tell pages apart. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 1) * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** `200 304 404` by their hundreds: `2xx 1,203  3xx 12`. */
export function byHundreds(statuses: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [status, count] of Object.entries(statuses)) found[`${status[0]}xx`] = (found[`${status[0]}xx`] ?? 0) + count;
  return found;
}
