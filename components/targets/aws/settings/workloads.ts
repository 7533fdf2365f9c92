// What of the `aws` target works beside the named servers: pools, pipelines and databases.
import { z } from "zod";
import type { ParamsSchema } from "../../../../spec/params.ts";
import { EnvName, Line, marks, RoleName, SecretText } from "../../../../spec/scalars.ts";
import { Time } from "../../../../spec/time.ts";
import { Balancer } from "./balancers.ts";
import { Email, Image, InstanceType, Store, text } from "./grammar.ts";

/** Part of the names of what is made: without double dashes, which RDS refuses. */
export const WorkName = text(
  /^[a-z](?:-?[a-z0-9]){0,31}$/,
  "a name of up to 32 lower-case letters, digits and single dashes, such as `thumbs`",
);

const seconds = (least: number, most: number) => {
  const error = `expected from ${least} to ${most} seconds`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};
const servers = (least: number) => {
  const error = `expected a number of servers from ${least} to 500`;
  return z.int({ error }).min(least, { error }).max(500, { error });
};
const percent = { error: "expected from 0 to 100 per cent" };

/** AWS's own bounds of a lifecycle hook. */
const Patience = z
  .strictObject({
    boot: seconds(30, 7200).default(900).describe("seconds from launch until a server must have said that it may serve; default 900"),
    drain: seconds(30, 7200).default(600).describe("seconds from the notice until a server must have finished its work; default 600"),
  })
  .describe("how long the pool waits for a server");

const Event = z
  .strictObject({
    from: Time.describe("when it begins, in UTC"),
    until: Time.describe("when it ends, in UTC: then the usual sizes hold again"),
    min: servers(1).describe("servers that there are at least"),
    max: servers(1).describe("servers that there are at most"),
  })
  .describe("other sizes for the hours of the event");

const Single = z
  .strictObject({
    address: z.boolean().default(false).describe("a public address that each next server takes over; default false"),
    volume: z
      .strictObject({ sizeGB: z.int().min(1).max(65536).describe("size in GB") })
      .optional()
      .describe("an EBS volume that each next server takes over: protected, encrypted; default none"),
  })
  .describe("a single server that is replaced when it fails, for a pool of size 1");

const shebang = "#!/bin/sh\\n[\\s\\S]*";
const file = "[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\\.sh";
const scriptWords = "the text of a script that begins with `#!/bin/sh`, or its file below stacks/ such as `scripts/worker.sh`";

const size = {
  min: servers(1).default(1).describe("servers that there are at least; default 1"),
  max: servers(1).default(4).describe("servers that there are at most; default 4"),
};

/** What all pools have. `params` is the schema of their roles' parameters. */
const poolOf = (params: ParamsSchema) => ({
  types: z
    .array(InstanceType)
    .min(1)
    .max(20)
    .optional()
    .describe("types that may be used, best first: of one architecture and one disk layout; default the target's `instanceType`"),
  image: Image.optional().describe("image, pinned at the first up; default the target's"),
  rootGB: z.int().min(8).max(16384).default(20).describe("size of the root disk in GB; default 20"),
  roles: z
    .array(RoleName.register(marks, { mark: "role" }))
    .min(1)
    .optional()
    .describe("what a server becomes by itself at its first boot: roles in order, without secrets"),
  params,
  script: text(new RegExp(`^(?:${shebang}|${file})$`), scriptWords)
    .optional()
    .describe(`instead of roles: ${scriptWords}. Ends with 0 where the server may serve`),
  environment: z
    .record(EnvName, Line)
    .default({})
    .describe("for the script and the pool's services, in /etc/fleet/environment. No secrets; default none"),
  spot: z
    .int(percent)
    .min(0, percent)
    .max(100, percent)
    .default(0)
    .describe("of the servers beyond the first, per cent on spot; default 0"),
  patience: Patience.prefault({}),
  drain: Line.min(1)
    .default("systemctl stop fleet-work.service")
    .describe("command line that stops taking work and returns when the work in hand is done; default `systemctl stop fleet-work.service`"),
  event: Event.optional(),
  emails: z.array(Email).max(20).default([]).describe("addresses that get the notices of launches, failures and alarms; default none"),
  store: Store.optional(),
});

/** Servers that come and go by themselves. */
export const poolWith = (params: ParamsSchema) =>
  z
    .strictObject({
      ...poolOf(params),
      size: z
        .strictObject({
          ...size,
          desired: servers(1).optional().describe("servers that there should be; default left to the group, which begins with `min`"),
        })
        .prefault({})
        .describe("how many servers"),
      single: Single.optional(),
    })
    .describe("an autoscaling group whose servers converge at boot");

/** Those of a pipeline: its backlog says how many. */
const workersWith = (params: ParamsSchema) =>
  z
    .strictObject({
      ...poolOf(params),
      worker: z.enum(["thumbnails"]).optional().describe("instead of roles: the sample that makes thumbnails of pictures"),
      size: z.strictObject(size).prefault({}).describe("how many servers; in between the backlog decides"),
    })
    .describe("its servers");

const Key = text(/^[A-Za-z0-9!_.*'()/-]{1,200}$/, "part of an object's key, such as `in/` or `.jpg`");

export const pipelineWith = (params: ParamsSchema) =>
  z
    .strictObject({
      jobSeconds: seconds(1, 7200).describe("seconds that one job takes at most; the queue hides a message six times as long"),
      latency: seconds(1, 86_400).default(120).describe("seconds that a message may wait: the pool grows to keep it; default 120"),
      tries: z.int().min(1).max(1000).default(3).describe("tries before a message goes to the dead letters; default 3"),
      prefix: Key.optional().describe("only objects whose key begins so; default all"),
      suffix: Key.optional().describe("only objects whose key ends so; default all"),
      expireDays: z.int().min(1).max(3650).optional().describe("days until inputs and results go; default never"),
      pool: workersWith(params),
    })
    .describe("S3 → SQS with dead letters → workers → S3");

const word = "a name of letters, digits and `_` that begins with a letter, such as `app`";
const Word = text(/^[A-Za-z][A-Za-z0-9_]{0,15}$/, word);

export const Database = z
  .strictObject({
    engine: z.enum(["mysql", "postgres"]).describe("which one"),
    version: text(/^[0-9]{1,2}(?:\.[0-9]{1,2}){0,2}$/, 'a version in quotes such as `"8.4"` or `"16"`')
      .optional()
      .describe("default 8.4 of MySQL, 16 of PostgreSQL"),
    class: text(/^db\.[a-z0-9]+\.[a-z0-9]+$/, "a class of RDS such as `db.t4g.medium`")
      .default("db.t4g.medium")
      .describe("class of RDS; default db.t4g.medium"),
    storageGB: z.int().min(20).max(65536).default(20).describe("GB of gp3; grows by itself up to five times as much; default 20"),
    backupDays: z.int().min(1).max(35).default(7).describe("days of backups, to any second of them; default 7"),
    multiZone: z.boolean().default(false).describe("a second one in another zone, at twice the price; default false"),
    database: Word.default("app").describe("first database; default app"),
    user: Word.default("app").describe("user that owns it; default app"),
    password: SecretText.optional().describe("the user's password; default one that AWS makes and keeps in Secrets Manager"),
    settings: z
      .record(text(/^[a-z][a-z0-9_.]{0,127}$/, "a server setting such as `max_connections`"), Line)
      .default({})
      .describe("server settings by name, as text; default slow queries logged"),
    finalSnapshot: z
      .boolean()
      .default(true)
      .describe("whether a last snapshot is kept when it goes; it costs while it is there; default true"),
  })
  .describe("a managed database, reached by the team's servers and pools alone");

/** All of it, by name. */
export const workWith = (params: ParamsSchema) => ({
  pools: z.record(WorkName, poolWith(params)).default({}).describe("servers that come and go by themselves, by name; default none"),
  pipelines: z.record(WorkName, pipelineWith(params)).default({}).describe("buckets, queues and their workers, by name; default none"),
  balancers: z.record(WorkName, Balancer).default({}).describe("ways in to pools and servers, by name; default none"),
  databases: z.record(WorkName, Database).default({}).describe("managed databases, by name; default none"),
});

export type Pool = z.infer<ReturnType<typeof poolWith>>;
export type Pipeline = z.infer<ReturnType<typeof pipelineWith>>;
export type Workers = Pipeline["pool"];
export type Database = z.infer<typeof Database>;
