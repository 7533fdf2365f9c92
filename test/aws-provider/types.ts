// The table: a type of @pulumi/aws, and the calls behind it.
import type { Resources } from "../../provisioners/provider/resource.ts";
import * as balancers from "./balancers.ts";
import * as buckets from "./buckets.ts";
import * as budgets from "./budgets.ts";
import * as databases from "./databases.ts";
import * as groups from "./groups.ts";
import * as identity from "./identity.ts";
import * as logs from "./logs.ts";
import * as messages from "./messages.ts";
import * as network from "./network.ts";
import { rules } from "./rules.ts";
import * as scaling from "./scaling.ts";
import * as servers from "./servers.ts";
import { type AwsType, resourceOf } from "./type.ts";
import * as volumes from "./volumes.ts";

/** For what the emulator has no call for: there when it was made, gone when it was deleted. Its drift can't be seen here. */
const remembered: AwsType = {
  create: async (_inputs, name) => name,
  read: async () => ({}),
  update: async () => {},
  delete: async () => {},
};

const types: Readonly<Record<string, AwsType>> = {
  "budgets/budget:Budget": budgets.budget,
  "ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": remembered,
  "ec2/vpc:Vpc": network.vpc,
  "ec2/internetGateway:InternetGateway": network.internetGateway,
  "ec2/subnet:Subnet": network.subnet,
  "ec2/defaultRouteTable:DefaultRouteTable": network.defaultRouteTable,
  "ec2/defaultNetworkAcl:DefaultNetworkAcl": network.defaultNetworkAcl,
  "ec2/securityGroup:SecurityGroup": groups.securityGroup,
  "ec2/defaultSecurityGroup:DefaultSecurityGroup": groups.defaultSecurityGroup,
  "ec2/instance:Instance": servers.instance,
  "ec2/eip:Eip": servers.eip,
  "ec2/tag:Tag": servers.tag,
  "ec2/placementGroup:PlacementGroup": volumes.placementGroup,
  "ebs/volume:Volume": volumes.volume,
  "ec2/volumeAttachment:VolumeAttachment": volumes.volumeAttachment,
  "dlm/lifecyclePolicy:LifecyclePolicy": volumes.lifecyclePolicy,
  "ec2/launchTemplate:LaunchTemplate": servers.launchTemplate,
  "autoscaling/group:Group": scaling.group,
  "autoscaling/policy:Policy": scaling.policy,
  "autoscaling/schedule:Schedule": scaling.schedule,
  "autoscaling/lifecycleHook:LifecycleHook": scaling.lifecycleHook,
  "autoscaling/notification:Notification": remembered,
  "lb/loadBalancer:LoadBalancer": balancers.loadBalancer,
  "lb/targetGroup:TargetGroup": balancers.targetGroup,
  "lb/listener:Listener": balancers.listener,
  "lb/targetGroupAttachment:TargetGroupAttachment": balancers.targetGroupAttachment,
  "route53/record:Record": remembered,
  "iam/role:Role": identity.role,
  "iam/rolePolicy:RolePolicy": identity.rolePolicy,
  "iam/instanceProfile:InstanceProfile": identity.instanceProfile,
  "s3/bucket:Bucket": buckets.bucket,
  "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": buckets.publicAccessBlock,
  "s3/bucketVersioning:BucketVersioning": buckets.versioning,
  "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": buckets.encryption,
  "s3/bucketOwnershipControls:BucketOwnershipControls": buckets.ownership,
  "s3/bucketRequestPaymentConfiguration:BucketRequestPaymentConfiguration": remembered,
  "s3/bucketPolicy:BucketPolicy": buckets.bucketPolicy,
  "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": buckets.lifecycle,
  "s3/bucketNotification:BucketNotification": buckets.notification,
  "s3/bucketObjectv2:BucketObjectv2": buckets.object,
  "sqs/queue:Queue": messages.queue,
  "sqs/queuePolicy:QueuePolicy": messages.queuePolicy,
  "sqs/redriveAllowPolicy:RedriveAllowPolicy": remembered,
  "sns/topic:Topic": messages.topic,
  "sns/topicSubscription:TopicSubscription": messages.topicSubscription,
  "cloudwatch/metricAlarm:MetricAlarm": messages.metricAlarm,
  "cloudwatch/logGroup:LogGroup": logs.logGroup,
  "rds/subnetGroup:SubnetGroup": databases.subnetGroup,
  "rds/parameterGroup:ParameterGroup": databases.parameterGroup,
  "rds/instance:Instance": databases.databaseInstance,
};

export const resources: Resources = Object.fromEntries(
  Object.entries(types).map(([name, type]) => [`aws:${name}`, resourceOf(type, rules[name])]),
);
