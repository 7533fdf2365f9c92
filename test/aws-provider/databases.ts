// RDS.
import { isDeepStrictEqual } from "node:util";
import * as sdk from "@aws-sdk/client-rds";
import { rds } from "./clients.ts";
import { type AwsType, gone, type Inputs, tagList, tagMap } from "./type.ts";
import { toAws } from "./words.ts";

const lower = (name: string): string => name.toLowerCase();

export const subnetGroup: AwsType = {
  async create({ subnetIds: SubnetIds, tags }, name) {
    const args = { DBSubnetGroupName: lower(name), DBSubnetGroupDescription: "Managed by Pulumi", SubnetIds, Tags: tagList(tags) };
    await rds().send(new sdk.CreateDBSubnetGroupCommand(args));
    return lower(name);
  },
  async read(id) {
    const found = await gone(rds().send(new sdk.DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: id })));
    const [one] = found?.DBSubnetGroups ?? [];
    return one && { name: id, subnetIds: one.Subnets?.map(({ SubnetIdentifier }) => SubnetIdentifier) };
  },
  /** Its tags are a call of their own; the emulator loses a group that is changed to what it is. */
  async update(id, { subnetIds: SubnetIds, tags }, olds) {
    if (!isDeepStrictEqual(SubnetIds, olds.subnetIds))
      await rds().send(new sdk.ModifyDBSubnetGroupCommand({ DBSubnetGroupName: id, SubnetIds }));
    const { DBSubnetGroups } = await rds().send(new sdk.DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: id }));
    const ResourceName = DBSubnetGroups?.[0]?.DBSubnetGroupArn;
    if (!isDeepStrictEqual(tags, olds.tags)) await rds().send(new sdk.AddTagsToResourceCommand({ ResourceName, Tags: tagList(tags) }));
  },
  delete: async (id) => void (await rds().send(new sdk.DeleteDBSubnetGroupCommand({ DBSubnetGroupName: id }))),
};

const setParameters = (DBParameterGroupName: string, { parameters }: Inputs) =>
  rds().send(
    new sdk.ModifyDBParameterGroupCommand({
      DBParameterGroupName,
      Parameters: parameters.map(({ name, value, applyMethod }: Inputs) => ({
        ParameterName: name,
        ParameterValue: value,
        ApplyMethod: applyMethod,
      })),
    }),
  );

export const parameterGroup: AwsType = {
  async create(inputs, name) {
    const { family: DBParameterGroupFamily, description: Description, tags } = inputs;
    const args = { DBParameterGroupName: lower(name), DBParameterGroupFamily, Description, Tags: tagList(tags) };
    await rds().send(new sdk.CreateDBParameterGroupCommand(args));
    await setParameters(lower(name), inputs);
    return lower(name);
  },
  async read(id) {
    const found = await gone(rds().send(new sdk.DescribeDBParameterGroupsCommand({ DBParameterGroupName: id })));
    const [one] = found?.DBParameterGroups ?? [];
    return one && { name: id, family: one.DBParameterGroupFamily };
  },
  update: async (id, inputs) => void (await setParameters(id, inputs)),
  delete: async (id) => void (await rds().send(new sdk.DeleteDBParameterGroupCommand({ DBParameterGroupName: id }))),
};

const instanceNames = {
  identifier: "DBInstanceIdentifier",
  instanceClass: "DBInstanceClass",
  dbName: "DBName",
  username: "MasterUsername",
  dbSubnetGroupName: "DBSubnetGroupName",
  parameterGroupName: "DBParameterGroupName",
  multiAz: "MultiAZ",
  backupRetentionPeriod: "BackupRetentionPeriod",
  performanceInsightsEnabled: "EnablePerformanceInsights",
  enabledCloudwatchLogsExports: "EnableCloudwatchLogsExports",
};
/** Of deletion and of changes, not of what is there. */
const manners = ["applyImmediately", "skipFinalSnapshot", "finalSnapshotIdentifier"];

export const databaseInstance: AwsType = {
  async create(inputs) {
    const wanted = Object.fromEntries(Object.entries(inputs).filter(([key]) => !manners.includes(key)));
    await rds().send(new sdk.CreateDBInstanceCommand(toAws(wanted, instanceNames) as never));
    return inputs.identifier;
  },
  async read(id) {
    const found = await gone(rds().send(new sdk.DescribeDBInstancesCommand({ DBInstanceIdentifier: id })));
    const [one] = found?.DBInstances ?? [];
    if (!one) return undefined;
    return {
      identifier: one.DBInstanceIdentifier,
      engine: one.Engine,
      instanceClass: one.DBInstanceClass,
      allocatedStorage: one.AllocatedStorage,
      storageType: one.StorageType,
      storageEncrypted: one.StorageEncrypted,
      publiclyAccessible: one.PubliclyAccessible,
      multiAz: one.MultiAZ,
      backupRetentionPeriod: one.BackupRetentionPeriod,
      address: one.Endpoint?.Address,
      port: one.Endpoint?.Port,
      masterUserSecrets: one.MasterUserSecret ? [{ secretArn: one.MasterUserSecret.SecretArn }] : [],
      tags: tagMap(one.TagList),
    };
  },
  async update(id, inputs) {
    const { instanceClass: DBInstanceClass, allocatedStorage: AllocatedStorage, multiAz: MultiAZ, backupRetentionPeriod } = inputs;
    const args = { DBInstanceClass, AllocatedStorage, MultiAZ, BackupRetentionPeriod: backupRetentionPeriod, ApplyImmediately: true };
    await rds().send(new sdk.ModifyDBInstanceCommand({ DBInstanceIdentifier: id, ...args }));
  },
  async delete(id, { skipFinalSnapshot, finalSnapshotIdentifier }) {
    const last = skipFinalSnapshot ? { SkipFinalSnapshot: true } : { FinalDBSnapshotIdentifier: finalSnapshotIdentifier };
    await rds().send(new sdk.DeleteDBInstanceCommand({ DBInstanceIdentifier: id, ...last }));
  },
};
