// Whose account it is: an `up` with the profile of another team's, or of the company's, is refused before anything.
import { UserError } from "../../../spec/problem.ts";

/** The account of whoever runs this, by STS: every principal may ask. */
async function accountNow(region: string): Promise<string | undefined> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  return (await new STSClient({ region }).send(new GetCallerIdentityCommand({}))).Account;
}

/** Where the stack file names an account. @param now what it is; asked of AWS by default */
export async function refuseOtherAccount(
  { accountId, region }: { readonly accountId?: string | undefined; readonly region: string },
  now: (region: string) => Promise<string | undefined> = accountNow,
): Promise<void> {
  if (accountId === undefined) return;
  const account = await now(region);
  if (account !== accountId)
    throw new UserError(
      `target.accountId: expected to work in the account ${accountId}, got ${account}; next: another AWS_PROFILE, or the stack file of ${account}`,
    );
}
