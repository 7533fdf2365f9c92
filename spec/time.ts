// A point in time in a stack file. Where one stands without quotes, Pulumi writes the file anew with Go's words for it.
import { z } from "zod";

const words = "expected a time such as `2026-12-01T09:00:00Z`";
const pattern = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})(?: (?:[A-Z]{3,5}|[+-]\d{2,4}))?$/;

/** ISO 8601 in UTC, to the second; undefined for a date that the calendar has not. */
function inUtc(text: string): string | undefined {
  const [, date = "", clock = "", zone = ""] = pattern.exec(text) ?? [];
  const time = new Date(`${date}T${clock}${zone.replace(/(\d{2}):?(\d{2})$/, "$1:$2")}`);
  // 30 February is 2 March to `Date`.
  const sound = !Number.isNaN(time.getTime()) && new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
  return sound ? time.toISOString().replace(/\.\d+Z$/, "Z") : undefined;
}

const orNever = `${words}, or \`never\``;
/** When something ends, or `never`. */
export const TimeOrNever = z
  .string({ error: orNever })
  .regex(new RegExp(`^never$|${pattern.source}`), { error: orNever, abort: true })
  .transform((text, context) => {
    const time = text === "never" ? text : inUtc(text);
    if (time === undefined) context.addIssue({ code: "custom", message: orNever, input: text });
    return time ?? z.NEVER;
  });

/** `2026-12-01T09:00:00Z`, with any offset, or as Pulumi writes it: `2026-12-01 09:00:00 +0000 UTC`. Becomes ISO 8601 in UTC. */
export const Time = z
  .string({ error: words })
  .regex(pattern, { error: words, abort: true })
  .transform((text, context) => {
    const time = inUtc(text);
    if (time === undefined) context.addIssue({ code: "custom", message: words, input: text });
    return time ?? z.NEVER;
  });
