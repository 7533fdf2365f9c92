// Whose rights a call of AWS's API goes by: those of whoever runs this, or of a role that the stack file names, in an account of its own.
import { UserError } from "../../spec/problem.ts";

/** As the SDK takes them. */
interface AwsCredentialIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export interface AssumedRole {
  /** ARN of the role. @default the rights of whoever runs this */
  readonly assumeRole?: string | undefined;
  /** What the role's trust policy wants to hear. @default none */
  readonly externalId?: string | undefined;
}

export interface Access extends AssumedRole {
  readonly region: string;
}

/** In AWS's logs. */
export const sessionName = "contest-fleet";

/** `123456789012` of `arn:aws:iam::123456789012:role/fleet`. */
export const accountOf = (arn: string): string | undefined => /^arn:[^:]+:iam::(\d{12}):/.exec(arn)?.[1];

export const assumedOf = ({ assumeRole, externalId }: AssumedRole): AssumedRole => ({
  ...(assumeRole !== undefined && { assumeRole }),
  ...(externalId !== undefined && { externalId }),
});

const known = new Map<string, Promise<AwsCredentialIdentity>>();
/** Before they end, so that no call is cut off in between. */
const early = 5 * 60_000;

async function assume({ region, assumeRole = "", externalId }: Access): Promise<AwsCredentialIdentity> {
  const { AssumeRoleCommand, STSClient } = await import("@aws-sdk/client-sts");
  const asked = { RoleArn: assumeRole, RoleSessionName: sessionName, ...(externalId !== undefined && { ExternalId: externalId }) };
  try {
    const { Credentials } = await new STSClient({ region }).send(new AssumeRoleCommand(asked));
    const {
      AccessKeyId: accessKeyId = "",
      SecretAccessKey: secretAccessKey = "",
      SessionToken: sessionToken,
      Expiration,
    } = Credentials ?? {};
    return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), ...(Expiration && { expiration: Expiration }) };
  } catch (error) {
    const { name, message } = error as Error;
    throw new UserError(
      `target.assumeRole: expected to take the role ${assumeRole}, got ${name}: ${message}; next: its trust policy has to name who runs this ` +
        "(aws sts get-caller-identity), who needs sts:AssumeRole on it",
    );
  }
}

/** One question for a role, for all services and as long as it holds. */
async function credentialsOf(access: Access): Promise<AwsCredentialIdentity> {
  const key = JSON.stringify([access.assumeRole, access.externalId]);
  const there = await known.get(key)?.catch(() => undefined);
  if (there && (there.expiration === undefined || there.expiration.getTime() - Date.now() > early)) return there;
  const asked = assume(access);
  known.set(key, asked);
  return await asked;
}

/** What a client of the SDK is made with. */
export const clientOf = ({ region, ...assumed }: Access) => ({
  region,
  ...(assumed.assumeRole !== undefined && { credentials: () => credentialsOf({ region, ...assumed }) }),
});
