// SSH without an open port: through an endpoint of EC2 Instance Connect in the servers' network, or SSM's agent. The AWS CLI is the program that
// OpenSSH's users know for it, so `fleet ssh`, `up` and all go by one ProxyCommand.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network.ts";
import type { AwsTarget } from "./settings/target.ts";
import { type Ownership, tagsOf } from "./tags.ts";

/** The command by which a server is reached, by its instance; undefined where its port 22 is open. */
export type Way = (instance: pulumi.Input<string>) => pulumi.Output<string>;

/** Of one endpoint for all. It costs nothing, and takes AWS some minutes to make. */
export function doorOf(
  name: string,
  { door, region }: Pick<AwsTarget, "door" | "region">,
  { ownership, network }: { readonly ownership: Ownership; readonly network: Network },
  opts: pulumi.CustomResourceOptions,
): Way | undefined {
  if (door === "public") return undefined;
  if (door === "session-manager")
    return (instance) =>
      pulumi.interpolate`aws --region ${region} ssm start-session --target ${instance} --document-name AWS-StartSSHSession --parameters portNumber=%p`;
  // In the servers' own group, whose members reach each other: nothing is opened for it.
  const place = { subnetId: network.subnetIds[0]!, securityGroupIds: [network.securityGroupId], preserveClientIp: false };
  const endpoint = new aws.ec2transitgateway.InstanceConnectEndpoint(name, { ...place, tags: tagsOf(ownership, name) }, opts);
  return (instance) =>
    pulumi.interpolate`aws --region ${region} ec2-instance-connect open-tunnel --instance-id ${instance} --instance-connect-endpoint-id ${endpoint.id} --remote-port %p`;
}
