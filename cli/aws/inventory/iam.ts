// Roles and instance profiles that carry the fleet's tag. IAM has no regions.

import {
  GetInstanceProfileCommand,
  IAMClient,
  ListRolePoliciesCommand,
  ListRoleTagsCommand,
  paginateListInstanceProfiles,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import { project } from "../../../components/targets/aws/tags.ts";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import { all, steps, tagsOf, type Whose, withTags } from "../tagged-resource.ts";

/** AWS's own stand under paths of these names, and are nobody's to take away. */
const isOurs = ({ Path = "/" }: { readonly Path?: string | undefined }): boolean => !/^\/aws-(service-role|reserved)\//.test(Path);

export async function lookAtIam(access: Access): Promise<readonly Whose[]> {
  const client = new IAMClient(clientOf(access));
  return [...(await instanceProfiles(client)), ...(await roles(client))];
}

async function instanceProfiles(client: IAMClient): Promise<readonly Whose[]> {
  const found = await all(paginateListInstanceProfiles({ client }, {}), (page) => page.InstanceProfiles);
  const held = new Map(found.map(({ InstanceProfileName = "", Roles = [] }) => [InstanceProfileName, Roles]));
  const away = (name: string) => {
    const profile = `--instance-profile-name ${quote(name)}`;
    const out = (held.get(name) ?? []).map(
      ({ RoleName = "" }) => `iam remove-role-from-instance-profile ${profile} --role-name ${quote(RoleName)}`,
    );
    return steps(...out, `iam delete-instance-profile ${profile}`);
  };
  const tags = async (InstanceProfileName: string) =>
    tagsOf((await client.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile?.Tags);
  return await withTags("instance profile", [...held.keys()], away, tags);
}

async function roles(client: IAMClient): Promise<readonly Whose[]> {
  const found = await all(paginateListRoles({ client }, {}), (page) => page.Roles?.filter(isOurs));
  const names = found.map(({ RoleName = "" }) => RoleName);
  const tags = async (RoleName: string) => tagsOf((await client.send(new ListRoleTagsCommand({ RoleName }))).Tags);
  const tagged = (await withTags("role", names, () => steps(), tags)).filter((each) => each.tags.project === project);
  return await Promise.all(tagged.map(async (each) => ({ ...each, away: steps(...(await withPolicies(client, each.id))) })));
}

/** A role goes only after what it is allowed to do. */
async function withPolicies(client: IAMClient, RoleName: string): Promise<readonly string[]> {
  const { PolicyNames = [] } = await client.send(new ListRolePoliciesCommand({ RoleName }));
  const role = `--role-name ${quote(RoleName)}`;
  return [...PolicyNames.map((name) => `iam delete-role-policy ${role} --policy-name ${quote(name)}`), `iam delete-role ${role}`];
}
