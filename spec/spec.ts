// The stack file: one schema, from which come the types, the checks, the defaults and the JSON Schema for editors.
import { z } from "zod";
import { BenchSpec } from "./bench.ts";
import { GuardSpec } from "./guards.ts";
import { Hook } from "./hooks.ts";
import { FileRule } from "./overlay.ts";
import { type ParamsSchema, RoleParams } from "./params.ts";
import { RetestSpec } from "./retest.ts";
import * as scalar from "./scalars.ts";
import { fleetKey } from "./secrets.ts";
import { type TargetRules, type TargetSettings, targetSchema } from "./targets.ts";

export const Member = z
  .strictObject({
    github: scalar.GitHubId.optional().describe("GitHub id; the keys come from `keyUrl`"),
    name: scalar.UserName.optional().describe("user name on the servers; default the GitHub id in lower case"),
    keys: z.array(scalar.SshPublicKey).default([]).describe("public keys beside, or instead of, the ones at `keyUrl`; default none"),
    sudo: z.boolean().default(true).describe("whether the user may run anything as root without a password; default true"),
  })
  .describe("a person who logs in on every server: `github`, `keys` or both");

const connection = {
  address: scalar.Address.describe("host name or IP address, as this computer reaches it"),
  port: scalar.Port.default(22).describe("SSH port; default 22"),
  user: scalar.UserName.describe("user to log in as"),
  password: scalar.SecretText.optional().describe("the user's password"),
  privateKey: scalar.PrivateKey.optional().describe("private key that the user logs in with"),
  hostKey: scalar.HostKey.optional().describe("the only host key that is accepted; default the one that was shown and pinned first"),
};

export const Jump = z.strictObject(connection).describe("a host to go through");

export const ServerSpec = z
  .strictObject({
    roles: z
      .array(scalar.RoleName.register(scalar.marks, { mark: "role" }))
      .min(1)
      .describe("the roles of the server, in order"),
    adopted: z
      .array(scalar.RoleName.register(scalar.marks, { mark: "role" }))
      .optional()
      .describe(
        "those of its roles that install and write nothing but the team's code (`app.git`): they keep services up and check them, and the files are the team's own",
      ),
    params: RoleParams.default({}).describe("parameters of its roles, laid over the fleet's: maps merge, lists and values replace"),
    cores: z.int().min(1).max(1024).optional().describe("processors; default all of this computer's on practice, else what the server has"),
    memory: scalar.Size.optional().describe("memory with its unit; default `1GiB` on practice, else what the server has"),
    disks: z
      .array(scalar.Size)
      .max(24, { error: "expected at most 24 disks" })
      .optional()
      .describe("NVMe disks beside the root disk, on practice machines of the driver qemu; default none"),
    privateAddress: scalar.Ipv4.optional().describe("address by which the other servers reach it; default given by the target"),
    address: connection.address.optional(),
    port: connection.port,
    user: connection.user.optional(),
    password: connection.password,
    privateKey: connection.privateKey,
    sudoPassword: scalar.SecretText.optional().describe("password for sudo; default `password`"),
    hostKey: connection.hostKey,
    jump: z.union([scalar.ServerRef, Jump]).optional().describe("host to go through: a server of this stack, or address and user"),
    services: z
      .record(scalar.UnitName, z.enum(["on", "off", "masked"]))
      .optional()
      .describe(
        "units that are there, by their full names: `{notes.service: off}`. `on` runs now and at boot, `off` neither, `masked` can't be started at all (not those with their file in /etc/systemd/system)",
      ),
    share: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe(
        "per cent of its usual share of the requests that the team's nginx and haproxy send to it; 0 is drained, as by `fleet drain`; default 100",
      ),
    was: scalar.ServerName.optional().describe("former name of a server that was handed out: what was made for it under that name goes on"),
  })
  .describe("one server");
export type ServerSpec = z.infer<typeof ServerSpec>;

export const FleetSpec = z
  .strictObject({
    team: scalar.TeamName.describe("the team's name, part of the names of what is made for it"),
    was: scalar.TeamName.optional().describe("the team's former name: what was made under that name goes on"),
    members: z.array(Member).default([]).describe("the people of the team; default none"),
    keyUrl: scalar.KeyUrl.default("https://github.com/{user}.keys").describe(
      "where public keys come from; default `https://github.com/{user}.keys`",
    ),
    admin: scalar.UserName.default("fleet-admin").describe("user that the fleet keeps for itself on every server; default fleet-admin"),
    roleTimeout: scalar.Duration.optional().describe(
      "how long one role may take on one server before it is given up, beside what its commands and checks allow themselves; default `1h`",
    ),
    /** By the schema of its own, which comes from the registry of targets. */
    target: z.custom<TargetSettings>(),
    servers: z
      .record(scalar.ServerName, ServerSpec)
      .default({})
      .describe("the servers, by name: at least one, unless the target has pools, pipelines or databases"),
    params: RoleParams.default({}).describe("parameters of roles, for all servers"),
    files: scalar.RelativePath.default("files").describe(
      "folder beside the stack file whose `common/` and `<server>/` are laid over `/`; one that is named must be there; default files",
    ),
    fileRules: z
      .array(FileRule)
      .default([])
      .describe("owner and mode of files of that folder, by pattern, the last that matches counts; without, what the server's file has"),
    secrets: z
      .record(scalar.OwnName, scalar.SecretText)
      .default({})
      .describe('secrets for templates of that folder, by name: `{{ "secrets.token" | secret }}` puts one in; default none'),
    guard: GuardSpec.prefault({}),
    hooks: z.record(scalar.OwnName, Hook).default({}).describe("commands of the stack's own, by name; default none"),
    retest: RetestSpec.optional().describe("what `fleet retest` does beside what it always does"),
    bench: BenchSpec.optional().describe("how the servers are measured; default a load of GET / on the first server, for 30 s"),
    archive: z
      .array(scalar.AbsolutePattern)
      .default([])
      .describe("files, folders and patterns of them that `fleet down` fetches from every server before it takes them away; default none"),
  })
  .describe("the servers of one team");
export type FleetSpec = z.infer<typeof FleetSpec>;

/** The schemas of roles' parameters, by role name. */
export type RoleSchemas = Readonly<Record<string, z.ZodType>>;

/** What there is to choose from in a stack file: the registries of roles and of targets hand it to spec/. */
export interface Choices {
  readonly roles: RoleSchemas;
  readonly targets: readonly TargetRules[];
}

const parsers = new WeakMap<readonly TargetRules[], z.ZodType<FleetSpec>>();

/** The fleet as it is parsed: roles' parameters are checked after they are merged. */
export function fleetOn(targets: readonly TargetRules[]): z.ZodType<FleetSpec> {
  const parser = parsers.get(targets) ?? FleetSpec.extend({ target: targetSchema(targets, RoleParams.default({})) });
  parsers.set(targets, parser);
  return parser;
}

/** The fleet with its roles' parameters spelled out, for finding marks and for editors. Never parsed with: parameters are merged first. */
export function fleetWith({ roles, targets }: Choices) {
  const params = z.strictObject(Object.fromEntries(Object.entries(roles).map(([name, schema]) => [name, schema.optional()]))).optional();
  const own = params.describe(`${ServerSpec.shape.params.description}`);
  const server = ServerSpec.extend({ params: own }).describe(`${ServerSpec.description}`);
  const { shape } = FleetSpec;
  return FleetSpec.extend({
    target: targetSchema(targets, own as unknown as ParamsSchema),
    servers: z.record(scalar.ServerName, server).optional().describe(`${shape.servers.description}`),
    params: params.describe(`${shape.params.description}`),
  }).describe(`${FleetSpec.description}`);
}

/** The file around it. The other keys are Pulumi's own. */
export const StackFile = z
  .strictObject({
    config: z.record(z.string(), z.unknown()).describe(`the fleet under \`${fleetKey}\`, and settings of other providers (\`aws:region\`)`),
    encryptionsalt: z.string().optional().describe("written by Pulumi"),
    encryptedkey: z.string().optional().describe("written by Pulumi"),
    secretsprovider: z.string().optional().describe("written by Pulumi"),
    environment: z.unknown().optional().describe("a Pulumi ESC environment"),
  })
  .describe("a Pulumi stack file of contest-fleet");
