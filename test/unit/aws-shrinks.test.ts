// A disk on AWS never shrinks: what asks for it is refused at `check`, with the place in the stack file.

import { expect, test } from "vitest";
import { type Made, shrinksIn } from "../../components/targets/aws/facts/shrinks.ts";
import { aws } from "../../components/targets/aws/target.ts";
import { fleetOn } from "../../components/targets/contract.ts";
import { planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import { pathText } from "../../spec/path.ts";
import { parseStack } from "../../spec/read.ts";

const made = (type: string, name: string, inputs: object, outputs: object = {}, more: object = {}): Made => ({
  ...{ type, urn: `urn:pulumi:x::contest-fleet::fleet:aws:Fleet$${type}::${name}` },
  ...{ inputs: inputs as never, outputs: outputs as never, ...more },
});
const state = [
  made("pulumi:index:Stash", "t-aws-image-ubuntu-24.04-amd64", {}, { output: "ami-0a" }),
  made("aws:ec2/instance:Instance", "t-aws-isu1", { ami: "ami-0a", rootBlockDevice: { volumeSize: 40 } }),
  made("aws:ebs/volume:Volume", "t-aws-isu1-data", { size: 100 }),
  made("aws:ebs/volume:Volume", "t-aws-isu1-logs", { size: 100 }, {}, { delete: true }),
  made("aws:ebs/volume:Volume", "t-aws-one-data", { size: 50 }),
  made("aws:rds/instance:Instance", "t-aws-db", { engine: "postgres", allocatedStorage: 60 }),
];

function refused(...lines: readonly string[]): readonly string[] {
  const fleet = [
    "team: t",
    "target:",
    ...["kind: aws", "region: us-east-1", "sshFrom: [203.0.113.7/32]", ...lines].map((line) => `  ${line}`),
    "servers: { isu1: { roles: [base] } }",
  ];
  const text = `config:\n  contest-fleet:fleet:\n${fleet.map((line) => `    ${line}\n`).join("")}`;
  const { spec } = parseStack(text, "stacks/Pulumi.x.yaml", choices);
  const { spec: planned } = planFleet(spec, { stack: "x", cores: 2, architecture: "amd64", overlays: {} });
  const { target } = fleetOn(aws, planned)!;
  const found = shrinksIn({ target, team: "t", servers: ["isu1"] }, state);
  return found.map(({ path, reason }) => `${pathText(path)}: ${reason.split(";")[0]}`);
}

test.for([
  ["a root disk", ["rootGB: 20"], "target.rootGB: expected at least 40 (GB), which `t-aws-isu1` has, got `20`"],
  ["what nobody says and is smaller", [], "target.rootGB: expected at least 40 (GB), which `t-aws-isu1` has, got `20`"],
  [
    "one server's",
    ["rootGB: 40", "servers: { isu1: { rootGB: 30 } }"],
    "target.servers.isu1.rootGB: expected at least 40 (GB), which `t-aws-isu1` has, got `30`",
  ],
  [
    "a volume",
    ["rootGB: 40", "volumes: [{ name: data, sizeGB: 50 }]"],
    "target.volumes.0.sizeGB: expected at least 100 (GB), which `t-aws-isu1-data` has, got `50`",
  ],
  [
    "what a pool's server carries along",
    ["rootGB: 40", 'pools: { one: { script: "#!/bin/sh\\n", size: { max: 1 }, single: { volume: { sizeGB: 10 } } } }'],
    "target.pools.one.single.volume.sizeGB: expected at least 50 (GB), which `t-aws-one-data` has, got `10`",
  ],
  [
    "a database's",
    ["rootGB: 40", "databases: { db: { engine: postgres, storageGB: 20 } }"],
    "target.databases.db.storageGB: expected at least 60 (GB), which `t-aws-db` has, got `20`",
  ],
] as const)("%s is refused smaller", ([, lines, sentence]) => {
  expect(refused(...lines).map((each) => each.replace("[0]", ".0"))).toEqual([sentence]);
});

test.for([
  ["as it is", ["rootGB: 40", "volumes: [{ name: data, sizeGB: 100 }]"]],
  ["larger", ["rootGB: 41", "volumes: [{ name: data, sizeGB: 200 }]"]],
  ["on another image, which makes another server", ["image: debian-12", "rootGB: 20"]],
  ["on another architecture", ["instanceType: t4g.small", "rootGB: 20"]],
  ["of another engine, which makes another database", ["rootGB: 40", "databases: { db: { engine: mysql, storageGB: 20 } }"]],
  ["where the old one goes at the end of a run", ["rootGB: 40", "volumes: [{ name: logs, sizeGB: 5 }]"]],
] as const)("nothing is refused %s", ([, lines]) => {
  expect(refused(...lines)).toEqual([]);
});
