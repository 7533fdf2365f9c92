// What Pulumi's AWS provider does with a property, and AWS itself where it is asked: one table, with where each line is said. File names
// are those of Terraform's provider (6.34), which Pulumi's stands on: internal/service/*. The test double goes by it in its looks, its
// comparisons and its changes.

export interface Rule {
  /** A change of it makes another thing (`ForceNew`). */
  readonly replaces?: true;
  /** Optional and computed: what is not sent any more keeps the value that AWS has, and no difference shows. */
  readonly keeps?: true;
  /** What is read of it while an instance is stopped, whatever was written. */
  readonly stopped?: unknown;
  /** What AWS answers to a change of it in place; undefined where it obeys. */
  readonly refused?: (old: unknown, now: unknown) => string | undefined;
  readonly source: string;
}

/** By property path, without the places in lists. */
export type Rules = Readonly<Record<string, Rule>>;

const each = (names: string, rule: Rule): Rules => Object.fromEntries(names.split(" ").map((name) => [name, rule]));
const replaces = (source: string, names: string): Rules => each(names, { replaces: true, source });
const keeps = (source: string, names: string): Rules => each(names, { keeps: true, source });
const both = (source: string, names: string): Rules => each(names, { replaces: true, keeps: true, source });

const noSmaller =
  (what: string) =>
  (old: unknown, now: unknown): string | undefined =>
    Number(now) < Number(old) ? `InvalidParameterValue: New size cannot be smaller than existing size (${what})` : undefined;
const modifyVolume = "API ModifyVolume: the size can only grow";

const instance: Rules = {
  ...both("ec2_instance.go", "ami subnetId privateIp placementGroup ephemeralBlockDevices"),
  ...keeps("ec2_instance.go", "monitoring iamInstanceProfile disableApiTermination maintenanceOptions metadataOptions vpcSecurityGroupIds"),
  ...keeps("ec2_instance.go", "rootBlockDevice.iops rootBlockDevice.throughput rootBlockDevice.volumeType userData"),
  instanceMarketOptions: { replaces: true, keeps: true, source: "ec2_instance.go, schema of instance_market_options" },
  associatePublicIpAddress: {
    ...{ replaces: true, keeps: true, stopped: false },
    source: "ec2_instance.go: read as whether the interface has an association now; issues 33775, 37238, 5265",
  },
  "rootBlockDevice.volumeSize": { keeps: true, refused: noSmaller("root disk"), source: `ec2_instance.go; ${modifyVolume}` },
  "rootBlockDevice.encrypted": { replaces: true, keeps: true, source: "ec2_instance.go" },
};

const volume: Rules = {
  ...replaces("ebs_volume.go", "availabilityZone"),
  ...both("ebs_volume.go", "encrypted kmsKeyId snapshotId"),
  ...keeps("ebs_volume.go", "iops throughput type"),
  size: { keeps: true, refused: noSmaller("volume"), source: `ebs_volume.go; ${modifyVolume}` },
};

/** By Pulumi's type, without `aws:`. Where a type is not named, everything can be changed in place. */
export const rules: Readonly<Record<string, Rules>> = {
  "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": replaces(
    "ec2/ec2_instance_connect_endpoint.go",
    "subnetId securityGroupIds preserveClientIp",
  ),
  "budgets/budget:Budget": replaces("budgets/budget.go", "name accountId"),
  "ec2/vpc:Vpc": replaces("ec2/vpc_.go", "cidrBlock"),
  "ec2/internetGateway:InternetGateway": replaces("ec2/vpc_internet_gateway.go; the fleet's own is never moved", "vpcId"),
  "ec2/subnet:Subnet": replaces("ec2/vpc_subnet.go", "vpcId cidrBlock availabilityZoneId"),
  "ec2/defaultRouteTable:DefaultRouteTable": replaces("ec2/vpc_default_route_table.go", "defaultRouteTableId"),
  "ec2/defaultNetworkAcl:DefaultNetworkAcl": replaces("ec2/vpc_default_network_acl.go", "defaultNetworkAclId"),
  "ec2/securityGroup:SecurityGroup": replaces("ec2/vpc_security_group.go", "vpcId description name"),
  "ec2/defaultSecurityGroup:DefaultSecurityGroup": replaces("ec2/vpc_default_security_group.go", "vpcId"),
  "ec2/instance:Instance": instance,
  "ec2/eip:Eip": replaces("ec2/ec2_eip.go", "domain"),
  "ec2/tag:Tag": replaces("ec2/tag_gen.go", "resourceId key"),
  "ec2/placementGroup:PlacementGroup": replaces("ec2/ec2_placement_group.go", "strategy partitionCount name"),
  "ebs/volume:Volume": volume,
  "ec2/volumeAttachment:VolumeAttachment": replaces("ec2/ebs_volume_attachment.go", "instanceId volumeId deviceName"),
  "ec2/launchTemplate:LaunchTemplate": replaces("ec2/ec2_launch_template.go", "name"),
  "autoscaling/group:Group": {
    ...replaces("autoscaling/group.go", "name initialLifecycleHooks"),
    ...keeps("autoscaling/group.go", "desiredCapacity targetGroupArns"),
  },
  "autoscaling/lifecycleHook:LifecycleHook": replaces("autoscaling/lifecycle_hook.go", "name autoscalingGroupName"),
  "autoscaling/policy:Policy": replaces("autoscaling/policy.go", "autoscalingGroupName name"),
  "autoscaling/schedule:Schedule": replaces("autoscaling/schedule.go", "autoscalingGroupName scheduledActionName"),
  "lb/loadBalancer:LoadBalancer": {
    ...replaces("elbv2/load_balancer.go", "namePrefix loadBalancerType internal"),
    ...keeps("elbv2/load_balancer.go", "securityGroups subnets"),
  },
  "lb/targetGroup:TargetGroup": {
    ...replaces("elbv2/target_group.go", "namePrefix port protocol vpcId targetType"),
    ...keeps("elbv2/target_group.go", "stickiness healthCheck"),
  },
  "lb/listener:Listener": replaces("elbv2/listener.go", "loadBalancerArn"),
  "lb/targetGroupAttachment:TargetGroupAttachment": replaces("elbv2/target_group_attachment.go", "targetGroupArn targetId port"),
  "route53/record:Record": replaces("route53/record.go", "zoneId name type"),
  "iam/role:Role": replaces("iam/role.go", "name"),
  "iam/rolePolicy:RolePolicy": replaces("iam/role_policy.go", "role"),
  "iam/instanceProfile:InstanceProfile": replaces("iam/instance_profile.go; the fleet's own is never given another role", "role"),
  "s3/bucket:Bucket": replaces("s3/bucket.go", "bucket"),
  ...Object.fromEntries(
    [
      ...["PublicAccessBlock", "Versioning", "ServerSideEncryptionConfiguration", "OwnershipControls", "RequestPaymentConfiguration"],
      ...["Policy", "LifecycleConfiguration", "Notification"],
    ].map((what) => [`s3/bucket${what}:Bucket${what}`, replaces("s3/bucket_*.go", "bucket")]),
  ),
  "s3/bucketObjectv2:BucketObjectv2": replaces("s3/object.go", "bucket key"),
  "sqs/queue:Queue": replaces("sqs/queue.go", "name"),
  "sqs/queuePolicy:QueuePolicy": replaces("sqs/queue_policy.go", "queueUrl"),
  "sns/topic:Topic": replaces("sns/topic.go", "name"),
  "sns/topicSubscription:TopicSubscription": replaces("sns/topic_subscription.go", "topic protocol endpoint"),
  "cloudwatch/metricAlarm:MetricAlarm": replaces("cloudwatch/metric_alarm.go", "name"),
  "cloudwatch/logGroup:LogGroup": replaces("logs/group.go", "name"),
  "rds/subnetGroup:SubnetGroup": replaces("rds/subnet_group.go", "name"),
  "rds/parameterGroup:ParameterGroup": replaces("rds/parameter_group.go", "name family description"),
  "rds/instance:Instance": {
    ...replaces("rds/instance.go", "engine username storageEncrypted dbName"),
    ...replaces("rds/instance.go: another group means a move, which RDS refuses within a VPC", "dbSubnetGroupName"),
  },
};

/** Of a property path as the engine writes it: `rootBlockDevice.iops`, `ingress[0].fromPort`. Its own rule, or that of what it is part of. */
export function ruleOf(of: Rules, path: string): Rule | undefined {
  const names = path.replace(/\[[^\]]*\]/g, "").split(".");
  for (let length = names.length; length > 0; length--) {
    const rule = of[names.slice(0, length).join(".")];
    if (rule) return rule;
  }
  return undefined;
}
