// What `systemd-escape --path` prints: the name of a path's unit, without its suffix.

export function unitPath(path: string): string {
  const hex = (char: string) => [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  return trimmed.replace(/[^A-Za-z0-9:_./]|^\./gu, hex).replaceAll("/", "-") || "-";
}

/** A mount unit's name: what whoever needs the mount must require. */
export const mountUnit = (mountPoint: string): string => `${unitPath(mountPoint)}.mount`;
