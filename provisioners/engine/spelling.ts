// Pulumi's engine puts `[secret]` for each of its configuration's secrets, wherever the word stands in what is said. A password that is spelled
// like its user's name takes every path along, and is told by the holes. Such a word is spelled with a joiner in it, which nobody sees.

const joiner = "\u2060";

/** A function that spells these words so that they can be read. */
export function speller(words: readonly string[]): (text: string) => string {
  const all = [...new Set(words)].filter((word) => word.length > 1);
  return (text) => all.reduce((spelled, word) => spelled.replaceAll(word, `${word[0]}${joiner}${word.slice(1)}`), text);
}

/** The names in a value that stands open: itself, and of a path or an address its parts (`/home/isucon/webapp`, `ssh://isucon@…`). */
export const namesIn = (value: string): readonly string[] =>
  /^(?:\/|[a-z][a-z+]*:\/\/)\S*$/.test(value) ? [value, ...value.split(/[/:@]+/).filter(Boolean)] : [value];

/** As it was meant, for whoever compares it or hands it on. */
export const unspelled = (text: string): string => text.replaceAll(joiner, "");
