// Where what runs is not what its files say: a score that was reached so is lost at the next restart, and a file that was changed had no part in it.
import { HostError, type Shell } from "../../../provisioners/engine/shell.ts";
import { lookAt, type RetestFacts } from "../../retest/facts.ts";
import { fileDifferences } from "../../retest/rules/rules.ts";

export interface Apart {
  /** `mysql-settings`, `sysctl` … as `fleet retest` names them. */
  readonly of: string;
  readonly text: string;
  /** Shell text for the server's root shell. */
  readonly mend?: string;
}

/** Pure. */
export const apartIn = (facts: RetestFacts): readonly Apart[] =>
  fileDifferences.rules.flatMap(({ name, find }) =>
    find(facts).map(({ text, mend }) => ({ of: name, text, ...(mend !== undefined && { mend }) })),
  );

/** Looked at before logs are switched on, which are set at run time as well. A server that can't be asked has none: it is measured all the same. */
export async function apartOn(shell: Shell): Promise<readonly Apart[]> {
  try {
    return apartIn(await lookAt(shell, fileDifferences.sections));
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return [];
  }
}
