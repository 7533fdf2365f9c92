// What queries that differ in their values have in common. The same text as pt-query-digest's, so that its ids are ours.
import { createHash } from "node:crypto";

/**
 * Comments, quoted text, words that are values, what begins like a number (in names too: `t_1` is `t_?`), and white space. A query is bytes here:
 * what looks like a space of Latin-1 may be half a letter.
 */
const pieces =
  /\/\*[^!][\s\S]*?\*\/|(?:--|#)[^'"\r\n]*(?=[\r\n]|$)|"[^"]*"|'[^']*'|\b(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])\b|[0-9+-][0-9a-f.xb+-]*|[ \n\t\r\f]+/g;

/** Of ASCII alone, for the same reason. */
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** `x'00'`, `-5`, `1.5`: what stands before a value belongs to it. */
const sign = /[xb.+-]\?/g;

const severalRows = /^((?:insert|replace)(?: ignore)?\s+into[\s\S]+?values\s*\([\s\S]*?\))\s*,\s*\(/i;
const list = /\b(in|values?)(?:[\s,]*\([\s?,]*\))+/g;
const union = /\b(select\s.*?)(?:(\sunion(?:\sall)?)\s\1)+/g;
/** Of a statement that was cut off within it. */
const openList = /\b(in|values?)(?:[\s,]*\([\s?,]*\))*[\s,]*\([\s?,]*$/;

function blanked(piece: string): string {
  if (piece.startsWith("/*") || piece.startsWith("--") || piece.startsWith("#")) return "";
  return /^[ \n\t\r\f]/.test(piece) ? " " : "?";
}

/** Of statements that the server makes of its protocol, or of tools whose queries nobody looks at one by one. */
function known(query: string): string | undefined {
  if (query.startsWith("SELECT /*!40001 SQL_NO_CACHE */ * FROM `")) return "mysqldump";
  if (query.startsWith("administrator command: ")) return query;
  const call = /^\s*(call\s+\S+)\(/i.exec(query)?.[1];
  return call === undefined ? undefined : lower(call);
}

export function fingerprint(query: string): string {
  const whole = known(query);
  if (whole !== undefined) return whole;
  if (/^use \S+$/i.test(query)) return "use ?";
  const first = severalRows.exec(query)?.[1] ?? query;
  const values = first
    .replace(/\n$/, "")
    .replace(/\\["']/g, "")
    .replace(pieces, blanked)
    .replace(sign, "?")
    .replace(/ {2,}/g, " ")
    .replace(/^ +/, "");
  const plain = lower(values)
    .replace(/\bnull\b/g, "?")
    .replace(list, "$1(?+)")
    .replace(openList, "$1(?+)")
    .replace(union, "$1 /*repeat$2*/")
    .replace(/\blimit \?(?:, ?\?| offset \?)?/, "limit ?");
  const order = plain.search(/\border by /);
  return order < 0 ? plain : plain.slice(0, order) + plain.slice(order).replace(/(\S)\s+asc\b/g, "$1");
}

/** As pt-query-digest shows it: `0x` and 32 digits. */
export const queryId = (print: string): string => `0x${createHash("md5").update(print, "latin1").digest("hex").toUpperCase()}`;
