// The rights that the fleet needs on AWS, for one region, account and beginning of names: policies as data. iam/*.json are these for a sample.
export interface Scope {
  readonly region: string;
  /** Twelve digits; `*` where it is not known. */
  readonly account: string;
  /** What all names begin with: `team-a-aws-` for one team, `*-aws-` for all that the fleet makes. */
  readonly prefix: string;
  /** Bucket of the state backend. @default the state is elsewhere */
  readonly state?: string | undefined;
  /** Servers in the account's default network, which carries no tag. @default false */
  readonly defaultNetwork?: boolean | undefined;
  /** SSM parameters of the account's own that name images. @default none */
  readonly images?: readonly string[] | undefined;
  /** Zones of Route 53 in which balancers get their names, by id. @default none */
  readonly zones?: readonly string[] | undefined;
  /** A policy that bounds every role that an operator makes, by its ARN. @default none */
  readonly boundary?: string | undefined;
}

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Condition;
}
export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

/** Who works on fleets. */
export const workers = ["look", "operator", "teardown"] as const;
export type Worker = (typeof workers)[number];
/** And who makes the place for their state, once. */
export const personas = [...workers, "backend"] as const;
export type Persona = (typeof personas)[number];

const project = "contest-fleet";
const tagged = { "aws:ResourceTag/project": project };
const born = { "aws:RequestTag/project": project };

const allow = (Sid: string, Action: string, Resource: string | readonly string[], Condition?: Condition): Statement => {
  const [first = "", ...more] = Action.split(" ");
  return { Sid, Effect: "Allow", Action: more.length > 0 ? [first, ...more] : first, Resource, ...(Condition && { Condition }) };
};

/** `ec2:A ec2:B` of `A B`. */
const of = (service: string, names: string): string =>
  names
    .split(" ")
    .map((name) => `${service}:${name}`)
    .join(" ");

/** ARNs and conditions of a scope. */
function wordsOf({ region, account, prefix }: Scope) {
  const here = { "aws:RequestedRegion": region };
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const ec2 = (kinds: string) => kinds.split(" ").map((kind) => arn("ec2", `${kind}/*`));
  const mine = { "aws:ResourceAccount": account === "*" ? "${aws:PrincipalAccount}" : account };
  return { here, arn, ec2, mine, bucket: `arn:aws:s3:::${prefix}*`, role: `arn:aws:iam::${account}:role/${prefix}*` };
}

const look = (scope: Scope): readonly Statement[] => {
  const { here, mine, bucket } = wordsOf(scope);
  const images = ["/aws/service/*", ...(scope.images ?? [])];
  return [
    allow(
      "Look",
      "autoscaling:Describe* cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource dlm:GetLifecyclePolic* dlm:ListTagsForResource " +
        "ec2:Describe* elasticloadbalancing:Describe* logs:DescribeLogGroups logs:ListTagsForResource rds:Describe* rds:ListTagsForResource " +
        "servicequotas:GetServiceQuota servicequotas:ListServiceQuotas sns:List* sqs:List* " +
        "sns:GetTopicAttributes sns:GetSubscriptionAttributes sqs:GetQueueAttributes sqs:GetQueueUrl",
      "*",
      { StringEquals: here },
    ),
    allow("Budgets", of("budgets", "ViewBudget ListTagsForResource"), ownArns(scope).budgets),
    allow(
      "LookAtWhatHasNoRegion",
      "iam:GetInstanceProfile iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListInstanceProfilesForRole " +
        "iam:ListInstanceProfiles iam:ListInstanceProfileTags iam:ListRolePolicies iam:ListRoles iam:ListRoleTags " +
        "s3:GetBucket* s3:GetEncryptionConfiguration s3:GetAccelerateConfiguration s3:GetLifecycleConfiguration " +
        "route53:GetChange route53:GetHostedZone route53:ListHostedZones* route53:ListResourceRecordSets route53:ListTagsForResource " +
        "s3:GetReplicationConfiguration s3:ListAllMyBuckets s3:ListBucket s3:ListTagsForResource sts:GetCallerIdentity",
      "*",
    ),
    // A look at an object asks for the object's right.
    allow("BootScripts", of("s3", "GetObject GetObjectTagging"), `${bucket}/*.sh`, { StringEquals: mine }),
    allow(
      "Images",
      of("ssm", "GetParameter GetParameters"),
      images.map((name) => `arn:aws:ssm:${scope.region}:${name.startsWith("/aws/") ? "" : scope.account}:parameter${name}`),
    ),
    ...stateOf(scope, "GetObject"),
  ];
};

function stateOf({ state }: Scope, names: string): readonly Statement[] {
  if (state === undefined) return [];
  return [
    allow("StateList", of("s3", "ListBucket GetBucketLocation"), `arn:aws:s3:::${state}`),
    // Pulumi's own, and the history beside it.
    allow(
      "State",
      of("s3", names),
      [".pulumi", ".fleet-history"].map((folder) => `arn:aws:s3:::${state}/${folder}/*`),
    ),
  ];
}

/** `fleet backend init` and `show`: the bucket of the state and its settings, but nothing of what is in it but who holds a lock. */
const backend = ({ region, account, state = `*fleet-state-${account}-${region}` }: Scope): readonly Statement[] => [
  allow(
    "StateBucket",
    of(
      "s3",
      "CreateBucket GetBucketLocation GetBucketOwnershipControls GetBucketPolicy GetBucketPublicAccessBlock GetBucketVersioning " +
        "GetEncryptionConfiguration GetLifecycleConfiguration ListBucket PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock " +
        "PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration",
    ),
    `arn:aws:s3:::${state}`,
  ),
  allow("StateLocks", "s3:GetObject", `arn:aws:s3:::${state}/.pulumi/locks/*`),
  allow("WhoAsks", "sts:GetCallerIdentity", "*"),
];

const changesState = "GetObject PutObject DeleteObject";

/** Networks and servers. */
const operator = (scope: Scope): readonly Statement[] => {
  const { here, ec2, arn } = wordsOf(scope);
  const both = (own: Readonly<Record<string, string>>): Condition => ({ StringEquals: { ...here, ...own } });
  const makers = "AllocateAddress CreateInternetGateway CreateLaunchTemplate CreatePlacementGroup CreateVolume CreateVpc";
  const within = "RunInstances CreateSecurityGroup CreateSubnet";
  return [
    allow("MakeTagged", of("ec2", makers), ec2("elastic-ip internet-gateway launch-template placement-group volume vpc"), both(born)),
    allow("MakeWithin", of("ec2", within), ec2("instance security-group subnet"), both(born)),
    allow("OnOwn", of("ec2", within), ec2("subnet security-group vpc launch-template placement-group"), both(tagged)),
    // Pulumi's provider sends tags for the instance alone: its disk and its interface get theirs a moment later.
    allow("RunWith", "ec2:RunInstances", ec2("volume network-interface spot-instances-request"), { StringEquals: here }),
    allow(
      "RunFrom",
      "ec2:RunInstances",
      ["image", "snapshot"].map((kind) => `arn:aws:ec2:${scope.region}::${kind}/*`),
    ),
    ...(scope.defaultNetwork
      ? [
          allow("DefaultNetwork", of("ec2", "RunInstances CreateSecurityGroup"), ec2("subnet vpc"), {
            StringEquals: here,
            Null: { "aws:ResourceTag/project": "true" },
          }),
        ]
      : []),
    allow("TagAtBirth", "ec2:CreateTags", arn("ec2", "*/*"), {
      StringEquals: { "ec2:CreateAction": [...makers.split(" "), ...within.split(" ")] },
    }),
    // What a network or an instance brings with it has no tag yet. What has another project is out of reach.
    allow("TagWhatCame", "ec2:CreateTags", ec2("network-acl network-interface route-table security-group volume"), {
      StringEquals: here,
      StringEqualsIfExists: { ...born, ...tagged },
    }),
    allow(
      "AdoptDefaults",
      of(
        "ec2",
        "CreateNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclEntry CreateRoute DeleteRoute ReplaceRoute RevokeSecurityGroup*",
      ),
      ec2("network-acl route-table security-group"),
      { StringEquals: here, StringEqualsIfExists: tagged },
    ),
    allow(
      "ChangeOwn",
      of(
        "ec2",
        "AssociateAddress AssociateIamInstanceProfile AttachInternetGateway AttachVolume AuthorizeSecurityGroup* " +
          "CreateLaunchTemplateVersion CreateTags DeleteTags DisassociateAddress DisassociateIamInstanceProfile ModifyInstance* " +
          "ModifyLaunchTemplate ModifySecurityGroupRules ModifySubnetAttribute ModifyVolume ModifyVpcAttribute MonitorInstances " +
          "RebootInstances ReplaceIamInstanceProfileAssociation StartInstances StopInstances UnmonitorInstances " +
          "UpdateSecurityGroupRuleDescriptions*",
      ),
      "*",
      both(tagged),
    ),
    allow("ServiceRoles", "iam:CreateServiceLinkedRole", "arn:aws:iam::*:role/aws-service-role/*", {
      // Alarms that reboot or recover a server act through the one of events.
      StringEquals: {
        "iam:AWSServiceName": ["autoscaling", "rds", "spot", "events", "elasticloadbalancing"].map((name) => `${name}.amazonaws.com`),
      },
    }),
    ...stateOf(scope, changesState),
  ];
};

/** Names of the fleet's own: nobody else's thing can be taken over by a tag. */
const ownArns = (scope: Scope) => {
  const { arn } = wordsOf(scope);
  const { prefix, region, account } = scope;
  return {
    autoscaling: [`arn:aws:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${prefix}*`],
    cloudwatch: [arn("cloudwatch", `alarm:${prefix}*`)],
    logs: [arn("logs", `log-group:/aws/rds/instance/${prefix}*`)],
    budgets: `arn:aws:budgets::${account}:budget/${prefix}*`,
    rds: ["db", "pg", "subgrp", "snapshot"].map((kind) => arn("rds", `${kind}:${prefix}*`)),
    messages: [arn("sns", `${prefix}*`), arn("sqs", `${prefix}*`)],
  };
};

/** Pools, queues, databases, buckets, roles. */
const operatorWork = (scope: Scope): readonly Statement[] => {
  const { here, arn, bucket, mine, role } = wordsOf(scope);
  const names = ownArns(scope);
  const profile = role.replace(":role/", ":instance-profile/");
  const bounded: Condition = scope.boundary === undefined ? {} : { StringEquals: { "iam:PermissionsBoundary": scope.boundary } };
  return [
    allow(
      "Pools",
      of(
        "autoscaling",
        "AttachLoadBalancerTargetGroups DetachLoadBalancerTargetGroups CreateAutoScalingGroup CreateOrUpdateTags DeleteTags DeletePolicy DeleteScheduledAction DeleteLifecycleHook PutLifecycleHook " +
          "DisableMetricsCollection EnableMetricsCollection PutNotificationConfiguration DeleteNotificationConfiguration " +
          "PutScalingPolicy PutScheduledUpdateGroupAction StartInstanceRefresh CancelInstanceRefresh RollbackInstanceRefresh " +
          "ResumeProcesses SuspendProcesses SetDesiredCapacity UpdateAutoScalingGroup",
      ),
      names.autoscaling,
    ),
    allow("Alarms", of("cloudwatch", "PutMetricAlarm TagResource UntagResource"), names.cloudwatch),
    allow("Logs", of("logs", "CreateLogGroup PutRetentionPolicy TagResource UntagResource"), names.logs),
    allow(
      "Messages",
      `${of("sns", "CreateTopic SetTopicAttributes Subscribe TagResource UntagResource")} ${of("sqs", "CreateQueue SetQueueAttributes TagQueue UntagQueue")}`,
      names.messages,
    ),
    allow(
      "Databases",
      of(
        "rds",
        "AddTagsToResource CreateDBInstance CreateDBParameterGroup CreateDBSubnetGroup ModifyDB* RemoveTagsFromResource ResetDBParameterGroup StartDBInstance StopDBInstance",
      ),
      names.rds,
    ),
    allow("DatabaseDefaults", "rds:CreateDBInstance", [arn("rds", "og:default*"), arn("rds", "pg:default*")]),
    // Where AWS makes a database's password.
    allow("DatabasePasswords", of("secretsmanager", "CreateSecret TagResource"), arn("secretsmanager", "secret:rds!*")),
    allow("Keys", "kms:DescribeKey", arn("kms", "key/*")),
    allow("Snapshots", of("dlm", "CreateLifecyclePolicy TagResource"), "*", {
      StringEquals: { ...here, ...born },
      StringEqualsIfExists: tagged,
    }),
    allow("SnapshotsChange", of("dlm", "UpdateLifecyclePolicy UntagResource"), "*", { StringEquals: { ...here, ...tagged } }),
    allow("Roles", of("iam", "CreateRole PutRolePermissionsBoundary PutRolePolicy"), role, bounded.StringEquals && bounded),
    // Who is bound may not let a role out of its bound.
    ...(scope.boundary === undefined ? [allow("RolesUnbound", "iam:DeleteRolePermissionsBoundary", role)] : []),
    allow(
      "RolesChange",
      of(
        "iam",
        "AddRoleToInstanceProfile CreateInstanceProfile RemoveRoleFromInstanceProfile TagInstanceProfile TagRole UntagInstanceProfile " +
          "UntagRole UpdateAssumeRolePolicy",
      ),
      [role, profile],
    ),
    allow("PassRoles", "iam:PassRole", role, {
      StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "dlm.amazonaws.com"] },
    }),
    // One that somebody else has made for servers (`instanceProfile`), and tagged for it: the operator can't.
    allow("PassGivenRoles", "iam:PassRole", `arn:aws:iam::${scope.account}:role/*`, {
      StringEquals: { ...tagged, "iam:PassedToService": "ec2.amazonaws.com" },
    }),
    allow(
      "Buckets",
      of("s3", "CreateBucket PutBucket* PutEncryptionConfiguration PutLifecycleConfiguration TagResource UntagResource"),
      bucket,
      { StringEquals: mine },
    ),
    allow("BootScripts", of("s3", "GetObject GetObjectTagging PutObject PutObjectTagging"), `${bucket}/*.sh`, { StringEquals: mine }),
  ];
};

/** Balancers, which have names of their own making: theirs by tag. */
const operatorFront = (scope: Scope): readonly Statement[] => {
  const { here, arn } = wordsOf(scope);
  const elb = (kinds: string) => kinds.split(" ").map((kind) => arn("elasticloadbalancing", `${kind}/*`));
  const whole = elb("loadbalancer targetgroup listener");
  const makers = "CreateLoadBalancer CreateTargetGroup CreateListener";
  return [
    allow("MakeFront", of("elasticloadbalancing", "CreateLoadBalancer CreateTargetGroup"), elb("loadbalancer targetgroup"), {
      StringEquals: { ...here, ...born },
    }),
    allow("MakeListeners", "elasticloadbalancing:CreateListener", elb("loadbalancer"), { StringEquals: { ...here, ...born, ...tagged } }),
    allow("TagFrontAtBirth", "elasticloadbalancing:AddTags", whole, {
      StringEquals: { "elasticloadbalancing:CreateAction": makers.split(" ") },
    }),
    allow(
      "ChangeFront",
      of(
        "elasticloadbalancing",
        "AddTags RemoveTags ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyTargetGroup ModifyTargetGroupAttributes " +
          "RegisterTargets DeregisterTargets SetSecurityGroups SetSubnets",
      ),
      whole,
      { StringEquals: { ...here, ...tagged } },
    ),
    ...namesIn(scope),
    ...doorsIn(scope),
    ...imagesOf(scope),
    allow("Budgets", of("budgets", "ModifyBudget TagResource UntagResource"), ownArns(scope).budgets),
  ];
};

/** `fleet image bake`: images of the fleet's own servers, tagged as its own. Images and snapshots have no account in their names. */
function imagesOf(scope: Scope): readonly Statement[] {
  const { here, ec2 } = wordsOf(scope);
  const made = ["image", "snapshot"].map((kind) => `arn:aws:ec2:${scope.region}::${kind}/*`);
  return [
    allow("BakeImages", "ec2:CreateImage", made, { StringEquals: { ...here, ...born } }),
    allow("BakeOwnServers", "ec2:CreateImage", ec2("instance"), { StringEquals: { ...here, ...tagged } }),
    allow("TagImages", "ec2:CreateTags", made, { StringEquals: { "ec2:CreateAction": "CreateImage" } }),
  ];
}

/** SSH without an open port (`door`): the endpoint, and what goes through it. */
function doorsIn(scope: Scope): readonly Statement[] {
  const { here, ec2, arn } = wordsOf(scope);
  const [made, interfaces] = ["instance-connect-endpoint", "network-interface"].map(ec2);
  const within = of("ec2", "CreateInstanceConnectEndpoint CreateNetworkInterface");
  return [
    allow("MakeDoor", "ec2:CreateInstanceConnectEndpoint", made!, { StringEquals: { ...here, ...born } }),
    allow("DoorWithin", within, ec2("subnet security-group"), { StringEquals: { ...here, ...tagged } }),
    allow("DoorInterface", "ec2:CreateNetworkInterface", interfaces!, { StringEquals: here }),
    allow("TagDoor", "ec2:CreateTags", [...made!, ...interfaces!], {
      StringEquals: { "ec2:CreateAction": ["CreateInstanceConnectEndpoint", "CreateNetworkInterface"] },
    }),
    allow("DoorRole", "iam:CreateServiceLinkedRole", "arn:aws:iam::*:role/aws-service-role/*", {
      StringEquals: { "iam:AWSServiceName": "ec2-instance-connect.amazonaws.com" },
    }),
    allow("ThroughDoor", "ec2-instance-connect:OpenTunnel", made!, { StringEquals: { ...here, ...tagged } }),
    // By the document of SSH alone: a plain session would be a shell of root's.
    allow("ThroughSessions", "ssm:StartSession", arn("ec2", "instance/*"), {
      StringEquals: { "ssm:resourceTag/project": project },
      BoolIfExists: { "ssm:SessionDocumentAccessCheck": "true" },
    }),
    allow("SshSessions", "ssm:StartSession", `arn:aws:ssm:${scope.region}::document/AWS-StartSSHSession`),
    allow("EndSessions", "ssm:TerminateSession", arn("ssm", "session/${aws:userid}-*")),
  ];
}

function namesIn({ zones = [] }: Scope): readonly Statement[] {
  if (zones.length === 0) return [];
  return [
    allow(
      "Names",
      "route53:ChangeResourceRecordSets",
      zones.map((zone) => `arn:aws:route53:::hostedzone/${zone}`),
    ),
  ];
}

const teardown = (scope: Scope): readonly Statement[] => {
  const { here, arn, ec2, bucket, mine, role } = wordsOf(scope);
  const names = ownArns(scope);
  return [
    allow(
      "TakeAwayOwn",
      of(
        "ec2",
        "CreateTags DeleteInstanceConnectEndpoint DeleteInternetGateway DeleteKeyPair DeleteLaunchTemplate* DeleteNetworkAclEntry DeleteNetworkInterface " +
          "DeletePlacementGroup DeleteRoute DeleteSecurityGroup DeleteSnapshot DeleteSubnet DeleteTags DeleteVolume DeleteVpc " +
          "DetachInternetGateway DetachNetworkInterface DetachVolume DeregisterImage DisassociateAddress ModifyInstanceAttribute " +
          "ReleaseAddress RevokeSecurityGroup* StopInstances TerminateInstances",
      ),
      "*",
      { StringEquals: { ...here, ...tagged } },
    ),
    // The request that a spot server came from carries no tag.
    allow("SpotAway", "ec2:CancelSpotInstanceRequests", ec2("spot-instances-request"), { StringEquals: here }),
    allow("LastSnapshots", "ec2:CreateSnapshot", ec2("volume"), { StringEquals: { ...here, ...tagged } }),
    allow("LastSnapshotsMade", "ec2:CreateSnapshot", `arn:aws:ec2:${scope.region}::snapshot/*`),
    allow("TagLastSnapshots", "ec2:CreateTags", `arn:aws:ec2:${scope.region}::snapshot/*`, {
      StringEquals: { "ec2:CreateAction": "CreateSnapshot" },
    }),
    allow("PoolsAway", of("autoscaling", "Delete* SetDesiredCapacity SetInstanceProtection UpdateAutoScalingGroup"), names.autoscaling),
    allow(
      "FrontAway",
      of("elasticloadbalancing", "DeleteListener DeleteLoadBalancer DeleteTargetGroup DeregisterTargets"),
      ["loadbalancer", "targetgroup", "listener"].map((kind) => arn("elasticloadbalancing", `${kind}/*`)),
      { StringEquals: { ...here, ...tagged } },
    ),
    ...namesIn(scope),
    allow("BudgetsAway", "budgets:ModifyBudget", names.budgets),
    allow("AlarmsAway", "cloudwatch:DeleteAlarms", names.cloudwatch),
    allow("LogsAway", "logs:DeleteLogGroup", names.logs),
    allow("MessagesAway", "sns:DeleteTopic sns:Unsubscribe sqs:DeleteQueue sqs:SetQueueAttributes", names.messages),
    // AWS asks for the last two where a last snapshot is made.
    allow("DatabasesAway", of("rds", "DeleteDB* ModifyDBInstance CreateDBSnapshot AddTagsToResource"), names.rds),
    allow("SnapshotsAway", "dlm:DeleteLifecyclePolicy", arn("dlm", "policy/*"), { StringEquals: tagged }),
    allow("RolesAway", of("iam", "DeleteInstanceProfile DeleteRole DeleteRolePolicy RemoveRoleFromInstanceProfile"), [
      role,
      role.replace(":role/", ":instance-profile/"),
    ]),
    // The provider takes a bucket's settings away by writing them.
    allow(
      "BucketsAway",
      of(
        "s3",
        "DeleteBucket DeleteBucketPolicy ListBucketVersions PutBucketNotification PutBucketOwnershipControls PutBucketPublicAccessBlock " +
          "PutBucketRequestPayment PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration",
      ),
      bucket,
      { StringEquals: mine },
    ),
    allow("ObjectsAway", of("s3", "DeleteObject DeleteObjectVersion"), `${bucket}/*`, { StringEquals: mine }),
    ...stateOf(scope, changesState),
  ];
};

const policy = (Statement: readonly Statement[]): Policy => ({ Version: "2012-10-17", Statement });

/** By the name of its file; an operator's are three, since one would be larger than AWS takes. */
export const policiesOf = (persona: Persona, scope: Scope): Readonly<Record<string, Policy>> =>
  ({
    look: () => ({ look: policy(look(scope)) }),
    operator: () => ({
      operator: policy(operator(scope)),
      "operator-work": policy(operatorWork(scope)),
      "operator-front": policy(operatorFront(scope)),
    }),
    teardown: () => ({ teardown: policy(teardown(scope)) }),
    backend: () => ({ backend: policy(backend(scope)) }),
  })[persona]();

/** Whose iam/*.json are: any account, every team. */
export const sampleScope: Scope = { region: "ap-northeast-1", account: "*", prefix: "*-aws-" };
