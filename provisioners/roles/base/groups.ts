// Groups, and who is in them: members of the team, and the user of applications.
import { z } from "zod";
import { UserError } from "../../../spec/problem.ts";
import { Owner, UserName } from "../../../spec/scalars.ts";
import { type Declared, want } from "../../resources/want.ts";
import type { TeamView } from "../role.ts";

export const groupParams = z
  .record(Owner, z.array(UserName))
  .default({})
  .describe("members of groups, which are made where they are not there: `{docker: [ada, isucon]}`");
type Groups = z.infer<typeof groupParams>;

/** Of one user. */
export const groupsOf = (groups: Groups, user: string): string[] => Object.keys(groups).filter((group) => groups[group]?.includes(user));

/** Throws a UserError for a user who is nobody of the team's. */
export function groups(wanted: Groups, appUser: string, { members }: Pick<TeamView, "members">): Declared[] {
  const known = [appUser, ...members.map(({ name }) => name)];
  for (const [group, users] of Object.entries(wanted)) {
    const stranger = users.find((user) => !known.includes(user));
    if (stranger !== undefined)
      throw new UserError(
        `params.base.groups.${group}: expected one of ${known.map((user) => `\`${user}\``).join(", ")}, got \`${stranger}\``,
      );
  }
  return Object.keys(wanted).map((name) => want.group({ name }));
}
