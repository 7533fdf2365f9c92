// What a preview says of servers on EC2 beside the changes themselves.
import { expect, test } from "vitest";
import { fates } from "../../cli/preview/warnings.ts";
import { unknown } from "../../provisioners/provider/wire.ts";

const type = "aws:ec2/instance:Instance";
const urn = `urn:pulumi:team-a::contest-fleet::fleet:aws:Server$${type}::team-a-aws-isu1`;
const state = (inputs: object) => ({ type, inputs: { ami: "ami-1", subnetId: "subnet-1", ...inputs } });
const step = (op: string, before: object, after: object) => ({ op, urn, oldState: state(before), newState: state(after) });

test("a stop, with what it loses", () => {
  expect(fates([step("update", { instanceType: "i4i.large" }, { instanceType: "i4i.xlarge" })])).toEqual([
    expect.stringMatching(
      /^team-a-aws-isu1: type `i4i.large` → `i4i.xlarge` stops and starts the server: .*instance-store disk\(s\) are lost$/,
    ),
  ]);
});

test("a replacement, once for all of its steps; of what is only known later, nothing", () => {
  const change = [{ instanceType: "c5.large" }, { instanceType: "c5.large", ami: "ami-2", subnetId: unknown }] as const;
  const said = fates(["delete-replaced", "replace", "create-replacement"].map((op) => step(op, ...change)));
  expect(said).toEqual([expect.stringMatching(/^team-a-aws-isu1: image `ami-1` → `ami-2` replaces the server/)]);
});

test("nothing of what costs nothing", () => {
  expect(fates([step("update", { instanceType: "c5.large", tags: {} }, { instanceType: "c5.large", tags: { a: "b" } })])).toEqual([]);
  expect(fates([{ ...step("update", {}, {}), urn: "urn:pulumi:team-a::contest-fleet::fleet:index:Host::team-a-isu1" }])).toEqual([]);
});
