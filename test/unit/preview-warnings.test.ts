// What a preview says of servers on EC2 beside the changes themselves.
import { describe, expect, test } from "vitest";
import { fates } from "../../cli/preview/warnings.ts";
import { unknown } from "../../provisioners/provider/wire.ts";

const type = "aws:ec2/instance:Instance";
const urn = `urn:pulumi:team-a::contest-fleet::fleet:aws:Server$${type}::team-a-aws-isu1`;
const state = (inputs: object) => ({ type, inputs: { ami: "ami-1", subnetId: "subnet-1", ...inputs } });
const step = (op: string, before: object, after: object) => ({ op, urn, oldState: state(before), newState: state(after) });

test("a stop, with what it loses", () => {
  expect(fates([step("update", { instanceType: "i4i.large" }, { instanceType: "i4i.xlarge" })])).toEqual([
    expect.stringMatching(/^team-a-aws-isu1: type `i4i.large` → `i4i.xlarge` stops and starts the server: .*instance-store disk is lost$/),
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

describe("what hits more than it looks", () => {
  const beside = (op: string, kind: string, name: string, before: object, after: object, ...paths: string[]) => ({
    ...{ op, urn: `urn:pulumi:team-a::contest-fleet::fleet:aws:Server$${kind}::${name}` },
    ...{ oldState: { type: kind, inputs: { ...before } }, newState: { type: kind, inputs: { ...after } } },
    detailedDiff: Object.fromEntries(paths.map((path) => [path, { kind: "update" }])),
  });
  const attachment = beside(
    "replace",
    "aws:ec2/volumeAttachment:VolumeAttachment",
    "team-a-aws-isu1-data-attachment",
    {},
    {},
    "deviceName",
  );
  const group = (op: string, path: string) => beside(op, "aws:autoscaling/group:Group", "web", {}, {}, path);
  const setting = (value: string, applyMethod: string) => ({ parameters: [{ name: "innodb_log_file_size", value, applyMethod }] });
  const settings = (apply: string) =>
    beside("update", "aws:rds/parameterGroup:ParameterGroup", "db", setting("1", apply), setting("2", apply));

  test.each([
    ["volumes in another order", attachment, /^team-a-aws-isu1-data-attachment: another place among the volumes stops the server/],
    [
      "a smaller volume",
      beside("update", "aws:ebs/volume:Volume", "data", { size: 50 }, { size: 20 }, "size"),
      /^data: 50 → 20 GB is refused by AWS/,
    ],
    ["another template", group("update", "launchTemplate.version"), /^web: every server of the pool is replaced, a few at a time$/],
    ["another group", group("replace", "name"), /^web: the pool is made anew: all of its servers go/],
    ["a setting that waits", settings("pending-reboot"), /^db: `innodb_log_file_size` take effect when the database is rebooted/],
  ])("%s", (_, each, sentence) => {
    expect(fates([each])).toEqual([expect.stringMatching(sentence)]);
  });

  test.each([
    ["a pool's size", group("update", "minSize")],
    ["a larger volume", beside("update", "aws:ebs/volume:Volume", "data", { size: 20 }, { size: 50 }, "size")],
    ["a setting that takes effect at once", settings("immediate")],
  ])("nothing of %s", (_, each) => {
    expect(fates([each])).toEqual([]);
  });

  test("of a server that is made anew, its volumes need no sentence", () => {
    const said = fates([step("replace", { instanceType: "c5.large" }, { instanceType: "c5.large", ami: "ami-2" }), attachment]);
    expect(said).toHaveLength(1);
  });
});
