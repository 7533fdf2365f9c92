// A stack with `target: aws`, from its spec to what is registered: the same roles as anywhere, their files known before a server is.
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { factsOnAws } from "../../components/targets/aws/facts/servers.ts";
import { deviceOf } from "../../components/targets/aws/server.ts";
import { TeamFleet } from "../../components/team-fleet.ts";
import { latesIn } from "../../provisioners/engine/placeholders.ts";
import { completeFacts, expandRole, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { teamAnswers } from "../support/aws-answers.ts";
import { mockPulumi, type Registered } from "../support/mock-pulumi.ts";

const around = { stack: "event-a", cores: 2, architecture: "amd64", overlays: {} } as const;
const specOf = (more: object, servers: object) => {
  const fleet = { team: "team-a", target: { kind: "aws", region: "ap-northeast-1", sshFrom: ["203.0.113.0/24"], ...more }, servers };
  return parseStack(stringify({ config: { "contest-fleet:fleet": fleet } }), "Pulumi.event-a.yaml", choices).spec;
};
const roles = { roles: ["base", "nginx"] };

test("facts come from type and image, addresses from the network that the fleet makes", () => {
  const servers = { isu1: roles, isu2: { ...roles, privateAddress: "192.168.0.50" }, arm: roles };
  const plan = planFleet(specOf({ servers: { arm: { instanceType: "c6g.xlarge", image: "debian-12" } } }, servers), around);
  expect(plan.servers.map(({ view }) => view.privateAddress)).toEqual(["192.168.0.11", "192.168.0.50", "192.168.0.12"]);
  expect(completeFacts(plan.servers[0]!.declared)).toEqual({
    ...{ distribution: "ubuntu", version: "24.04", packageManager: "apt", container: false, cloudInit: true },
    ...{ architecture: "amd64", cores: 2, memoryMiB: 3686 },
  });
  expect(plan.servers[2]!.declared).toMatchObject({ distribution: "debian", version: "12", architecture: "arm64", cores: 4 });
  expect(factsOnAws("c6g.xlarge", "al2023")).toMatchObject({ distribution: "amzn", packageManager: "dnf", architecture: "arm64" });
});

test("a volume with a mount point is made a filesystem of once, and mounted, by the device that only AWS knows", () => {
  const volumes = [
    { name: "data", sizeGB: 9, mountPoint: "/srv/data" },
    { name: "raw", sizeGB: 9 },
  ];
  const plan = planFleet(specOf({ volumes }, { isu1: roles }), around);
  const [server] = plan.servers;
  const wants = expandRole(plan, server!, "base", completeFacts(server!.declared)!);
  expect(Object.keys(wants).filter((each) => /volume|mount|xfs/.test(each))).toEqual([
    "package[xfsprogs]",
    "command[volume-data]",
    "mount[/srv/data]",
    "command[volume-data-grown]",
  ]);
  expect(wants["command[volume-data-grown]"]).toMatchObject({ run: "xfs_growfs /srv/data", after: ["mount[/srv/data]"] });
  expect(wants["mount[/srv/data]"]).toMatchObject({ what: "⟦volume:isu1/data⟧", type: "xfs", after: ["command[volume-data]"] });
  expect(latesIn(wants)).toContain("volume:isu1/data");
  expect(deviceOf({ xen: false }, 0, "vol-0abc")).toBe("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc");
  expect(deviceOf({ xen: true }, 1, "vol-0abc")).toBe("/dev/xvdk");
});

test("an AMI tells no distribution: that waits for the server", () => {
  const plan = planFleet(specOf({ image: "ami-0123456789abcdef0" }, { isu1: roles }), around);
  expect(completeFacts(plan.servers[0]!.declared)).toBeUndefined();
  expect(plan.servers[0]!.declared.cores).toBe(2);
});

test("behind a door, port 22 is closed, and every server is reached by the AWS CLI with its own instance", async () => {
  const ways = {
    "instance-connect":
      /^aws --region ap-northeast-1 ec2-instance-connect open-tunnel --instance-id \S+ --instance-connect-endpoint-id \S+ --remote-port %p$/,
    "session-manager":
      /^aws --region ap-northeast-1 ssm start-session --target \S+ --document-name AWS-StartSSHSession --parameters portNumber=%p$/,
  };
  for (const [door, way] of Object.entries(ways)) {
    const plan = planFleet(specOf({ door, instanceProfile: "with-ssm", sshFrom: undefined }, { isu1: roles, isu2: roles }), around);
    const { resources } = await mockPulumi(() => new TeamFleet("team-a", { plan, config: pulumi.output({}) }), teamAnswers);
    const of = (type: string) => resources.filter((each: Registered) => each.type === type).map(({ inputs }) => inputs);
    type Sent = { readonly proxyCommand?: string; readonly value?: { readonly proxyCommand: string } };
    const sent = (inputs: readonly Registered["inputs"][]) =>
      inputs.map(({ connection }) => (connection as Sent).proxyCommand ?? (connection as Sent).value?.proxyCommand);
    const all = ["fleet:index:OwnHostKey", "fleet:index:Host", "fleet:index:Role"].flatMap((type) => sent(of(type)));
    expect(all.filter((each) => !way.test(each ?? ""))).toEqual([]);
    expect(new Set(all).size).toBe(2);
    const [group] = of("aws:ec2/securityGroup:SecurityGroup");
    expect((group!.ingress as { fromPort: number; protocol: string }[]).map(({ fromPort }) => fromPort)).not.toContain(22);
    expect(of("aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint")).toHaveLength(door === "instance-connect" ? 1 : 0);
  }
});

test("in the default VPC several servers need addresses of their own", () => {
  const spec = (servers: object) => specOf({ vpc: "default" }, servers);
  expect(() => planFleet(spec({ isu1: roles, isu2: roles }), around)).toThrow("servers.isu1.privateAddress: expected an address");
  expect(planFleet(spec({ isu1: roles }), around).servers[0]!.view.privateAddress).toBe("127.0.0.1");
});

test("each server makes a host key of its own, and everything after it trusts that one alone", async () => {
  const plan = planFleet(specOf({}, { isu1: roles, isu2: roles }), around);
  const config = pulumi.output({});
  const { resources } = await mockPulumi(() => new TeamFleet("team-a", { plan, config }), teamAnswers);
  const of = (type: string) => resources.filter((each: Registered) => each.type === type).map(({ inputs }) => inputs);
  type Sent = { readonly hostKey?: string; readonly value?: { readonly hostKey: string } };
  // The mocks see a secret in its envelope.
  const keyIn = ({ hostKey, value }: Sent) => hostKey ?? value?.hostKey;
  const keysOf = (type: string) => of(type).map(({ connection }) => keyIn(connection as Sent));
  const own = ["isu1", "isu2"].map((server) => `ssh-ed25519 own-of-team-a-${server}-own-host-key`);
  expect(keysOf("fleet:index:OwnHostKey")).toEqual(["isu1", "isu2"].map((server) => `ssh-ed25519 AAAA-of-team-a-aws-${server}-host-key`));
  expect(keysOf("fleet:index:Host")).toEqual(own);
  expect(new Set(keysOf("fleet:index:Role"))).toEqual(new Set(own));
  const nginx = of("fleet:index:Role").filter(({ role }) => role === "nginx");
  expect(nginx).toHaveLength(2);
  for (const { resources } of nginx) expect(Object.keys(resources as object)).toContain("file[/etc/nginx/nginx.conf]");
});
