// Accounts elsewhere that a run needs: where the state is, AWS, and where the members' keys come from.
import type { FleetPlan } from "../../provisioners/expand.ts";
import { historyStore } from "../history/store.ts";
import { type Finding, findingsOf } from "./finding.ts";

const { ok, warning, failure } = findingsOf("accounts");

/** Milliseconds for one question. */
const patience = 8_000;

export interface Questions {
  /** Of a target that has an account: throws where it is another one, or nobody may ask. */
  readonly admit?: () => Promise<void>;
  readonly fetch: (url: string, options: RequestInit) => Promise<Response>;
}

/** @param plan undefined where the stack file has a problem: then there is nobody to ask */
export async function accountFindings(
  stack: string,
  plan: FleetPlan | undefined,
  { admit, fetch }: Questions,
): Promise<readonly Finding[]> {
  return await Promise.all([
    backend(stack),
    ...(admit ? [account(admit)] : []),
    ...(plan && plan.people.length > 0 ? [keys(plan, fetch)] : []),
  ]);
}

async function backend(stack: string): Promise<Finding> {
  try {
    const store = await historyStore();
    await within(store.list(stack, 1));
    return store.alone === undefined ? ok("backend", `answers: ${store.place}`) : warning("backend", store.alone);
  } catch (error) {
    return failure("backend", `expected an answer, got ${(error as Error).message}`, { mend: `echo "$PULUMI_BACKEND_URL"` });
  }
}

async function account(admit: () => Promise<void>): Promise<Finding> {
  try {
    await within(admit());
    return ok("account", "the one that the stack file names, or any");
  } catch (error) {
    return failure("account", (error as Error).message.split("\n")[0] ?? "", { advice: "aws sso login, or export AWS_PROFILE=…" });
  }
}

/** Keys that the state has stay on the servers; a new member's would be missing. */
async function keys({ spec: { keyUrl }, people }: FleetPlan, fetch: Questions["fetch"]): Promise<Finding> {
  const asked = await Promise.all(
    people.map(async ({ github }) => {
      if (github === undefined) return [];
      const url = keyUrl.replaceAll("{user}", encodeURIComponent(github));
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(patience) });
        return answer.ok ? [] : [`${github}: ${answer.status}`];
      } catch (error) {
        return [`${github}: ${(error as Error).message}`];
      }
    }),
  );
  const wrong = asked.flat();
  return wrong.length === 0
    ? ok("members", "their keys can be fetched")
    : warning("members", `no keys from where they come from: ${wrong.join(", ")}; the state's stay`, { mend: `curl -f ${keyUrl}` });
}

function within<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience).unref(),
  );
  return Promise.race([work, late]);
}
