// Lines of many servers in one terminal: each behind its server's name, in a colour of its own.
import { styleText } from "node:util";

const colours = [
  "cyan",
  "yellow",
  "magenta",
  "green",
  "blue",
  "cyanBright",
  "yellowBright",
  "magentaBright",
  "greenBright",
  "blueBright",
] as const;

/** `isu1 | `, padded so that all lines begin at one column; plain where `stream` is no terminal, or NO_COLOR is set. */
export function labels(servers: readonly string[], stream: NodeJS.WriteStream): (server: string) => string {
  const width = Math.max(...servers.map((name) => name.length));
  const colour = (server: string) => colours[Math.max(0, servers.indexOf(server)) % colours.length]!;
  return (server) => styleText(colour(server), `${server.padEnd(width)} |`, { stream, validateStream: true });
}
