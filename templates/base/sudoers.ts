// /etc/sudoers.d/zz-fleet: who may become root. Land it through `visudo -cf`, mode 0440.
import { conf, ownedBy } from "../conf.ts";

export interface Sudoer {
  /** A user name; `%name` is a group. */
  readonly who: string;
  /** Whether no password is asked for. @default true */
  readonly noPassword?: boolean;
}

export const sudoers = (people: readonly Sudoer[]): string => conf`
  # ${ownedBy("base", "templates/base/sudoers.ts")}
  ${people.map(({ who, noPassword = true }) => `${who} ALL=(ALL:ALL) ${noPassword ? "NOPASSWD: " : ""}ALL`)}
`;
