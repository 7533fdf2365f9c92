// A user account. What is left out is chosen at creation and then left alone; keys are `file`s of their own.
import { z } from "zod";
import { AbsolutePath, Line, Owner, UserName } from "../../spec/scalars.ts";
import type { UserSeen } from "../engine/probe.ts";
import { type Command, lines, Secret, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, type Kept, missing, purgeFolder, type Step } from "./kind.ts";
import { removeTree } from "./undo-path.ts";

export const UserWant = z.strictObject({
  ...common,
  name: UserName,
  uid: z.int().min(1).max(4294967293).optional(),
  /** The primary group; it must be there. @default a group of the user's own name, made with it */
  group: Owner.optional(),
  /** Groups that the user is a member of, beside others that it may be in. */
  groups: z.array(Owner).readonly().default([]),
  comment: Line.regex(/^[^:]*$/, { error: "expected text without a colon" }).optional(),
  /** @default `/home/NAME` */
  home: AbsolutePath.optional(),
  /** @default `/bin/bash`, of a system user `/usr/sbin/nologin` */
  shell: AbsolutePath.optional(),
  /** As in /etc/shadow (`mkpasswd -m yescrypt`), or the mark of a secret that is filled in later. @default no password logs in */
  passwordHash: z
    .string()
    .regex(/^(?:⟦secret:[^⟦⟧]+⟧|[^:\s]{1,512})$/, { error: "expected a password hash such as `$y$j9T$…`" })
    .optional(),
  /** Takes its number from the system's range; matters at creation alone. @default false */
  system: z.boolean().optional(),
  /** Makes the home with what /etc/skel holds, and again when it is gone. */
  createHome: z.boolean().default(true),
});
export type UserWant = z.infer<typeof UserWant>;

export interface UserHave {
  readonly user: UserSeen | undefined;
  /** What stands at the wanted home: `directory`, `missing` … */
  readonly home: string;
  /** Of the group of the user's own name; removing the user removes that too. */
  readonly ownGid?: number | undefined;
}

const homeOf = ({ name, home }: Kept<UserWant>): string => home ?? `/home/${name}`;

/** The properties that usermod changes one by one, each with its flag. */
const flags = { uid: "-u", group: "-g", comment: "-c", home: "-d", shell: "-s" } as const;
type Property = keyof typeof flags;
const properties = Object.keys(flags) as Property[];

function create(want: UserWant): Step {
  const { name, uid, group, groups, comment, system, createHome } = want;
  const shell = want.shell ?? (system ? "/usr/sbin/nologin" : "/bin/bash");
  const options = [
    ...(system ? ["-r"] : []),
    ...(uid === undefined ? [] : ["-u", uid]),
    ...(comment === undefined ? [] : ["-c", comment]),
    ...(groups.length > 0 ? ["-G", groups.join(",")] : []),
    ...[createHome ? "-m" : "-M", "-d", homeOf(want), "-s", shell],
  ];
  const own = group === undefined ? sh`set -- -U\nif getent group ${name} >/dev/null; then set -- -g ${name}; fi` : sh`set -- -g ${group}`;
  const told = [`home \`${homeOf(want)}\``, `shell \`${shell}\``, ...(groups.length > 0 ? [`groups \`${groups.join(",")}\``] : [])];
  // A package of the same run, or the image of a server that nobody looked at, may have brought the account.
  const join = groups.length > 0 ? sh`usermod -a -G ${groups.join(",")} -- ${name}` : sh`:`;
  const parents = createHome ? sh`fleet_parents ${homeOf(want)}\n` : sh``;
  const run = sh`if getent passwd ${name} >/dev/null; then ${join}; else\n${own}\n${parents}useradd ${options} "$@" -- ${name}\nfi`;
  return { change: `create with ${told.join(", ")}`, property: "name", run };
}

/** The hash that was there first is kept beside the originals: the journal holds no secrets. */
const setPassword = (name: string, hash: string): Command =>
  withInput(
    sh`kept="$state/originals/$key.shadow"
[ -e "$kept" ] || ( umask 077; getent shadow ${name} | cut -d: -f2 > "$kept" )
chpasswd -e`,
    new Secret(`${name}:${hash}\n`),
  );

function modify({ name, groups, ...want }: Kept<UserWant>, have: UserSeen): Step[] {
  const steps = properties.flatMap((property): Step[] => {
    const [next, now] = [want[property], have[property]];
    if (next === undefined || next === now) return [];
    return [{ change: `${property} \`${now}\` → \`${next}\``, property, run: sh`usermod ${flags[property]} ${next} -- ${name}` }];
  });
  const absent = groups.filter((each) => !have.groups.includes(each));
  if (absent.length > 0)
    steps.push({ change: `join \`${absent.join(",")}\``, property: "groups", run: sh`usermod -a -G ${absent.join(",")} -- ${name}` });
  return steps;
}

const makeHome = (name: string, home: string): Step => ({
  change: `make the home \`${home}\` again`,
  property: "createHome",
  run: sh`fleet_parents ${home}\nfleet_at ${home} mkdir -m 0750 --\nfleet_enter ${home}\ncp -rT -- /etc/skel .\nchown -R -- ${`${name}:`} .`,
});

export const user = defineKind<UserWant, UserHave, "passwordHash">({
  kind: "user",
  rank: 20,
  schema: UserWant,
  address: ({ name }) => `user[${name}]`,
  touches: ({ name }) => ({ users: [name] }),
  leans: ({ group, groups }) => ({ groups: [...(group === undefined ? [] : [group]), ...groups] }),
  parents: (want) => homeOf(want),
  sensitive: ({ passwordHash }) => (passwordHash === undefined ? [] : ["passwordHash"]),
  read(want, look) {
    const [seen, home, own] = [look.user(want.name), look.path(homeOf(want)), look.group(want.name)];
    return () => ({ user: seen(), home: home().type, ownGid: own()?.gid });
  },
  plan(want, { user: have, home }) {
    const { name, passwordHash } = want;
    const steps = have ? modify(want, have) : [create(want)];
    if (have && want.createHome && home === missing && homeIsIts(want, have)) steps.push(makeHome(name, homeOf(want)));
    if (passwordHash !== undefined && passwordHash !== have?.passwordHash) {
      steps.push({
        change: have ? "password changes" : "set the password",
        property: "passwordHash",
        run: setPassword(name, passwordHash),
      });
    }
    return steps;
  },
  seen(want, { user: have, home }) {
    if (!have) return undefined;
    const managed = [...properties, "passwordHash" as const].filter((property) => want[property] !== undefined);
    return {
      ...want,
      ...Object.fromEntries(managed.map((property) => [property, have[property]])),
      groups: want.groups.filter((each) => have.groups.includes(each)),
      createHome: want.createHome && !(home === missing && homeIsIts(want, have)),
    };
  },
  purge(want, original, { home }) {
    if (original.user || original.home !== missing || home !== "directory") return undefined;
    return purgeFolder(homeOf(want), removeTree(homeOf(want)));
  },
  undo(want, original, { user: have, home }) {
    const { name } = want;
    if (!original.user && have) return [remove(want, original, home === "directory")];
    // What people left in it may be gone by now.
    if (!original.user)
      return original.home === missing && home === "directory"
        ? [{ change: "remove the home where nobody left anything in it", run: dropHome(want) }]
        : [];
    if (!have) return "the account is gone, and its password with it; make it again by hand";
    const was = original.user;
    const steps = modify({ ...want, ...was, name, groups: [] }, have);
    const groups = (of: Kept<UserSeen>) => [...of.groups].sort().join(",");
    if (groups(have) !== groups(was))
      steps.push({ change: `groups \`${groups(have)}\` → \`${groups(was)}\``, run: sh`usermod -G ${groups(was)} -- ${name}` });
    return [...steps, restorePassword(name)];
  },
});

/** An account whose home stands elsewhere, and nobody said where it should, needs none here. */
const homeIsIts = (want: UserWant, have: UserSeen): boolean => want.home !== undefined || have.home === homeOf(want);

/** Work that people left in the home is not ours to delete: it stays, root's. */
function remove(want: Kept<UserWant>, original: Kept<UserHave>, homeStands: boolean): Step {
  const { name } = want;
  // userdel takes a group of the user's name along, but for one that has a member.
  const [hold, release] =
    original.ownGid === undefined ? [sh``, sh``] : [sh`usermod -a -G ${name} root\n`, sh`\ngpasswd -d root ${name} > /dev/null`];
  const account = sh`${hold}userdel -f -- ${name}${release}\nrm -f -- "$state/originals/$key.shadow"`;
  if (original.home !== missing || !homeStands) return { change: "remove the account", run: account };
  return { change: "remove the account, and its home where nobody left anything in it", run: lines([account, dropHome(want)]) };
}

const dropHome = (want: Kept<UserWant>): Command => sh`fleet_enter ${homeOf(want)}
for each in .[!.]*; do
  if cmp -s -- "$each" "/etc/skel/$each"; then rm -f -- "$each"; fi
done
rm -rf -- .bash_history .cache
if [ -d .ssh ] && [ ! -L .ssh ]; then rmdir --ignore-fail-on-non-empty -- .ssh; fi
cd /
fleet_at ${homeOf(want)} rmdir --ignore-fail-on-non-empty --
if [ -e ${homeOf(want)} ]; then
  fleet_at ${homeOf(want)} chown -R root:root --
  fleet_mode 0700 ${homeOf(want)}
  fleet_stays "what people left in "${homeOf(want)}" stays there, for root alone; remove it by "${`\`rm -r ${homeOf(want)}\``}
fi`;

const restorePassword = (name: string): Step => ({
  change: "put the password back where it was changed",
  run: sh`kept="$state/originals/$key.shadow"
if [ -e "$kept" ]; then
  { printf '%s:' ${name}; cat -- "$kept"; } | chpasswd -e
  rm -f -- "$kept"
fi`,
});
