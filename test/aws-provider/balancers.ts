// Load balancers, their target groups and listeners. Names in Route 53 are remembered: see types.ts.
import * as sdk from "@aws-sdk/client-elastic-load-balancing-v2";
import { elb } from "./clients.ts";
import { type AwsType, gone, type Inputs, type Tags, tagList, tagMap } from "./type.ts";

const nameOf = ({ namePrefix }: Inputs, name: string): string => `${namePrefix}${name.slice(-7)}${Math.random().toString(36).slice(2, 8)}`;

async function retag(arn: string, now: Tags, olds: Tags = {}): Promise<void> {
  const TagKeys = Object.keys(olds).filter((key) => now[key] === undefined);
  if (TagKeys.length > 0) await elb().send(new sdk.RemoveTagsCommand({ ResourceArns: [arn], TagKeys }));
  await elb().send(new sdk.AddTagsCommand({ ResourceArns: [arn], Tags: tagList(now) }));
}

async function tagsAt(arn: string): Promise<Tags> {
  const { TagDescriptions } = await elb().send(new sdk.DescribeTagsCommand({ ResourceArns: [arn] }));
  return tagMap(TagDescriptions?.[0]?.Tags);
}

const types: Readonly<Record<string, sdk.LoadBalancerTypeEnum>> = { application: "application", network: "network" };

export const loadBalancer: AwsType = {
  async create(inputs, name) {
    const { subnets: Subnets, securityGroups: SecurityGroups, tags } = inputs;
    const args = { Name: nameOf(inputs, name), Type: types[inputs.loadBalancerType], Subnets, SecurityGroups, Tags: tagList(tags) };
    const { LoadBalancers } = await elb().send(new sdk.CreateLoadBalancerCommand(args));
    return LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  },
  async read(id) {
    const found = await gone(elb().send(new sdk.DescribeLoadBalancersCommand({ LoadBalancerArns: [id] })));
    const [one] = found?.LoadBalancers ?? [];
    if (!one) return undefined;
    const place = { subnets: one.AvailabilityZones?.map(({ SubnetId }) => SubnetId), securityGroups: one.SecurityGroups };
    return { arn: id, dnsName: one.DNSName, zoneId: one.CanonicalHostedZoneId, ...place, tags: await tagsAt(id) };
  },
  async update(id, { subnets: Subnets, securityGroups: SecurityGroups, tags }, olds) {
    await elb().send(new sdk.SetSubnetsCommand({ LoadBalancerArn: id, Subnets }));
    await elb().send(new sdk.SetSecurityGroupsCommand({ LoadBalancerArn: id, SecurityGroups }));
    await retag(id, tags, olds.tags);
  },
  delete: async (id) => void (await elb().send(new sdk.DeleteLoadBalancerCommand({ LoadBalancerArn: id }))),
};

const healthOf = ({ healthCheck }: Inputs) => ({
  HealthCheckEnabled: healthCheck.enabled,
  HealthCheckProtocol: healthCheck.protocol,
  HealthCheckPort: healthCheck.port,
  HealthCheckPath: healthCheck.path,
  HealthCheckIntervalSeconds: healthCheck.interval,
  HealthCheckTimeoutSeconds: healthCheck.timeout,
  HealthyThresholdCount: healthCheck.healthyThreshold,
  UnhealthyThresholdCount: healthCheck.unhealthyThreshold,
  ...(healthCheck.matcher && { Matcher: { HttpCode: healthCheck.matcher } }),
});

const setAttributes = (TargetGroupArn: string, { deregistrationDelay, slowStart, stickiness }: Inputs) =>
  elb().send(
    new sdk.ModifyTargetGroupAttributesCommand({
      TargetGroupArn,
      Attributes: [
        { Key: "deregistration_delay.timeout_seconds", Value: String(deregistrationDelay) },
        ...(slowStart === undefined ? [] : [{ Key: "slow_start.duration_seconds", Value: String(slowStart) }]),
        { Key: "stickiness.enabled", Value: String(stickiness.enabled) },
        { Key: "stickiness.type", Value: stickiness.type },
      ],
    }),
  );

const healthAt = (one: sdk.TargetGroup) => ({
  enabled: one.HealthCheckEnabled,
  protocol: one.HealthCheckProtocol,
  port: one.HealthCheckPort,
  path: one.HealthCheckPath,
  interval: one.HealthCheckIntervalSeconds,
  timeout: one.HealthCheckTimeoutSeconds,
  healthyThreshold: one.HealthyThresholdCount,
  unhealthyThreshold: one.UnhealthyThresholdCount,
  matcher: one.Matcher?.HttpCode,
});

export const targetGroup: AwsType = {
  async create(inputs, name) {
    const { port: Port, protocol: Protocol, vpcId: VpcId, targetType: TargetType, tags } = inputs;
    const args = { Name: nameOf(inputs, name), Port, Protocol, VpcId, TargetType, ...healthOf(inputs), Tags: tagList(tags) };
    const { TargetGroups } = await elb().send(new sdk.CreateTargetGroupCommand(args));
    const arn = TargetGroups?.[0]?.TargetGroupArn ?? "";
    await setAttributes(arn, inputs);
    return arn;
  },
  async read(id) {
    const found = await gone(elb().send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: [id] })));
    const [one] = found?.TargetGroups ?? [];
    if (!one) return undefined;
    const { Attributes = [] } = await elb().send(new sdk.DescribeTargetGroupAttributesCommand({ TargetGroupArn: id }));
    const drain = Attributes.find(({ Key }) => Key === "deregistration_delay.timeout_seconds")?.Value;
    const own = { port: one.Port, protocol: one.Protocol, vpcId: one.VpcId, targetType: one.TargetType };
    const healthCheck = healthAt(one);
    return { arn: id, ...own, healthCheck, deregistrationDelay: Number(drain), tags: await tagsAt(id) };
  },
  async update(id, inputs, olds) {
    const { HealthCheckEnabled: _, ...health } = healthOf(inputs);
    await elb().send(new sdk.ModifyTargetGroupCommand({ TargetGroupArn: id, ...health }));
    await setAttributes(id, inputs);
    await retag(id, inputs.tags, olds.tags);
  },
  delete: async (id) => void (await elb().send(new sdk.DeleteTargetGroupCommand({ TargetGroupArn: id }))),
};

const actionsOf = ({ defaultActions }: Inputs): sdk.Action[] =>
  defaultActions.map(({ type: Type, targetGroupArn: TargetGroupArn, redirect }: Inputs) => ({
    Type,
    TargetGroupArn,
    ...(redirect && { RedirectConfig: { Port: redirect.port, Protocol: redirect.protocol, StatusCode: redirect.statusCode } }),
  }));

const listenerOf = (inputs: Inputs) => ({
  Port: inputs.port,
  Protocol: inputs.protocol,
  DefaultActions: actionsOf(inputs),
  ...(inputs.certificateArn && { Certificates: [{ CertificateArn: inputs.certificateArn }], SslPolicy: inputs.sslPolicy }),
});

export const listener: AwsType = {
  async create({ loadBalancerArn: LoadBalancerArn, tags, ...inputs }) {
    const args = { LoadBalancerArn, ...listenerOf(inputs), Tags: tagList(tags) };
    return (await elb().send(new sdk.CreateListenerCommand(args))).Listeners?.[0]?.ListenerArn ?? "";
  },
  async read(id) {
    const found = await gone(elb().send(new sdk.DescribeListenersCommand({ ListenerArns: [id] })));
    const [one] = found?.Listeners ?? [];
    return one && { arn: id, port: one.Port, protocol: one.Protocol, tags: await tagsAt(id) };
  },
  async update(id, { tags, ...inputs }, olds) {
    await elb().send(new sdk.ModifyListenerCommand({ ListenerArn: id, ...listenerOf(inputs) }));
    await retag(id, tags, olds.tags);
  },
  delete: async (id) => void (await elb().send(new sdk.DeleteListenerCommand({ ListenerArn: id }))),
};

export const targetGroupAttachment: AwsType = {
  async create({ targetGroupArn: TargetGroupArn, targetId: Id, port: Port }) {
    await elb().send(new sdk.RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id, Port }] }));
    return `${TargetGroupArn}-${Id}`;
  },
  async read(_id, { targetGroupArn: TargetGroupArn, targetId: Id, port }) {
    const found = await gone(elb().send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn })));
    const one = found?.TargetHealthDescriptions?.find(({ Target }) => Target?.Id === Id);
    return one && { targetGroupArn: TargetGroupArn, targetId: Id, port };
  },
  async delete(_id, { targetGroupArn: TargetGroupArn, targetId: Id, port: Port }) {
    await gone(elb().send(new sdk.DeregisterTargetsCommand({ TargetGroupArn, Targets: [{ Id, Port }] })));
  },
};
