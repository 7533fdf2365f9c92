// Roles and instance profiles.
import * as sdk from "@aws-sdk/client-iam";
import { iam } from "./clients.ts";
import { type AwsType, gone, tagList, tagMap } from "./type.ts";

export const role: AwsType = {
  async create({ assumeRolePolicy, permissionsBoundary: PermissionsBoundary, tags }, name) {
    const own = { AssumeRolePolicyDocument: assumeRolePolicy, PermissionsBoundary, Tags: tagList(tags) };
    await iam().send(new sdk.CreateRoleCommand({ RoleName: name, ...own }));
    return name;
  },
  async read(id) {
    const found = await gone(iam().send(new sdk.GetRoleCommand({ RoleName: id })));
    const { Arn: arn, AssumeRolePolicyDocument = "", PermissionsBoundary, Tags } = found?.Role ?? {};
    const own = { assumeRolePolicy: decodeURIComponent(AssumeRolePolicyDocument), tags: tagMap(Tags) };
    return found?.Role && { name: id, arn, ...own, permissionsBoundary: PermissionsBoundary?.PermissionsBoundaryArn ?? "" };
  },
  async update(id, { assumeRolePolicy, permissionsBoundary: PermissionsBoundary, tags }, olds) {
    if (PermissionsBoundary) await iam().send(new sdk.PutRolePermissionsBoundaryCommand({ RoleName: id, PermissionsBoundary }));
    else if (olds.permissionsBoundary) await iam().send(new sdk.DeleteRolePermissionsBoundaryCommand({ RoleName: id }));
    await iam().send(new sdk.UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument: assumeRolePolicy }));
    await iam().send(new sdk.TagRoleCommand({ RoleName: id, Tags: tagList(tags) }));
  },
  delete: async (id) => void (await iam().send(new sdk.DeleteRoleCommand({ RoleName: id }))),
};

export const rolePolicy: AwsType = {
  async create({ role: RoleName, policy: PolicyDocument }, PolicyName) {
    await iam().send(new sdk.PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    return `${RoleName}:${PolicyName}`;
  },
  async read(id) {
    const [RoleName, PolicyName] = id.split(":");
    const found = await gone(iam().send(new sdk.GetRolePolicyCommand({ RoleName, PolicyName })));
    return found && { role: RoleName, name: PolicyName, policy: decodeURIComponent(found.PolicyDocument ?? "") };
  },
  async update(id, { policy: PolicyDocument }) {
    const [RoleName, PolicyName] = id.split(":");
    await iam().send(new sdk.PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  },
  async delete(id) {
    const [RoleName, PolicyName] = id.split(":");
    await iam().send(new sdk.DeleteRolePolicyCommand({ RoleName, PolicyName }));
  },
};

export const instanceProfile: AwsType = {
  async create({ role: RoleName, tags }, InstanceProfileName) {
    await iam().send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName, Tags: tagList(tags) }));
    await iam().send(new sdk.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
    return InstanceProfileName;
  },
  async read(id) {
    const found = await gone(iam().send(new sdk.GetInstanceProfileCommand({ InstanceProfileName: id })));
    const { Arn: arn, Roles, Tags } = found?.InstanceProfile ?? {};
    return found?.InstanceProfile && { name: id, arn, role: Roles?.[0]?.RoleName, tags: tagMap(Tags) };
  },
  update: async (id, { tags }) =>
    void (await iam().send(new sdk.TagInstanceProfileCommand({ InstanceProfileName: id, Tags: tagList(tags) }))),
  async delete(id, { role: RoleName }) {
    await gone(iam().send(new sdk.RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName })));
    await iam().send(new sdk.DeleteInstanceProfileCommand({ InstanceProfileName: id }));
  },
};
