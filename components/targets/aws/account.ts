// Whose account it is: an `up` with the profile of another team's, or of the company's, is refused before anything.
import { type Access, accountOf, clientOf } from "../../../provisioners/aws/access.ts";
import { UserError } from "../../../spec/problem.ts";

export interface Placed extends Access {
  readonly accountId?: string | undefined;
}

/** The account of whoever runs this, or of the role, by STS: every principal may ask. */
async function accountNow(access: Access): Promise<string | undefined> {
  const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
  return (await new STSClient(clientOf(access)).send(new GetCallerIdentityCommand({}))).Account;
}

/** The account that the stack file names, or that its role is in. */
export const accountWanted = ({ accountId, assumeRole }: Pick<Placed, "accountId" | "assumeRole">): string | undefined =>
  accountId ?? (assumeRole === undefined ? undefined : accountOf(assumeRole));

/** Where the stack file names an account or a role. @param now what it is; asked of AWS by default */
export async function refuseOtherAccount(target: Placed, now: (access: Access) => Promise<string | undefined> = accountNow): Promise<void> {
  const wanted = accountWanted(target);
  if (wanted === undefined) return;
  const account = await now(target);
  if (account !== wanted)
    throw new UserError(
      `target.accountId: expected to work in the account ${wanted}, got ${account}; next: another AWS_PROFILE, or the stack file of ${account}`,
    );
}
