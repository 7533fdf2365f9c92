// Takes secrets out of text that is about to be shown or kept, in the forms in which they tend to get into it.
import { quote } from "../engine/shell-quote.ts";

/**
 * A function that puts `[secret]` in the place of each secret and of its base64, URL-encoded, shell-quoted and JSON-escaped
 * forms. Each line of a secret with several lines (a private key) counts too. Secrets shorter than 4 characters are left
 * alone: they would match all over ordinary text, and the holes would tell more than they hide.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(secrets.flatMap((secret) => [secret, ...secret.split("\n").map((line) => line.trim())]).flatMap(formsOf));
  if (forms.size === 0) return (text) => text;
  // The longest first: a quoted form holds the plain one.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(sorted.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  return (text) => text.replace(pattern, "[secret]");
}

function formsOf(secret: string): string[] {
  if (secret.length < 4) return [];
  const quoted = secret.includes("\0") ? [] : [quote(secret)];
  const url = encodeURIComponent(secret.toWellFormed());
  return [secret, ...base64Forms(secret), url, url.replaceAll("%20", "+"), ...quoted, JSON.stringify(secret).slice(1, -1)];
}

/** base64 of the secret at each of the three places where it can stand in a longer text, less the characters its neighbours change. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const whole = bytes.length - (bytes.length % 3);
    const core = bytes
      .subarray(0, whole)
      .toString("base64")
      .slice(offset === 0 ? 0 : 4);
    const tail = offset === 0 ? [bytes.toString("base64"), bytes.toString("base64url")] : [];
    return [...tail, ...(core.length >= 8 ? [core, core.replaceAll("+", "-").replaceAll("/", "_")] : [])];
  });
}
