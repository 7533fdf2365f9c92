// Who is at work, as locks, reports and the history name them.
import { hostname, userInfo } from "node:os";

/** `ada@laptop` */
export function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a number that has no name.
    return `${process.env.USER ?? "somebody"}@${hostname()}`;
  }
}
