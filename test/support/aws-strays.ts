// One thing of each kind that the fleet makes and the emulator knows (it has no placement groups and no endpoints of Instance Connect), tagged as the fleet tags: what is left when a state file is lost.

import * as scaling from "@aws-sdk/client-auto-scaling";
import * as watch from "@aws-sdk/client-cloudwatch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dlm from "@aws-sdk/client-dlm";
import * as ec2 from "@aws-sdk/client-ec2";
import * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import * as iam from "@aws-sdk/client-iam";
import * as rds from "@aws-sdk/client-rds";
import * as s3 from "@aws-sdk/client-s3";
import * as sns from "@aws-sdk/client-sns";
import * as sqs from "@aws-sdk/client-sqs";
import { region } from "./aws-emulator.ts";

export async function strew(stack: string): Promise<void> {
  const map = { project: "contest-fleet", team: "team-z", stack, expiry: "2020-01-01T00:00:00Z", owner: "x" };
  const Tags = Object.entries(map).map(([Key, Value]) => ({ Key, Value }));
  const born = (ResourceType: ec2.ResourceType) => ({ TagSpecifications: [{ ResourceType, Tags }] });
  const subnets = await strewEc2(born);
  const name = `${stack}'s; x`;
  const groups = new scaling.AutoScalingClient({ region });
  const LaunchTemplate = { LaunchTemplateName: `${stack}-template`, Version: "1" };
  const none = { MinSize: 0, MaxSize: 0, VPCZoneIdentifier: subnets[0] };
  const AutoScalingGroupName = `${stack}-group`;
  const onGroup = Tags.map((tag) => ({ ...tag, ResourceId: AutoScalingGroupName, ResourceType: "auto-scaling-group" }));
  await groups.send(new scaling.CreateAutoScalingGroupCommand({ AutoScalingGroupName, LaunchTemplate, ...none, Tags: onGroup }));
  const front = new elb.ElasticLoadBalancingV2Client({ region });
  await front.send(new elb.CreateLoadBalancerCommand({ Name: `${stack}-front`, Subnets: [...subnets], Tags }));
  await front.send(
    new elb.CreateTargetGroupCommand({ Name: `${stack}-group`, Port: 80, Protocol: "HTTP", VpcId: await vpcOf(subnets), Tags }),
  );
  await new sqs.SQSClient({ region }).send(new sqs.CreateQueueCommand({ QueueName: `${stack}-queue`, tags: map }));
  await new sns.SNSClient({ region }).send(new sns.CreateTopicCommand({ Name: `${stack}-topic`, Tags }));
  const alarm = {
    AlarmName: name,
    Namespace: "x",
    MetricName: "y",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    Statistic: "Sum",
  } as const;
  await new watch.CloudWatchClient({ region }).send(
    new watch.PutMetricAlarmCommand({ ...alarm, ComparisonOperator: "GreaterThanThreshold", Tags }),
  );
  await new logs.CloudWatchLogsClient({ region }).send(new logs.CreateLogGroupCommand({ logGroupName: `/${stack}/log`, tags: map }));
  await strewBucket(`${stack}-bucket`, Tags);
  await strewRoles(stack, Tags);
  await strewDatabases(stack, Tags, subnets);
  const policy = {
    ExecutionRoleArn: "arn:aws:iam::123456789012:role/x",
    Description: "daily",
    State: "ENABLED",
    PolicyDetails: {},
  } as const;
  await new dlm.DLMClient({ region }).send(new dlm.CreateLifecyclePolicyCommand({ ...policy, Tags: map }));
}

async function vpcOf([subnet = ""]: readonly string[]): Promise<string | undefined> {
  const { Subnets } = await new ec2.EC2Client({ region }).send(new ec2.DescribeSubnetsCommand({ SubnetIds: [subnet] }));
  return Subnets?.[0]?.VpcId;
}

type Born = (ResourceType: ec2.ResourceType) => { readonly TagSpecifications: ec2.TagSpecification[] };

async function strewEc2(born: Born): Promise<readonly string[]> {
  const client = new ec2.EC2Client({ region });
  const { Tags: tags = [] } = born("vpc").TagSpecifications[0] ?? {};
  const { Vpc } = await client.send(new ec2.CreateVpcCommand({ CidrBlock: "10.9.0.0/16", ...born("vpc") }));
  const VpcId = Vpc?.VpcId ?? "";
  const subnet = async (CidrBlock: string, AvailabilityZone: string) => {
    const { Subnet } = await client.send(new ec2.CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone, ...born("subnet") }));
    return Subnet?.SubnetId ?? "";
  };
  const subnets = [await subnet("10.9.0.0/24", `${region}a`), await subnet("10.9.1.0/24", `${region}c`)];
  const { InternetGateway } = await client.send(new ec2.CreateInternetGatewayCommand(born("internet-gateway")));
  const { InternetGatewayId } = InternetGateway ?? {};
  await client.send(new ec2.AttachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  const group = { VpcId, GroupName: "fleet", Description: "x" };
  const { GroupId = "" } = await client.send(new ec2.CreateSecurityGroupCommand({ ...group, ...born("security-group") }));
  const { Images = [] } = await client.send(new ec2.DescribeImagesCommand({}));
  const ImageId = Images.find(({ Architecture, Platform }) => Architecture === "x86_64" && !Platform)?.ImageId ?? "";
  const [SubnetId = ""] = subnets;
  const run = { ImageId, InstanceType: "c5.large" as const, MinCount: 1, MaxCount: 1, SubnetId, SecurityGroupIds: [GroupId] };
  const { Instances } = await client.send(new ec2.RunInstancesCommand({ ...run, ...born("instance") }));
  const { InstanceId = "", BlockDeviceMappings } = Instances?.[0] ?? {};
  const root = BlockDeviceMappings?.[0]?.Ebs?.VolumeId ?? "";
  await client.send(new ec2.CreateNetworkInterfaceCommand({ SubnetId, ...born("network-interface") }));
  const { VolumeId = "" } = await client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1, ...born("volume") }));
  await client.send(new ec2.CreateTagsCommand({ Resources: [root], Tags: tags }));
  await client.send(new ec2.CreateSnapshotCommand({ VolumeId, ...born("snapshot") }));
  await client.send(new ec2.CreateImageCommand({ InstanceId, Name: "own", ...born("image") }));
  await client.send(new ec2.AllocateAddressCommand({ Domain: "vpc", ...born("elastic-ip") }));
  await client.send(new ec2.CreateKeyPairCommand({ KeyName: "fleet", ...born("key-pair") }));
  const LaunchTemplateName = `${tags.find(({ Key }) => Key === "stack")?.Value}-template`;
  const LaunchTemplateData = { ImageId, InstanceType: "c5.large" } as const;
  await client.send(new ec2.CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData, ...born("launch-template") }));
  return subnets;
}

/** Versioned, with an old version and a mark of deletion: what a Pipeline's bucket is like. */
export async function strewBucket(Bucket: string, TagSet: s3.Tag[]): Promise<void> {
  const client = new s3.S3Client({ region });
  await client.send(new s3.CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  await client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  for (const Key of ["a b.jpg", "a b.jpg", "gone.jpg"]) await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "x" }));
  await client.send(new s3.DeleteObjectCommand({ Bucket, Key: "gone.jpg" }));
}

async function strewRoles(stack: string, Tags: iam.Tag[]): Promise<void> {
  const client = new iam.IAMClient({ region });
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const [RoleName, InstanceProfileName] = [`${stack}-role`, `${stack}-profile`];
  await client.send(new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust), Tags }));
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] });
  await client.send(new iam.PutRolePolicyCommand({ RoleName, PolicyName: "work", PolicyDocument }));
  await client.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName, Tags }));
  await client.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
}

async function strewDatabases(stack: string, Tags: rds.Tag[], SubnetIds: readonly string[]): Promise<void> {
  const client = new rds.RDSClient({ region });
  const [DBSubnetGroupName, DBParameterGroupName, DBInstanceIdentifier] = [`${stack}-nets`, `${stack}-settings`, `${stack}-db`];
  const said = { DBSubnetGroupDescription: "x", SubnetIds: [...SubnetIds] };
  await client.send(new rds.CreateDBSubnetGroupCommand({ DBSubnetGroupName, ...said, Tags }));
  const family = { DBParameterGroupFamily: "postgres16", Description: "x" };
  await client.send(new rds.CreateDBParameterGroupCommand({ DBParameterGroupName, ...family, Tags }));
  const login = { MasterUsername: "app", MasterUserPassword: "only for this test", AllocatedStorage: 20 };
  const what = { Engine: "postgres", DBInstanceClass: "db.t4g.medium", DBSubnetGroupName, DBParameterGroupName };
  await client.send(new rds.CreateDBInstanceCommand({ DBInstanceIdentifier, ...what, ...login, Tags }));
  await client.send(new rds.CreateDBSnapshotCommand({ DBInstanceIdentifier, DBSnapshotIdentifier: `${stack}-last`, Tags }));
}
