// How a value is written inside quotes, by the language of the file. The quotes stand in the template; what they hold comes through here.
// A late value's mark (provisioners/engine/placeholders.ts) takes the name along, so that the value is escaped likewise when it is put in its place.

function whole(text: string): string {
  if (text.includes("\0")) throw new TypeError("a quoted value must not contain NUL");
  return text;
}

const backslashed = (name: string, special: RegExp) => (text: string) =>
  whole(text)
    .replace(special, String.raw`\$&`)
    .replace(/\u27e6([a-z-]+):/g, `\u27e6$1|${name}:`);

export const escapes = {
  /** Double quotes of a systemd environment file, and of POSIX sh: `"`, `\`, backquote and `$`; line breaks stay. */
  env: backslashed("env", /["\\`$]/g),
  /** Single quotes of PHP: only the quote and the backslash mean anything there. */
  php: backslashed("php", /['\\]/g),
  /** Double quotes of redis.conf. Its line ends at a line break, so none may be in it. */
  redis: backslashed("redis", /["\\]/g),
} as const;
export type EscapeName = keyof typeof escapes;
