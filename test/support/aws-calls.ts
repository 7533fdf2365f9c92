// The calls that Pulumi's AWS provider makes of each resource of the fleet, with the tags that they carry: from the source of Terraform's
// provider (6.34, internal/service/*), and from the Service Authorization Reference which resources and keys each call is judged by.
import type { Request } from "./iam-evaluator.ts";

export const account = "123456789012";
export const region = "ap-northeast-1";
const own = { project: "contest-fleet", team: "team-a", stack: "event-a", owner: "ops", expiry: "never" };
type Tags = Readonly<Record<string, string>>;

interface Carried {
  /** Tags that the call sends. */
  readonly sent?: Tags;
  /** Tags that the thing has. */
  readonly has?: Tags;
  readonly more?: Readonly<Record<string, string>>;
}

const keyed = (kind: string, tags: Tags = {}) =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:${kind}/${key}`, value]));

export function call(action: string, resource: string, { sent, has, more }: Carried = {}): Request {
  // IAM has its one region.
  const where = action.startsWith("iam:") ? "us-east-1" : region;
  const always = { "aws:RequestedRegion": where, "aws:PrincipalAccount": account, "aws:ResourceAccount": account };
  return { action, resource, context: { ...always, ...keyed("RequestTag", sent), ...keyed("ResourceTag", has), ...more } };
}

export const ec2 = (kind: string): string =>
  `arn:aws:ec2:${region}:${kind === "image" || kind === "snapshot" ? "" : account}:${kind}/${kind}-1`;
export const named = (service: string, rest: string): string => `arn:aws:${service}:${region}:${account}:${rest}`;
export const iam = (rest: string): string => `arn:aws:iam::${account}:${rest}`;
const name = "team-a-aws-x";

const on = (kind: string, has: Tags | undefined, ...actions: string[]): Request[] =>
  actions.map((action) => call(`ec2:${action}`, ec2(kind), has ? { has } : {}));
/** Made with its tags: AWS judges the making and the tagging. */
const born = (action: string, kind: string): Request[] => [
  call(`ec2:${action}`, ec2(kind), { sent: own }),
  call("ec2:CreateTags", ec2(kind), { sent: own, more: { "ec2:CreateAction": action } }),
];
const all = (actions: string, resource: string, carried: Carried = {}): Request[] =>
  actions.split(" ").map((action) => call(action, resource, carried));

const front = (action: string, resource: string): Request[] => [
  call(`elasticloadbalancing:${action}`, named("elasticloadbalancing", resource), { sent: own }),
  call("elasticloadbalancing:AddTags", named("elasticloadbalancing", resource), {
    sent: own,
    more: { "elasticloadbalancing:CreateAction": action },
  }),
];

interface Calls {
  readonly up: readonly Request[];
  readonly down: readonly Request[];
}

const group = `autoScalingGroup:0f3a:autoScalingGroupName/${name}`;
const bucket = `arn:aws:s3:::${name}-0a1b`;

/** By Pulumi's type. */
export const calls: Readonly<Record<string, Calls>> = {
  "ec2/vpc:Vpc": { up: [...born("CreateVpc", "vpc"), ...on("vpc", own, "ModifyVpcAttribute")], down: on("vpc", own, "DeleteVpc") },
  "ec2/internetGateway:InternetGateway": {
    up: [
      ...born("CreateInternetGateway", "internet-gateway"),
      ...["internet-gateway", "vpc"].flatMap((kind) => on(kind, own, "AttachInternetGateway")),
    ],
    down: [
      ...["internet-gateway", "vpc"].flatMap((kind) => on(kind, own, "DetachInternetGateway")),
      ...on("internet-gateway", own, "DeleteInternetGateway"),
    ],
  },
  "ec2/subnet:Subnet": {
    up: [...born("CreateSubnet", "subnet"), ...on("vpc", own, "CreateSubnet"), ...on("subnet", own, "ModifySubnetAttribute")],
    down: on("subnet", own, "DeleteSubnet"),
  },
  // Entries and routes first, tags afterwards: vpc_default_network_acl.go:121, vpc_default_route_table.go:231.
  "ec2/defaultNetworkAcl:DefaultNetworkAcl": {
    up: [
      ...on("network-acl", undefined, "DeleteNetworkAclEntry", "CreateNetworkAclEntry"),
      call("ec2:CreateTags", ec2("network-acl"), { sent: own }),
    ],
    down: [],
  },
  "ec2/defaultRouteTable:DefaultRouteTable": {
    up: [...on("route-table", undefined, "CreateRoute"), call("ec2:CreateTags", ec2("route-table"), { sent: own })],
    down: on("route-table", own, "DeleteRoute"),
  },
  "ec2/defaultSecurityGroup:DefaultSecurityGroup": {
    up: [
      ...on("security-group", undefined, "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
      call("ec2:CreateTags", ec2("security-group"), { sent: own }),
    ],
    down: [],
  },
  "ec2/securityGroup:SecurityGroup": {
    up: [
      ...born("CreateSecurityGroup", "security-group"),
      ...on("vpc", own, "CreateSecurityGroup"),
      ...on("security-group", own, "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress"),
    ],
    down: on("security-group", own, "RevokeSecurityGroupIngress", "DeleteSecurityGroup"),
  },
  "ec2/instance:Instance": {
    up: [
      // ec2_instance.go:1151: tags for the instance alone; those of the root disk by CreateTags afterwards.
      ...born("RunInstances", "instance"),
      ...["volume", "network-interface", "spot-instances-request", "image", "snapshot"].flatMap((kind) =>
        on(kind, undefined, "RunInstances"),
      ),
      ...["subnet", "security-group", "placement-group"].flatMap((kind) => on(kind, own, "RunInstances")),
      call("ec2:CreateTags", ec2("volume"), { sent: own }),
      ...on("instance", own, "ModifyInstanceAttribute", "StopInstances", "StartInstances", "MonitorInstances", "UnmonitorInstances"),
      ...on("instance", own, "ModifyInstanceMetadataOptions", "ModifyInstanceMaintenanceOptions", "AssociateIamInstanceProfile"),
      ...on("volume", own, "ModifyVolume"),
    ],
    // ec2_instance.go:2041: the request of a spot instance goes first.
    down: [
      ...on("spot-instances-request", undefined, "CancelSpotInstanceRequests"),
      ...on("instance", own, "ModifyInstanceAttribute", "TerminateInstances"),
    ],
  },
  // One tag a call; the first of them meets an interface without any.
  "ec2/tag:Tag": {
    up: Object.entries({ ...own, Name: name }).map(([key, value]) =>
      call("ec2:CreateTags", ec2("network-interface"), { sent: { [key]: value } }),
    ),
    down: [],
  },
  "ec2/eip:Eip": {
    up: [...born("AllocateAddress", "elastic-ip"), ...["elastic-ip", "instance"].flatMap((kind) => on(kind, own, "AssociateAddress"))],
    down: on("elastic-ip", own, "DisassociateAddress", "ReleaseAddress"),
  },
  "ec2/placementGroup:PlacementGroup": {
    up: born("CreatePlacementGroup", "placement-group"),
    down: on("placement-group", own, "DeletePlacementGroup"),
  },
  "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": {
    up: [
      ...born("CreateInstanceConnectEndpoint", "instance-connect-endpoint"),
      ...on("subnet", own, "CreateInstanceConnectEndpoint", "CreateNetworkInterface"),
      ...on("security-group", own, "CreateNetworkInterface"),
      ...on("network-interface", undefined, "CreateNetworkInterface"),
      call(
        "iam:CreateServiceLinkedRole",
        iam("role/aws-service-role/ec2-instance-connect.amazonaws.com/AWSServiceRoleForEc2InstanceConnect"),
        {
          more: { "iam:AWSServiceName": "ec2-instance-connect.amazonaws.com" },
        },
      ),
      // What goes through it then.
      call("ec2-instance-connect:OpenTunnel", ec2("instance-connect-endpoint"), { has: own }),
    ],
    down: on("instance-connect-endpoint", own, "DeleteInstanceConnectEndpoint"),
  },
  "ebs/volume:Volume": {
    up: [...born("CreateVolume", "volume"), ...on("volume", own, "ModifyVolume")],
    down: [
      ...on("volume", own, "CreateSnapshot", "DeleteVolume"),
      ...on("snapshot", undefined, "CreateSnapshot"),
      call("ec2:CreateTags", ec2("snapshot"), { sent: own, more: { "ec2:CreateAction": "CreateSnapshot" } }),
    ],
  },
  "ec2/volumeAttachment:VolumeAttachment": {
    up: ["instance", "volume"].flatMap((kind) => on(kind, own, "AttachVolume")),
    down: [...["instance", "volume"].flatMap((kind) => on(kind, own, "DetachVolume")), ...on("instance", own, "StopInstances")],
  },
  "ec2/launchTemplate:LaunchTemplate": {
    up: [
      ...born("CreateLaunchTemplate", "launch-template"),
      ...on("launch-template", own, "CreateLaunchTemplateVersion", "ModifyLaunchTemplate"),
    ],
    down: on("launch-template", own, "DeleteLaunchTemplate"),
  },
  "dlm/lifecyclePolicy:LifecyclePolicy": {
    up: [
      ...all("dlm:CreateLifecyclePolicy dlm:TagResource", named("dlm", "policy/policy-1"), { sent: own }),
      call("dlm:UpdateLifecyclePolicy", named("dlm", "policy/policy-1"), { has: own }),
      call("iam:PassRole", iam(`role/${name}`), { more: { "iam:PassedToService": "dlm.amazonaws.com" } }),
    ],
    down: all("dlm:DeleteLifecyclePolicy", named("dlm", "policy/policy-1"), { has: own }),
  },
  "autoscaling/group:Group": {
    up: [
      ...all("autoscaling:CreateAutoScalingGroup autoscaling:CreateOrUpdateTags", named("autoscaling", group), { sent: own }),
      ...all(
        "autoscaling:EnableMetricsCollection autoscaling:SuspendProcesses autoscaling:UpdateAutoScalingGroup",
        named("autoscaling", group),
        { has: own },
      ),
      ...all(
        "autoscaling:StartInstanceRefresh autoscaling:CancelInstanceRefresh autoscaling:PutLifecycleHook " +
          "autoscaling:AttachLoadBalancerTargetGroups autoscaling:DetachLoadBalancerTargetGroups",
        named("autoscaling", group),
        { has: own },
      ),
      // A template is tried as its caller: what its servers bring along is tagged by it.
      ...["instance", "volume", "network-interface"].flatMap((kind) => born("RunInstances", kind)),
      ...on("launch-template", own, "RunInstances"),
      call("iam:CreateServiceLinkedRole", iam("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"), {
        more: { "iam:AWSServiceName": "autoscaling.amazonaws.com" },
      }),
    ],
    down: all("autoscaling:UpdateAutoScalingGroup autoscaling:DeleteAutoScalingGroup", named("autoscaling", group), { has: own }),
  },
  "autoscaling/policy:Policy": {
    up: all("autoscaling:PutScalingPolicy", named("autoscaling", group), { has: own }),
    down: all("autoscaling:DeletePolicy", named("autoscaling", group), { has: own }),
  },
  "autoscaling/schedule:Schedule": {
    up: all("autoscaling:PutScheduledUpdateGroupAction autoscaling:DeleteScheduledAction", named("autoscaling", group), { has: own }),
    down: all("autoscaling:DeleteScheduledAction", named("autoscaling", group), { has: own }),
  },
  "autoscaling/lifecycleHook:LifecycleHook": {
    up: all("autoscaling:PutLifecycleHook", named("autoscaling", group), { has: own }),
    down: all("autoscaling:DeleteLifecycleHook", named("autoscaling", group), { has: own }),
  },
  "autoscaling/notification:Notification": {
    up: all("autoscaling:PutNotificationConfiguration", named("autoscaling", group), { has: own }),
    down: all("autoscaling:DeleteNotificationConfiguration", named("autoscaling", group), { has: own }),
  },
  "iam/role:Role": {
    up: [
      ...all("iam:CreateRole iam:TagRole", iam(`role/${name}`), { sent: own }),
      ...all("iam:UpdateAssumeRolePolicy", iam(`role/${name}`), { has: own }),
    ],
    down: all("iam:DeleteRole", iam(`role/${name}`), { has: own }),
  },
  "iam/rolePolicy:RolePolicy": {
    up: all("iam:PutRolePolicy", iam(`role/${name}`), { has: own }),
    down: all("iam:DeleteRolePolicy", iam(`role/${name}`), { has: own }),
  },
  "iam/instanceProfile:InstanceProfile": {
    up: [
      ...all("iam:CreateInstanceProfile iam:TagInstanceProfile", iam(`instance-profile/${name}`), { sent: own }),
      ...all("iam:AddRoleToInstanceProfile", iam(`instance-profile/${name}`), { has: own }),
      call("iam:PassRole", iam(`role/${name}`), { more: { "iam:PassedToService": "ec2.amazonaws.com" } }),
    ],
    down: all("iam:RemoveRoleFromInstanceProfile iam:DeleteInstanceProfile", iam(`instance-profile/${name}`), { has: own }),
  },
  "s3/bucket:Bucket": {
    up: all("s3:CreateBucket s3:PutBucketTagging s3:TagResource", bucket),
    down: [...all("s3:DeleteBucket s3:ListBucketVersions", bucket), ...all("s3:DeleteObject s3:DeleteObjectVersion", `${bucket}/a/b.jpg`)],
  },
  "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    up: all("s3:PutBucketPublicAccessBlock", bucket),
    down: all("s3:PutBucketPublicAccessBlock", bucket),
  },
  // Taken away by a put: bucket_versioning.go:260, bucket_request_payment_configuration.go:184.
  "s3/bucketVersioning:BucketVersioning": { up: all("s3:PutBucketVersioning", bucket), down: all("s3:PutBucketVersioning", bucket) },
  "s3/bucketRequestPaymentConfiguration:BucketRequestPaymentConfiguration": {
    up: all("s3:PutBucketRequestPayment", bucket),
    down: all("s3:PutBucketRequestPayment", bucket),
  },
  "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    up: all("s3:PutEncryptionConfiguration", bucket),
    down: all("s3:PutEncryptionConfiguration", bucket),
  },
  "s3/bucketOwnershipControls:BucketOwnershipControls": {
    up: all("s3:PutBucketOwnershipControls", bucket),
    down: all("s3:PutBucketOwnershipControls", bucket),
  },
  "s3/bucketPolicy:BucketPolicy": { up: all("s3:PutBucketPolicy", bucket), down: all("s3:DeleteBucketPolicy", bucket) },
  "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    up: all("s3:PutLifecycleConfiguration", bucket),
    down: all("s3:PutLifecycleConfiguration", bucket),
  },
  "s3/bucketNotification:BucketNotification": {
    up: all("s3:PutBucketNotification", bucket),
    down: all("s3:PutBucketNotification", bucket),
  },
  "s3/bucketObjectv2:BucketObjectv2": { up: all("s3:PutObject s3:PutObjectTagging s3:GetObject", `${bucket}/0f.sh`), down: [] },
  "sqs/queue:Queue": {
    up: [
      ...all("sqs:CreateQueue sqs:TagQueue", named("sqs", name), { sent: own }),
      ...all("sqs:SetQueueAttributes", named("sqs", name), { has: own }),
    ],
    down: all("sqs:DeleteQueue", named("sqs", name), { has: own }),
  },
  "sqs/queuePolicy:QueuePolicy": {
    up: all("sqs:SetQueueAttributes", named("sqs", name)),
    down: all("sqs:SetQueueAttributes", named("sqs", name)),
  },
  "sqs/redriveAllowPolicy:RedriveAllowPolicy": {
    up: all("sqs:SetQueueAttributes", named("sqs", name)),
    down: all("sqs:SetQueueAttributes", named("sqs", name)),
  },
  "sns/topic:Topic": {
    up: [
      ...all("sns:CreateTopic sns:TagResource", named("sns", name), { sent: own }),
      ...all("sns:SetTopicAttributes", named("sns", name), { has: own }),
    ],
    down: all("sns:DeleteTopic", named("sns", name), { has: own }),
  },
  "sns/topicSubscription:TopicSubscription": {
    up: all("sns:Subscribe", named("sns", name)),
    down: all("sns:Unsubscribe", named("sns", `${name}:0f3a`)),
  },
  "cloudwatch/metricAlarm:MetricAlarm": {
    up: [
      ...all("cloudwatch:PutMetricAlarm cloudwatch:TagResource", named("cloudwatch", `alarm:${name}`), { sent: own }),
      // Alarms that act on EC2.
      call("iam:CreateServiceLinkedRole", iam("role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents"), {
        more: { "iam:AWSServiceName": "events.amazonaws.com" },
      }),
    ],
    down: all("cloudwatch:DeleteAlarms", named("cloudwatch", `alarm:${name}`), { has: own }),
  },
  "budgets/budget:Budget": {
    up: all("budgets:ModifyBudget budgets:TagResource", `arn:aws:budgets::${account}:budget/${name}`),
    down: all("budgets:ModifyBudget", `arn:aws:budgets::${account}:budget/${name}`),
  },
  "cloudwatch/logGroup:LogGroup": {
    up: all("logs:CreateLogGroup logs:TagResource logs:PutRetentionPolicy", named("logs", `log-group:/aws/rds/instance/${name}/error`), {
      sent: own,
    }),
    down: all("logs:DeleteLogGroup", named("logs", `log-group:/aws/rds/instance/${name}/error`)),
  },
  "lb/loadBalancer:LoadBalancer": {
    up: [
      ...front("CreateLoadBalancer", "loadbalancer/app/fleet-1/0f3a"),
      ...all(
        "elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:SetSecurityGroups elasticloadbalancing:SetSubnets",
        named("elasticloadbalancing", "loadbalancer/app/fleet-1/0f3a"),
        { has: own },
      ),
      call(
        "iam:CreateServiceLinkedRole",
        iam("role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"),
        {
          more: { "iam:AWSServiceName": "elasticloadbalancing.amazonaws.com" },
        },
      ),
    ],
    down: all("elasticloadbalancing:DeleteLoadBalancer", named("elasticloadbalancing", "loadbalancer/app/fleet-1/0f3a"), { has: own }),
  },
  "lb/targetGroup:TargetGroup": {
    up: [
      ...front("CreateTargetGroup", "targetgroup/fleet-1/0f3a"),
      ...all(
        "elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:AddTags",
        named("elasticloadbalancing", "targetgroup/fleet-1/0f3a"),
        { has: own },
      ),
    ],
    down: all("elasticloadbalancing:DeleteTargetGroup", named("elasticloadbalancing", "targetgroup/fleet-1/0f3a"), { has: own }),
  },
  "lb/listener:Listener": {
    up: [
      call("elasticloadbalancing:CreateListener", named("elasticloadbalancing", "loadbalancer/app/fleet-1/0f3a"), { sent: own, has: own }),
      call("elasticloadbalancing:AddTags", named("elasticloadbalancing", "listener/app/fleet-1/0f3a/1"), {
        sent: own,
        more: { "elasticloadbalancing:CreateAction": "CreateListener" },
      }),
      call("elasticloadbalancing:ModifyListener", named("elasticloadbalancing", "listener/app/fleet-1/0f3a/1"), { has: own }),
    ],
    down: all("elasticloadbalancing:DeleteListener", named("elasticloadbalancing", "listener/app/fleet-1/0f3a/1"), { has: own }),
  },
  "lb/targetGroupAttachment:TargetGroupAttachment": {
    up: all("elasticloadbalancing:RegisterTargets", named("elasticloadbalancing", "targetgroup/fleet-1/0f3a"), { has: own }),
    down: all("elasticloadbalancing:DeregisterTargets", named("elasticloadbalancing", "targetgroup/fleet-1/0f3a"), { has: own }),
  },
  "route53/record:Record": {
    up: all("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1"),
    down: all("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1"),
  },
  "rds/subnetGroup:SubnetGroup": {
    up: all("rds:CreateDBSubnetGroup rds:AddTagsToResource", named("rds", `subgrp:${name}`), { sent: own }),
    down: all("rds:DeleteDBSubnetGroup", named("rds", `subgrp:${name}`), { has: own }),
  },
  "rds/parameterGroup:ParameterGroup": {
    up: [
      ...all("rds:CreateDBParameterGroup rds:AddTagsToResource", named("rds", `pg:${name}`), { sent: own }),
      ...all("rds:ModifyDBParameterGroup rds:ResetDBParameterGroup", named("rds", `pg:${name}`), { has: own }),
    ],
    down: all("rds:DeleteDBParameterGroup", named("rds", `pg:${name}`), { has: own }),
  },
  "rds/instance:Instance": {
    up: [
      ...["db", "pg", "subgrp"].flatMap((kind) => all("rds:CreateDBInstance", named("rds", `${kind}:${name}`), { sent: own })),
      ...all("rds:CreateDBInstance", named("rds", "og:default:mysql-8-4"), { sent: own }),
      ...all("rds:AddTagsToResource rds:ModifyDBInstance", named("rds", `db:${name}`), { sent: own }),
      // With a password of AWS's own making.
      ...all("secretsmanager:CreateSecret secretsmanager:TagResource", named("secretsmanager", "secret:rds!db-0f3a")),
      ...all("kms:DescribeKey", named("kms", "key/0f3a")),
    ],
    down: [
      ...all("rds:DeleteDBInstance rds:CreateDBSnapshot rds:ModifyDBInstance", named("rds", `db:${name}`), { has: own }),
      ...all("rds:CreateDBSnapshot rds:AddTagsToResource", named("rds", `snapshot:${name}-last-0f3a`)),
    ],
  },
};

const stranger = { project: "billing", team: "finance" };

const session = { "ssm:SessionDocumentAccessCheck": "true" };

/** Of commands beside Pulumi's: `stop` and `start`, and each door's way in. */
export const commandCalls: Readonly<Record<string, readonly Request[]>> = {
  "stop and start": [
    ...on("instance", own, "StopInstances", "StartInstances"),
    ...all("rds:StopDBInstance rds:StartDBInstance", named("rds", `db:${name}`), { has: own }),
    ...all("autoscaling:UpdateAutoScalingGroup", named("autoscaling", group), { has: own }),
    ...all("ec2:DescribeAddresses ec2:DescribeInstances rds:DescribeDBInstances autoscaling:DescribeAutoScalingGroups", "*"),
  ],
  "a door of Instance Connect": [call("ec2-instance-connect:OpenTunnel", ec2("instance-connect-endpoint"), { has: own })],
  "a door of Session Manager": [
    call("ssm:StartSession", ec2("instance"), { more: { "ssm:resourceTag/project": own.project, ...session } }),
    call("ssm:StartSession", `arn:aws:ssm:${region}::document/AWS-StartSSHSession`, { more: session }),
  ],
};

/** Of `fleet image bake`, from the Service Authorization Reference: no resource of Pulumi's, so not among the others. */
export const imageCalls: Calls = {
  up: [
    ...["image", "snapshot"].flatMap((kind) => born("CreateImage", kind)),
    ...on("instance", own, "CreateImage", "StopInstances"),
    ...["instance", "volume", "network-interface"].flatMap((kind) => born("RunInstances", kind)),
    ...on("subnet", own, "RunInstances"),
    ...on("security-group", own, "RunInstances", "RevokeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
    ...on("image", own, "RunInstances", "CreateTags", "DeleteTags"),
    ...on("snapshot", own, "RunInstances", "CreateTags", "DeleteTags"),
    ...born("CreateSecurityGroup", "security-group"),
    ...on("vpc", own, "CreateSecurityGroup"),
  ],
  down: [
    ...on("instance", own, "TerminateInstances"),
    ...on("image", own, "DeregisterImage"),
    ...on("snapshot", own, "DeleteSnapshot"),
    ...on("security-group", own, "DeleteSecurityGroup"),
  ],
};

/** What whoever holds all rights of the fleet must not reach: somebody else's, and what would become theirs by a tag. */
export const attacks: Readonly<Record<string, readonly Request[]>> = {
  "an ordinary role becomes the fleet's by a tag": [
    ...all("iam:TagRole", iam("role/admin"), { sent: own }),
    ...all("iam:PutRolePolicy iam:UpdateAssumeRolePolicy iam:DeleteRole", iam("role/admin"), { has: stranger }),
    call("iam:PassRole", iam("role/admin"), { more: { "iam:PassedToService": "ec2.amazonaws.com" } }),
    call("iam:AttachRolePolicy", iam(`role/${name}`), { has: own }),
  ],
  "a role is passed to another service": [
    call("iam:PassRole", iam(`role/${name}`), { has: own, more: { "iam:PassedToService": "lambda.amazonaws.com" } }),
  ],
  "somebody's database, queue, topic, alarm, pool": [
    ...all("rds:AddTagsToResource rds:DeleteDBInstance rds:ModifyDBInstance", named("rds", "db:payroll"), { sent: own, has: own }),
    ...all("sqs:TagQueue sqs:DeleteQueue sqs:SetQueueAttributes", named("sqs", "orders"), { sent: own, has: own }),
    ...all("sns:TagResource sns:DeleteTopic", named("sns", "pager"), { sent: own, has: own }),
    ...all("cloudwatch:DeleteAlarms", named("cloudwatch", "alarm:billing"), { has: own }),
    ...all(
      "autoscaling:CreateOrUpdateTags autoscaling:DeleteAutoScalingGroup",
      named("autoscaling", "autoScalingGroup:0:autoScalingGroupName/web"),
      { sent: own, has: own },
    ),
    ...all("logs:DeleteLogGroup", named("logs", "log-group:/aws/lambda/pay")),
  ],
  "somebody's bucket, and the state's": [
    ...all("s3:DeleteBucket s3:PutBucketPolicy s3:ListBucketVersions", "arn:aws:s3:::payroll"),
    ...all("s3:DeleteObject s3:DeleteObjectVersion s3:GetObject s3:PutObject", "arn:aws:s3:::payroll/2026/12.csv"),
    ...all("s3:DeleteBucket s3:DeleteObjectVersion", "arn:aws:s3:::event-state"),
  ],
  "what carries another project": [
    ...all(
      "elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:SetSecurityGroups elasticloadbalancing:AddTags elasticloadbalancing:CreateListener",
      named("elasticloadbalancing", "loadbalancer/app/shop/0f3a"),
      { sent: own, has: stranger },
    ),
    call("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0"),
    ...on("instance", stranger, "TerminateInstances", "StopInstances", "ModifyInstanceAttribute"),
    ...on("volume", stranger, "DeleteVolume", "AttachVolume", "CreateSnapshot"),
    ...["volume", "network-interface", "security-group", "route-table", "network-acl", "instance"].map((kind) =>
      call("ec2:CreateTags", ec2(kind), { sent: own, has: stranger }),
    ),
    ...on("route-table", stranger, "CreateRoute", "DeleteRoute"),
    ...on("network-acl", stranger, "CreateNetworkAclEntry", "DeleteNetworkAclEntry"),
    ...on("subnet", stranger, "RunInstances"),
    ...on("vpc", stranger, "CreateSubnet", "CreateSecurityGroup"),
  ],
  "images of somebody's server, or that nobody finds again": [
    ...on("instance", stranger, "CreateImage"),
    ...on("instance", undefined, "CreateImage"),
    ...["image", "snapshot"].flatMap((kind) => [
      call("ec2:CreateImage", ec2(kind)),
      call("ec2:CreateTags", ec2(kind), { sent: own }),
      ...on(kind, stranger, "DeregisterImage", "DeleteSnapshot"),
    ]),
  ],
  "a server without a tag": [
    call("ec2:CreateTags", ec2("instance"), { sent: own }),
    call("ec2:RunInstances", ec2("instance"), { sent: { project: "billing" } }),
    ...on("instance", undefined, "RunInstances", "TerminateInstances"),
  ],
  "somebody's server switched off, and a way into it": [
    ...on("instance", stranger, "StopInstances", "StartInstances"),
    ...all("rds:StopDBInstance rds:StartDBInstance", named("rds", "db:payroll"), { has: stranger }),
    call("autoscaling:UpdateAutoScalingGroup", named("autoscaling", "autoScalingGroup:0:autoScalingGroupName/web"), { has: stranger }),
    call("ec2-instance-connect:OpenTunnel", ec2("instance-connect-endpoint"), { has: stranger }),
    call("ssm:StartSession", ec2("instance"), { more: { "ssm:resourceTag/project": "billing", ...session } }),
    // A shell of root's, on a server of the fleet's too.
    call("ssm:StartSession", `arn:aws:ssm:${region}::document/SSM-SessionManagerRunShell`, { more: session }),
    call("ssm:StartSession", ec2("instance"), {
      more: { "ssm:resourceTag/project": own.project, "ssm:SessionDocumentAccessCheck": "false" },
    }),
  ],
  "another region": [
    { ...call("ec2:RunInstances", ec2("instance").replace(region, "us-east-1"), { sent: own }) },
    { ...call("sqs:CreateQueue", named("sqs", name).replace(region, "us-east-1"), { sent: own }) },
  ].map((request) => ({ ...request, context: { ...request.context, "aws:RequestedRegion": "us-east-1" } })),
  "parameters that are no image": [
    call("ssm:GetParameter", named("ssm", "parameter/prod/password")),
    call("secretsmanager:GetSecretValue", named("secretsmanager", "secret:rds!db-0f3a")),
  ],
};
