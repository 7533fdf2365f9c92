// A managed PostgreSQL or MySQL, for teams that don't run their own: backups, encrypted, reached by the team's servers alone.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Nonce } from "../../random-id.ts";
import { applyOf, type Engine, engineOf } from "./engines.ts";
import type { Placed } from "./placement.ts";
import { lastSnapshot } from "./snapshots.ts";
import { snapshotsKept, type Tags, tagsOf } from "./tags.ts";

/** In at least two zones: RDS wants a subnet of a second one even where nothing is in it. The group's servers may connect. */
export interface DatabaseArgs extends Placed {
  readonly engine: Engine;
  /** @default the engine's, as engines.ts has it */
  readonly version?: string;
  /** @default db.t4g.medium */
  readonly instanceClass?: string;
  /** GB of gp3. @default 20 */
  readonly storageGB?: number;
  /** Days of backups, to any second of them. At least 1: a database without a backup is a cache. @default 7 */
  readonly backupDays?: number;
  /** A second one in another zone. Doubles the price. @default false */
  readonly multiZone?: boolean;
  /** First database, and the user that owns it. @default app, app */
  readonly database?: string;
  readonly user?: string;
  /** Of `user`; a secret. @default AWS makes one, and keeps it in Secrets Manager */
  readonly password?: pulumi.Input<string>;
  /** Server settings by name, laid over the engine's. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly vpcId: pulumi.Input<string>;
  /** Whether a last snapshot is made when it goes. It costs while it is kept. @default true */
  readonly finalSnapshot?: boolean;
}

/** GB up to which it grows by itself: five times as much, and no more than RDS has. Undefined where that leaves no room. */
export function growsTo(storageGB: number): number | undefined {
  const most = Math.min(storageGB * 5, 65_536);
  return most >= storageGB * 1.1 ? most : undefined;
}

/** Days that slow queries and errors are kept in CloudWatch. */
const logDays = 14;
/** RDS refuses Performance Insights there for MySQL, and it would cost them their memory for PostgreSQL. */
const tooSmallForInsights = /\.(?:micro|small)$/;

/** db.t4g.medium costs about 0.07 USD an hour, its storage and backups beside it. */
export class Database extends pulumi.ComponentResource {
  /** Host name inside the VPC. */
  declare readonly address: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  /** Of the secret in Secrets Manager that holds the password: AWS made it, and no state ever sees it. Empty where one was given. */
  declare readonly secretArn: pulumi.Output<string>;
  readonly #name: string;
  readonly #args: DatabaseArgs;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Database", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const instance = this.#instance(this.#place(), this.#group(), this.#parameters());
    this.address = instance.address;
    this.port = instance.port;
    this.secretArn = instance.masterUserSecrets.apply((secrets) => secrets?.[0]?.secretArn ?? "");
    this.registerOutputs({ address: this.address, port: this.port, secretArn: this.secretArn });
  }

  #tags(what?: string): Tags {
    return tagsOf(this.#args.ownership, what ? `${this.#name}-${what}` : this.#name);
  }

  #place(): aws.rds.SubnetGroup {
    return new aws.rds.SubnetGroup(this.#name, { subnetIds: [...this.#args.subnetIds], tags: this.#tags("subnets") }, { parent: this });
  }

  #group(): aws.ec2.SecurityGroup {
    const { engine, vpcId, securityGroupId } = this.#args;
    const { port } = engineOf(engine);
    const ingress = [
      { protocol: "tcp", fromPort: port, toPort: port, securityGroups: [securityGroupId], description: "servers of the team" },
    ];
    const args = { description: "database of the team", vpcId, ingress, egress: [], revokeRulesOnDelete: true, tags: this.#tags("group") };
    return new aws.ec2.SecurityGroup(`${this.#name}-group`, args, { parent: this });
  }

  #parameters(): aws.rds.ParameterGroup {
    const { engine, version, settings = {} } = this.#args;
    const { familyOf, version: newest, settings: own } = engineOf(engine);
    const parameters = Object.entries({ ...own, ...settings }).map(([name, value]) => ({
      name,
      value,
      applyMethod: applyOf(engine, name),
    }));
    const args = { family: familyOf(version ?? newest), description: "database of the team", parameters, tags: this.#tags("settings") };
    return new aws.rds.ParameterGroup(this.#name, args, { parent: this });
  }

  /** Else RDS makes them itself: without a tag, kept for ever, and left behind. */
  #logs(identifier: pulumi.Output<string>): readonly aws.cloudwatch.LogGroup[] {
    return engineOf(this.#args.engine).logs.map((log) => {
      const args = { name: pulumi.interpolate`/aws/rds/instance/${identifier}/${log}`, retentionInDays: logDays, tags: this.#tags(log) };
      return new aws.cloudwatch.LogGroup(`${this.#name}-${log}`, args, { parent: this });
    });
  }

  #instance(place: aws.rds.SubnetGroup, group: aws.ec2.SecurityGroup, parameters: aws.rds.ParameterGroup): aws.rds.Instance {
    const {
      engine,
      version,
      instanceClass = "db.t4g.medium",
      storageGB = 20,
      backupDays = 7,
      multiZone = false,
      finalSnapshot = true,
    } = this.#args;
    const { database = "app", user = "app", password } = this.#args;
    // A name of its own for each one that is made: AWS refuses a second snapshot of a name, and logs go by the name.
    const nonce = new Nonce(`${this.#name}-name`, { parent: this, replacementTrigger: [engine, user, database] }).value;
    const identifier = pulumi.interpolate`${this.#name}-${nonce}`;
    const snapshotName = pulumi.interpolate`${this.#name}-last-${nonce}`;
    const args: aws.rds.InstanceArgs = {
      identifier,
      engine,
      engineVersion: version ?? engineOf(engine).version,
      instanceClass,
      allocatedStorage: storageGB,
      ...(growsTo(storageGB) && { maxAllocatedStorage: growsTo(storageGB) }),
      storageType: "gp3",
      storageEncrypted: true,
      dbName: database,
      username: user,
      ...(password === undefined ? { manageMasterUserPassword: true } : { password: pulumi.secret(password) }),
      dbSubnetGroupName: place.name,
      vpcSecurityGroupIds: [group.id],
      parameterGroupName: parameters.name,
      publiclyAccessible: false,
      multiAz: multiZone,
      backupRetentionPeriod: Math.max(1, backupDays),
      copyTagsToSnapshot: true,
      autoMinorVersionUpgrade: false,
      applyImmediately: true,
      // Else AWS goes on with a version whose time is over at a price of its own, by the vCPU and hour.
      engineLifecycleSupport: "open-source-rds-extended-support-disabled",
      performanceInsightsEnabled: !tooSmallForInsights.test(instanceClass),
      enabledCloudwatchLogsExports: [...engineOf(engine).logs],
      ...(finalSnapshot ? { skipFinalSnapshot: false, finalSnapshotIdentifier: snapshotName } : { skipFinalSnapshot: true }),
      tags: { ...this.#tags(), ...(finalSnapshot && snapshotsKept) },
    };
    // It can be said of a new one alone.
    const opts = {
      parent: this,
      ignoreChanges: ["engineLifecycleSupport"],
      dependsOn: [...this.#logs(identifier)],
      customTimeouts: { create: "90m", ...lastSnapshot },
    };
    return new aws.rds.Instance(this.#name, args, opts);
  }
}
