// `--timeout 30`: whole seconds or parts of them, as milliseconds.
import { InvalidArgumentError } from "commander";

const longest = 2_000_000;

export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > longest) throw new InvalidArgumentError(`expected seconds above 0 and up to ${longest}`);
  return value * 1000;
}
