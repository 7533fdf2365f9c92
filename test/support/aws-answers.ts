// What AWS would answer to the components: attributes that only exist once a thing does.
import type { MockAnswers } from "./mock-pulumi.ts";

const arn = (service: string) => (name: string) => ({ arn: `arn:aws:${service}:::${name}` });

export const awsAnswers: MockAnswers = {
  outputs: {
    "aws:ec2/vpc:Vpc": (name) => ({
      defaultRouteTableId: `${name}-default-routes`,
      defaultNetworkAclId: `${name}-default-acl`,
      defaultSecurityGroupId: `${name}-default-group`,
    }),
    "aws:ec2/subnet:Subnet": (name) => ({ availabilityZone: `zone-of-${name}` }),
    "aws:ec2/instance:Instance": (name, { privateIp }) => ({
      publicIp: "203.0.113.7",
      privateIp: privateIp ?? "172.31.0.9",
      primaryNetworkInterfaceId: `${name}-eni`,
      availabilityZone: "ap-northeast-1a",
    }),
    "fleet:index:InstancePower": () => ({ state: "running", address: "" }),
    "aws:ec2/eip:Eip": () => ({ publicIp: "203.0.113.9", allocationId: "eipalloc-1" }),
    "aws:ec2/launchTemplate:LaunchTemplate": () => ({ latestVersion: 7 }),
    "aws:ec2/placementGroup:PlacementGroup": (name) => ({ name }),
    "aws:autoscaling/group:Group": (name, inputs) => ({ name: inputs.name ?? name }),
    "aws:lb/loadBalancer:LoadBalancer": (name) => ({
      ...arn("elasticloadbalancing")(name),
      dnsName: `${name}.elb.test`,
      zoneId: "Z-of-elb",
    }),
    "aws:lb/targetGroup:TargetGroup": arn("elasticloadbalancing:group"),
    "aws:lb/listener:Listener": arn("elasticloadbalancing:listener"),
    "aws:iam/role:Role": (name) => ({ name, ...arn("iam")(name) }),
    "aws:iam/instanceProfile:InstanceProfile": (name) => ({ name, ...arn("iam")(name) }),
    "aws:sns/topic:Topic": arn("sns"),
    "aws:sqs/queue:Queue": (name, inputs) => ({
      url: `https://sqs/${inputs.name ?? name}`,
      name: inputs.name ?? name,
      ...arn("sqs")(name),
    }),
    "aws:s3/bucket:Bucket": (name) => ({ bucket: `${name}-0a1b`, ...arn("s3")(name) }),
    "aws:rds/instance:Instance": (name) => ({ address: `${name}.rds.test`, port: 3306, masterUserSecrets: [{ secretArn: "arn:secret" }] }),
    "aws:rds/subnetGroup:SubnetGroup": (name) => ({ name }),
    "aws:rds/parameterGroup:ParameterGroup": (name) => ({ name }),
  },
  calls: {
    "aws:ssm/getParameter:getParameter": ({ name }) => ({ name, value: `ami-0of${String(name).length}` }),
    "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({ zoneIds: ["apne1-az4", "apne1-az1", "apne1-az2"] }),
    "aws:route53/getZone:getZone": ({ name }) => ({ zoneId: `Z-${name}` }),
    "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: "123456789012" }),
    "aws:ec2/getAmi:getAmi": () => ({ rootDeviceName: "/dev/sda1" }),
    "aws:ec2/getVpc:getVpc": () => ({ id: "vpc-default" }),
    "aws:ec2/getSubnet:getSubnet": ({ availabilityZoneId }) => ({
      id: `subnet-of-${availabilityZoneId}`,
      availabilityZone: `zone-of-${availabilityZoneId}`,
      mapPublicIpOnLaunch: true,
    }),
  },
};

/** The same with what our own provider would answer of a whole team's fleet. */
export const teamAnswers: MockAnswers = {
  ...awsAnswers,
  outputs: {
    ...awsAnswers.outputs,
    "fleet:index:TeamKeys": () => ({ keys: {} }),
    "fleet:index:OwnHostKey": (name) => ({ hostKey: `ssh-ed25519 own-of-${name}` }),
    "fleet:index:Host": () => ({ facts: {} }),
  },
};
