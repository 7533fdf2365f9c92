// The policies of iam/ against the calls that are made: by the commands with the AWS SDK, and for the components' resources as the test
// provider makes them, by name; and, judged by IAM's rules with the tags that they carry, against the calls of Pulumi's own provider as its
// source has them (test/support/aws-calls.ts). No account has judged them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Persona, type Policy, personas, policiesOf, type Scope, sampleScope, workers } from "../../iam/policies.ts";
import { account, attacks, call, calls, commandCalls, ec2, iam, imageCalls, region } from "../support/aws-calls.ts";
import { allows as allowed, type Request } from "../support/iam-evaluator.ts";

const root = join(import.meta.dirname, "../..");

const textOf = (name: string): string => readFileSync(join(root, "iam", `${name}.json`), "utf8");
const given = Object.assign({}, ...personas.map((persona) => policiesOf(persona, sampleScope))) as Readonly<Record<string, Policy>>;
const names = Object.keys(given);
const list = (value: string | readonly string[]): readonly string[] => (typeof value === "string" ? [value] : value);
/** Of a persona, whose policies may be several. */
const actionsOf = (name: string): readonly string[] =>
  Object.entries(given)
    .filter(([file]) => file === name || file.startsWith(`${name}-`))
    .flatMap(([, { Statement }]) => Statement.flatMap(({ Action }) => list(Action)));

const matches = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "i").test(action);
const mayBy = (holders: readonly string[], action: string): boolean =>
  holders.flatMap(actionsOf).some((pattern) => matches(pattern, action));

/** The prefix that IAM knows a client's service by. */
const prefixes: Readonly<Record<string, string>> = {
  "auto-scaling": "autoscaling",
  "cloudwatch-logs": "logs",
  "service-quotas": "servicequotas",
  "elastic-load-balancing-v2": "elasticloadbalancing",
};
/** Where the right has another name than the call. */
const rights: Readonly<Record<string, string>> = {
  "s3:HeadBucket": "s3:ListBucket",
  "s3:ListBuckets": "s3:ListAllMyBuckets",
  "s3:ListObjectsV2": "s3:ListBucket",
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
    // One that is loaded where it is needed counts as well.
    const text = readFileSync(join(root, folder, file), "utf8").replace(
      /const (\w+) = await import\(("@aws-sdk[^"]+")\)/g,
      "import * as $1 from $2",
    );
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
const removes = /:(?:Delete(?!RolePermissionsBoundary)|Terminate|Release|Detach|RemoveRole|ListBucketVersions|Unsubscribe|CreateSnapshot)/;

describe("policies", () => {
  const made = callsOf("test/aws-provider");
  const commands = callsOf("cli/aws");
  const ours = callsOf("provisioners/provider");

  test("the calls are found", () => {
    expect(made.length).toBeGreaterThan(80);
    expect(commands.length).toBeGreaterThan(15);
    expect(made).toContain("ec2:RunInstances");
  });

  test("the operator may make and change whatever the components are made of", () => {
    const refused = made.filter((call) => !removes.test(call) && !mayBy(["look", "operator"], call));
    // Who takes a role of another account needs that role's word alone, and the right to ask for it: it is no right of the role's own.
    expect(refused).toEqual(["sts:AssumeRole"]);
  });

  test("our own provider may do what it does, when an operator runs it", () => {
    expect(ours).toContain("ec2:StartInstances");
    expect(ours.filter((call) => !mayBy(["look", "operator"], call))).toEqual([]);
  });

  test("teardown may remove all of it, and the commands may do what they do", () => {
    expect(made.filter((call) => removes.test(call) && !mayBy(["look", "operator", "teardown"], call))).toEqual([]);
    // Switching off and on is no taking away.
    const others = commands.filter((call) => !mayBy(["look", "teardown", "backend"], call));
    expect(others.filter((call) => call !== "ec2:RunInstances" && !/ec2:(?:Create|Authorize)/.test(call))).toEqual([
      ...["ec2:StartInstances", "rds:StartDBInstance", "rds:StopDBInstance"],
    ]);
    expect(others.filter((call) => !mayBy(["look", "operator"], call))).toEqual([]);
    // AWS asks for these beside DeleteDBInstance where a last snapshot is made.
    expect(["rds:CreateDBSnapshot", "rds:AddTagsToResource"].filter((call) => !mayBy(["teardown"], call))).toEqual([]);
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
    expect(gone.filter((action) => mayBy(["look", "operator"], action))).toEqual([]);
    expect(gone.filter((action) => !mayBy(["teardown"], action))).toEqual([]);
    expect(["ec2:RunInstances", "iam:PassRole", "iam:CreateRole"].filter((action) => mayBy(["look", "teardown"], action))).toEqual([]);
  });

  test.for(names)("iam/%s.json is what the code says, small enough for AWS, and never takes all actions", (name) => {
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(join(root, "iam", `${name}.json`), JSON.stringify(given[name], null, 2));
    expect(JSON.parse(textOf(name))).toEqual(given[name]);
    expect(JSON.stringify(given[name]).length).toBeLessThanOrEqual(6_144);
    expect(actionsOf(name).filter((action) => action === "*" || action.endsWith(":*"))).toEqual([]);
    const ids = given[name]!.Statement.map(({ Sid }) => Sid);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("with all that may be said they are small enough, too", () => {
    const more = { state: "s".repeat(63), defaultNetwork: true, images: ["/own/image", "/own/other"], zones: ["Z0123456789ABC"] };
    const boundary = "arn:aws:iam::123456789012:policy/contest-boundary";
    const scope = { region: "ap-northeast-1", account, prefix: `${"t".repeat(32)}-aws-`, boundary, ...more };
    for (const persona of personas)
      for (const policy of Object.values(policiesOf(persona, scope))) expect(JSON.stringify(policy).length).toBeLessThanOrEqual(6_144);
  });
});

const scope = { region, account, prefix: "team-a-aws-", zones: ["Z1"] };
const held = (personas: readonly Persona[], of: Scope = scope): readonly Policy[] =>
  personas.flatMap((persona) => Object.values(policiesOf(persona, of)));
const words = ({ action, resource }: Request): string => `${action} on ${resource}`;

describe("the calls that the provider makes", () => {
  const components = readdirSync(join(root, "components/targets/aws"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(root, "components/targets/aws", file), "utf8"))
    .join("\n");
  const made = [...components.matchAll(/new aws\.(\w+)\.(\w+)\(/g)].map(([, module, kind]) => {
    const lower = `${kind![0]!.toLowerCase()}${kind!.slice(1)}`;
    return `${module}/${lower}:${kind}`;
  });

  test("are known of every resource that the components make", () => {
    expect(made.length).toBeGreaterThan(30);
    expect([...new Set(made)].filter((type) => calls[type] === undefined)).toEqual([]);
  });

  test.for(Object.entries(calls))("%s: the operator may make and change it, teardown take it away", ([, { up, down }]) => {
    expect(up.filter((request) => !allowed(held(["look", "operator"]), request)).map(words)).toEqual([]);
    expect(down.filter((request) => !allowed(held(["look", "teardown"]), request)).map(words)).toEqual([]);
  });

  test("an image is baked by an operator who may take away, too: its copies go again", () => {
    const { up, down } = imageCalls;
    expect(up.filter((request) => !allowed(held(["look", "operator"]), request)).map(words)).toEqual([]);
    expect(down.filter((request) => !allowed(held(["look", "teardown"]), request)).map(words)).toEqual([]);
    expect([...up, ...down].filter((request) => allowed(held(["look"]), request))).toEqual([]);
  });

  test.for(Object.entries(commandCalls))("%s: the operator may, a look sees at most", ([, requests]) => {
    expect(requests.filter((request) => !allowed(held(["look", "operator"]), request)).map(words)).toEqual([]);
    const looks = requests.filter((request) => allowed(held(["look"]), request)).map(({ action }) => action);
    expect(looks.filter((action) => !/:Describe/.test(action))).toEqual([]);
  });

  test("a look makes nothing", () => {
    const all = Object.values(calls).flatMap(({ up, down }) => [...up, ...down]);
    const may = all.filter((request) => allowed(held(["look"]), request)).map(words);
    // What a look at a plan in its bucket asks for.
    expect([...new Set(may)]).toEqual(["s3:GetObject on arn:aws:s3:::team-a-aws-x-0a1b/0f.sh"]);
  });

  test("servers in the account's default network, which has no tag, want to be asked for", () => {
    const there = [...["RunInstances"].map((action) => call(`ec2:${action}`, ec2("subnet"))), call("ec2:CreateSecurityGroup", ec2("vpc"))];
    expect(there.filter((request) => allowed(held(["operator"]), request))).toEqual([]);
    expect(there.filter((request) => !allowed(held(["operator"], { ...scope, defaultNetwork: true }), request))).toEqual([]);
  });

  test("the state's bucket is read by a look, written by the others, removed by nobody", () => {
    const state = { ...scope, state: "event-state" };
    const object = "arn:aws:s3:::event-state/.pulumi/stacks/a.json";
    const may = (persona: Persona, action: string, resource = object) => allowed(held([persona], state), call(action, resource));
    for (const persona of workers)
      expect([may(persona, "s3:GetObject"), may(persona, "s3:ListBucket", "arn:aws:s3:::event-state")]).toEqual([true, true]);
    expect(personas.filter((persona) => may(persona, "s3:PutObject"))).toEqual(["operator", "teardown"]);
    expect(personas.filter((persona) => may(persona, "s3:DeleteBucket", "arn:aws:s3:::event-state"))).toEqual([]);
    const history = "arn:aws:s3:::event-state/.fleet-history/a/1.json";
    expect(personas.filter((persona) => may(persona, "s3:PutObject", history))).toEqual(["operator", "teardown"]);
    expect(may("look", "s3:GetObject", history)).toBe(true);
  });

  test("a boundary binds every role that is made", () => {
    const boundary = "arn:aws:iam::123456789012:policy/contest-boundary";
    const bounded = held(["operator"], { ...scope, boundary });
    const make = (more: Readonly<Record<string, string>>) => allowed(bounded, call("iam:CreateRole", iam("role/team-a-aws-x"), { more }));
    expect([
      make({}),
      make({ "iam:PermissionsBoundary": boundary }),
      make({ "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess" }),
    ]).toEqual([false, true, false]);
  });
});

describe("what nobody with all of these rights reaches", () => {
  test.for(Object.entries(attacks))("%s", ([, requests]) => {
    const all = held(personas, { ...scope, state: "event-state" });
    expect(requests.filter((request) => allowed(all, request)).map(words)).toEqual([]);
  });

  test("another team's own", () => {
    const other = Object.values(calls)
      .flatMap(({ up, down }) => [...up, ...down])
      .filter(({ resource }) => resource.includes("team-a-aws-") && !resource.includes("aws-service-role"))
      .map((request) => ({ ...request, resource: request.resource.replace("team-a-aws-", "team-b-aws-") }));
    expect(other.length).toBeGreaterThan(40);
    expect(other.filter((request) => allowed(held(personas), request)).map(words)).toEqual([]);
  });
});

describe("the evaluator", () => {
  const policy = (Condition: object): Policy => ({
    Version: "2012-10-17",
    Statement: [{ Sid: "One", Effect: "Allow", Action: "s3:Get*", Resource: "arn:aws:s3:::a-*", Condition: Condition as never }],
  });
  const may = (Condition: object, context = {}, action = "s3:GetObject", resource = "arn:aws:s3:::a-b") =>
    allowed([policy(Condition)], { action, resource, context });
  test.for([
    ["nothing asked", may({}), true],
    ["another action", may({}, {}, "s3:PutObject"), false],
    ["an action in other letters", may({}, {}, "S3:getobject"), true],
    ["a resource in other letters", may({}, {}, "s3:GetObject", "arn:aws:s3:::A-b"), false],
    ["a key that is not there", may({ StringEquals: { "aws:X": "1" } }), false],
    ["a key that is not there, if it exists", may({ StringEqualsIfExists: { "aws:X": "1" } }), true],
    ["a key that differs, if it exists", may({ StringEqualsIfExists: { "aws:X": "1" } }, { "aws:X": "2" }), false],
    ["one of several values", may({ StringEquals: { "aws:X": ["1", "2"] } }, { "aws:x": "2" }), true],
    ["two keys, one wrong", may({ StringEquals: { "aws:X": "1", "aws:Y": "1" } }, { "aws:X": "1", "aws:Y": "2" }), false],
    ["a variable", may({ StringEquals: { "aws:X": "${aws:Y}" } }, { "aws:X": "7", "aws:Y": "7" }), true],
    ["null, where it is not there", may({ Null: { "aws:X": "true" } }), true],
    ["null, where it is", may({ Null: { "aws:X": "true" } }, { "aws:X": "1" }), false],
  ] as const)("%s", ([, got, wanted]) => {
    expect(got).toBe(wanted);
  });
});
