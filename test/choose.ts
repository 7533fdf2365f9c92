// `npm test -- nginx`: the test files that concern a word, by their names or by what they speak of.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Whether a file is named after one of the words, or has one as a word of its text. */
export function concerns(file: string, text: string, words: readonly string[]): boolean {
  return words.some((word) => basename(file).includes(word) || new RegExp(`(?<![\\w-])${escaped(word)}(?![\\w])`, "i").test(text));
}

/** Of a folder of tests, by their paths from `root`. */
export function chosenFiles(root: string, folder: string, words: readonly string[]): readonly string[] {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith(".test.ts"));
  const paths = files.map((name) => join(folder, name));
  return paths.filter((path) => concerns(path, readFileSync(join(root, path), "utf8"), words)).sort();
}
