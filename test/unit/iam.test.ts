// The policies of iam/ against the calls that are made: by the commands with the AWS SDK, and for the components' resources as the test
// provider makes them. What Pulumi's own provider calls beyond that can't be seen from here.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const names = ["look", "operator", "teardown"] as const;
const textOf = (name: string): string => readFileSync(join(root, "iam", `${name}.json`), "utf8");
const statementsOf = (name: string): readonly Statement[] => JSON.parse(textOf(name)).Statement;
const list = (value: string | readonly string[]): readonly string[] => (typeof value === "string" ? [value] : value);
const actionsOf = (name: string): readonly string[] => statementsOf(name).flatMap(({ Action }) => list(Action));

const matches = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "i").test(action);
const allows = (policies: readonly string[], action: string): boolean =>
  policies.flatMap(actionsOf).some((pattern) => matches(pattern, action));

/** The prefix that IAM knows a client's service by. */
const prefixes: Readonly<Record<string, string>> = {
  "auto-scaling": "autoscaling",
  "cloudwatch-logs": "logs",
  "service-quotas": "servicequotas",
};
/** Where the right has another name than the call. */
const rights: Readonly<Record<string, string>> = {
  "s3:HeadBucket": "s3:ListBucket",
  "s3:ListBuckets": "s3:ListAllMyBuckets",
  "s3:ListObjectVersions": "s3:ListBucketVersions",
  "s3:DeleteObjects": "s3:DeleteObject",
  "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
  "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
  "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
  "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
  "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
  "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
  "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
  "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
  "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
  "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
  "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
  "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
};

/** Of `import * as sdk from "@aws-sdk/client-ec2"`, or of names from there: `sdk.ACommand`, `B as C`, `paginateD` → `ec2:A`, … */
function callsOf(folder: string): readonly string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const calls = files.flatMap((file) => {
    const text = readFileSync(join(root, folder, file), "utf8");
    return [...text.matchAll(/import (?:\* as (\w+)|\{([^}]*)\}) from "@aws-sdk\/client-([a-z0-9-]+)"/g)].flatMap(
      ([, space, imported, client = ""]) => {
        const used =
          space === undefined
            ? (imported ?? "")
            : [...text.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, "g"))].map(([, name]) => name).join(" ");
        const named = [...used.matchAll(/\b(?:([A-Z]\w*?)Command\b|paginate([A-Z]\w+))/g)];
        return named.map(([, command, pages]) => `${prefixes[client] ?? client}:${command ?? pages}`);
      },
    );
  });
  return [...new Set(calls)].map((call) => rights[call] ?? call).sort();
}

/** A volume's last snapshot is part of its removal. */
const removes = /:(?:Delete|Terminate|Release|Detach|RemoveRole|ListBucketVersions|Unsubscribe|CreateSnapshot)/;

describe("policies", () => {
  const made = callsOf("test/aws-provider");
  const commands = callsOf("cli/aws");

  test("the calls are found", () => {
    expect(made.length).toBeGreaterThan(80);
    expect(commands.length).toBeGreaterThan(15);
    expect(made).toContain("ec2:RunInstances");
  });

  test("the operator may make and change whatever the components are made of", () => {
    const refused = made.filter((call) => !removes.test(call) && !allows(["look", "operator"], call));
    expect(refused).toEqual([]);
  });

  test("teardown may remove all of it, and the commands may do what they do", () => {
    expect(made.filter((call) => removes.test(call) && !allows(["look", "operator", "teardown"], call))).toEqual([]);
    expect(commands.filter((call) => !allows(["look", "teardown"], call))).toEqual([]);
    // AWS asks for these beside DeleteDBInstance where a last snapshot is made.
    expect(["rds:CreateDBSnapshot", "rds:AddTagsToResource"].filter((call) => !allows(["teardown"], call))).toEqual([]);
  });

  test("only teardown takes servers, disks, databases and buckets away; only the operator makes them", () => {
    const gone = [
      "ec2:TerminateInstances",
      "ec2:DeleteVolume",
      "ec2:DeleteSnapshot",
      "rds:DeleteDBInstance",
      "s3:DeleteBucket",
      "s3:DeleteObject",
    ];
    expect(gone.filter((action) => allows(["look", "operator"], action))).toEqual([]);
    expect(gone.filter((action) => !allows(["teardown"], action))).toEqual([]);
    expect(["ec2:RunInstances", "iam:PassRole", "iam:CreateRole"].filter((action) => allows(["look", "teardown"], action))).toEqual([]);
  });

  test.for(names)("%s is small enough for AWS, and never takes all actions", (name) => {
    expect(JSON.stringify(JSON.parse(textOf(name))).length).toBeLessThanOrEqual(6_144);
    expect(actionsOf(name).filter((action) => action === "*" || action.endsWith(":*"))).toEqual([]);
    const ids = statementsOf(name).map(({ Sid }) => Sid);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("what is not only a look is bound to a tag, a region or a kind of resource", () => {
    const loose = [...statementsOf("operator"), ...statementsOf("teardown")].filter(({ Condition }) => {
      const keys = Object.values(Condition ?? {}).flatMap((each) => Object.keys(each));
      return !keys.some((key) => /^aws:(?:RequestTag|ResourceTag|RequestedRegion)|^iam:AWSServiceName|^ec2:CreateAction/.test(key));
    });
    expect(loose.map(({ Sid }) => Sid)).toEqual([]);
  });

  test("removing goes by the fleet's own tag; buckets, which have none in time, by the account", () => {
    const untagged = statementsOf("teardown").filter(
      ({ Action, Condition }) =>
        list(Action).some((action) => /:(?:Delete|Terminate|Release)/.test(action)) &&
        !Condition?.StringEquals?.["aws:ResourceTag/project"],
    );
    expect(untagged.map(({ Sid }) => Sid)).toEqual(["BucketsAway"]);
  });
});
