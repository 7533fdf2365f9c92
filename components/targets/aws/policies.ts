// Who may do what, as policy documents. Pure, so that a test can read them: least privilege, no wildcard where AWS takes a name.

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A document as AWS takes it. */
export const document = (...statements: readonly Statement[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** Lets a service of AWS take the role. */
export const assumedBy = (service: string): string =>
  document({ Sid: "Assume", Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" });

/** The bucket's messages reach the queue, and only this bucket's, of this account. */
export const queueTakesFromBucket = (queueArn: string, bucketArn: string, account: string): string =>
  document({
    Sid: "FromBucket",
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: queueArn,
    Condition: { ArnEquals: { "aws:SourceArn": bucketArn }, StringEquals: { "aws:SourceAccount": account } },
  });

/** Nobody reads or writes a bucket in the clear. */
export const onlyOverTls = (bucketArn: string): string =>
  document({
    Sid: "OnlyOverTls",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });

/** The environment check of a contest, which runs on the servers, sees what is there; none of these actions takes a resource. */
export const checksEnvironment = (actions: readonly string[]): Statement => ({
  Sid: "CheckEnvironment",
  Effect: "Allow",
  Action: actions,
  Resource: "*",
});

/** A host of a pool reports to the lifecycle hooks of its own group. */
export const reportsToHook = (groupArn: string): Statement => ({
  Sid: "ReportToHook",
  Effect: "Allow",
  Action: ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
  Resource: groupArn,
});

/** The ARN of a group whose id AWS chooses: by region, account and name. */
export const groupArn = (region: string, account: string, name: string): string =>
  `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${name}`;

export const reads = (sid: string, arn: string): Statement => ({ Sid: sid, Effect: "Allow", Action: "s3:GetObject", Resource: arn });
export const writes = (sid: string, arn: string): Statement => ({ Sid: sid, Effect: "Allow", Action: "s3:PutObject", Resource: arn });

/** What a worker needs of its queue. */
export const consumes = (queueArn: string): Statement => ({
  Sid: "Consume",
  Effect: "Allow",
  Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
  Resource: queueArn,
});

/** The one server of a pool of one takes over the address and the volume of the one before it, found by their tag. */
export const takesOver = (region: string, account: string, pool: string): readonly Statement[] => {
  const ec2 = `arn:aws:ec2:${region}:${account}`;
  const ofPool = { StringEquals: { "aws:ResourceTag/pool": pool } };
  const kinds = ["instance", "volume", "elastic-ip", "network-interface"];
  const resources = kinds.map((kind) => `${ec2}:${kind}/*`);
  return [
    { Sid: "TakeOver", Effect: "Allow", Action: ["ec2:AssociateAddress", "ec2:AttachVolume"], Resource: resources, Condition: ofPool },
  ];
};

/** What the snapshot service does for volumes with the tag. AWS's own managed policy says the same, with more actions. */
export const snapshots = (): string =>
  document(
    {
      Sid: "Snapshots",
      Effect: "Allow",
      Action: [
        "ec2:CreateSnapshot",
        "ec2:CreateSnapshots",
        "ec2:DeleteSnapshot",
        "ec2:DescribeVolumes",
        "ec2:DescribeInstances",
        "ec2:DescribeSnapshots",
      ],
      Resource: "*",
    },
    { Sid: "SnapshotTags", Effect: "Allow", Action: "ec2:CreateTags", Resource: "arn:aws:ec2:*::snapshot/*" },
  );

/** Whose roles may never do more than a policy of the account's says, whatever stands in their own. */
export interface Bounded {
  /** ARN of that policy. @default none */
  readonly boundary?: string | undefined;
}

export const bounded = ({ boundary }: Bounded) => (boundary === undefined ? {} : { permissionsBoundary: boundary });
