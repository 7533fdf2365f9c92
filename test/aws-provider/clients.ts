// One client a service, in the region that the provider was configured with. Where they go says AWS_ENDPOINT_URL.
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DLMClient } from "@aws-sdk/client-dlm";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { RDSClient } from "@aws-sdk/client-rds";
import { S3Client } from "@aws-sdk/client-s3";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const address = process.env.AWS_ENDPOINT_URL;
// A test double must never be taken for the real thing, nor reach it.
if (address === undefined || !["127.0.0.1", "localhost"].includes(new URL(address).hostname))
  throw new Error(`AWS_ENDPOINT_URL: expected an emulator on loopback, got \`${address ?? ""}\``);

/** Set once, by Configure, before the first resource. */
export const settings: Settings = { region: process.env.AWS_REGION ?? "us-east-1", allowed: [] };

interface Settings {
  region: string;
  /** As the provider's `assumeRoles` and `allowedAccountIds`. */
  role?: { readonly roleArn: string; readonly externalId?: string; readonly sessionName?: string };
  allowed: readonly string[];
}

async function roleCredentials() {
  const { roleArn: RoleArn = "", externalId: ExternalId, sessionName: RoleSessionName = "pulumi" } = settings.role ?? {};
  const { Credentials } = await new STSClient({ region: settings.region }).send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName, ExternalId }),
  );
  const {
    AccessKeyId: accessKeyId = "",
    SecretAccessKey: secretAccessKey = "",
    SessionToken: sessionToken,
    Expiration,
  } = Credentials ?? {};
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), ...(Expiration && { expiration: Expiration }) };
}

/** As the real provider refuses it, before the first resource (conns/config.go). */
export const refuseAccount = lazily(async () => {
  if (settings.allowed.length === 0) return;
  const { Account = "" } = await sts().send(new GetCallerIdentityCommand({}));
  if (!settings.allowed.includes(Account)) throw new Error(`AWS account ID not allowed: ${Account}`);
});

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
const region = () => ({ region: settings.region, ...(settings.role && { credentials: roleCredentials }) });

export const autoscaling = lazily(() => new AutoScalingClient(region()));
export const cloudwatch = lazily(() => new CloudWatchClient(region()));
export const dlm = lazily(() => new DLMClient(region()));
export const ec2 = lazily(() => new EC2Client(region()));
export const elb = lazily(() => new ElasticLoadBalancingV2Client(region()));
export const logs = lazily(() => new CloudWatchLogsClient(region()));
export const iam = lazily(() => new IAMClient(region()));
export const rds = lazily(() => new RDSClient(region()));
export const s3 = lazily(() => new S3Client(region()));
export const sns = lazily(() => new SNSClient(region()));
export const sqs = lazily(() => new SQSClient(region()));
export const ssm = lazily(() => new SSMClient(region()));
export const sts = lazily(() => new STSClient(region()));
