// The bucket of a state: its name is none that a teardown takes away, and its policy leaves what others wrote there.
import { expect, test } from "vitest";
import { clientIn, defaultBucket, make, refuseName } from "../../cli/aws/backend/bucket.ts";
import { wantedStatements, withOurs } from "../../cli/aws/backend/settings.ts";
import { personas, policiesOf, sampleScope } from "../../iam/policies.ts";
import { call } from "../support/aws-calls.ts";
import { allows } from "../support/iam-evaluator.ts";

const bucket = defaultBucket("123456789012", "ap-northeast-1", "team-a");

test.for([
  ["Event-State", "lower-case"],
  ["10.0.0.1", "lower-case"],
  ["event.state", "lower-case"],
  ["ab", "3 to 63"],
  ["team-a-aws-state", "without `-aws-`"],
])("the name %s is refused", ([name, why]) => {
  expect(() => refuseName(name!)).toThrow(why);
});

test("the name by itself is one that S3 takes, and that no policy of the fleet's removes", () => {
  expect(() => refuseName(bucket)).not.toThrow();
  expect(() => refuseName(defaultBucket("123456789012", "ap-northeast-1"))).not.toThrow();
  const scope = { ...sampleScope, account: "123456789012" };
  const all = personas.flatMap((persona) => Object.values(policiesOf(persona, scope)));
  const may = (action: string) => allows(all, call(action, `arn:aws:s3:::${bucket}`));
  expect(["s3:CreateBucket", "s3:PutBucketPolicy", "s3:DeleteBucket", "s3:DeleteBucketPolicy"].map(may)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(allows(all, call("s3:DeleteObjectVersion", `arn:aws:s3:::${bucket}/.pulumi/stacks/a.json`))).toBe(false);
});

test("a policy that somebody wrote keeps what it says, and has ours once", () => {
  const theirs = {
    Sid: "Audit",
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::210987654321:root" },
    Action: "s3:GetObject",
    Resource: "*",
  };
  const once = withOurs(JSON.stringify({ Version: "2012-10-17", Statement: theirs }), bucket);
  expect(JSON.parse(once).Statement).toEqual([theirs, ...wantedStatements(bucket)]);
  expect(withOurs(once, bucket)).toBe(once);
  expect(JSON.parse(withOurs(undefined, bucket)).Statement).toEqual(wantedStatements(bucket));
});

test("a bucket that is not known everywhere yet gets its tags all the same", async () => {
  const client = clientIn("ap-northeast-1");
  const sent: string[] = [];
  client.send = async ({ constructor: { name } }: object) => {
    sent.push(name);
    if (sent.filter((each) => each === name).length === 1 && name === "PutBucketTaggingCommand")
      throw Object.assign(new Error("not yet"), { name: "NoSuchBucket" });
  };
  const place = { bucket, region: "ap-northeast-1", account: "123456789012" };
  await make(client, { ...place, there: false, settings: [] }, () => {});
  expect(sent).toEqual(["CreateBucketCommand", "PutBucketTaggingCommand", "PutBucketTaggingCommand"]);
});
