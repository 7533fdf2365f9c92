// What is installed beside the roles' own packages: from the distribution, from other repositories, or a .deb by its address.
import { z } from "zod";
import { UserError } from "../../../spec/problem.ts";
import { OwnName, PackageName, PackageVersion, Sha256, Url } from "../../../spec/scalars.ts";
import type { Facts } from "../../engine/facts.ts";
import { RepositoryWant } from "../../resources/repository.ts";
import { type Declared, want } from "../../resources/want.ts";

/** What people reach for on the day; the base images of contests lack some of them. */
const usefulPackages = ["ca-certificates", "curl", "git", "htop", "jq", "less", "rsync", "strace", "sysstat", "vim-tiny"];

const Chosen = z
  .strictObject({
    name: PackageName.describe("name of the package"),
    version: PackageVersion.optional().describe("exactly this version, also an older one; upgrades leave it"),
    hold: z.boolean().default(false).describe("upgrades leave the version that is there (`apt-mark hold`)"),
    url: Url.optional().describe("the `.deb`, where no repository has it"),
    sha256: Sha256.optional().describe("SHA-256 of the `.deb`"),
  })
  .refine(({ version, hold }) => version === undefined || !hold, {
    path: ["hold"],
    error: "expected either `version` or `hold`: upgrades leave a package with a `version` as it is",
  })
  .refine(({ version, url, sha256 }) => (url === undefined ? sha256 === undefined : version !== undefined && sha256 !== undefined), {
    path: ["url"],
    error: "expected `url`, `sha256` and `version` together: the version tells whether the `.deb` is installed",
  });

const repository = RepositoryWant.shape;
const Repository = z.strictObject({
  uris: repository.uris.describe("addresses of the repository"),
  suites: repository.suites.describe("suites, such as `[bookworm]`"),
  components: repository.components.describe("components of the suites"),
  architectures: repository.architectures.describe("processors that it has packages for; without it, the server's"),
  signedBy: repository.signedBy.describe("its signing key: an armored public key, or a keyring on the server"),
  options: repository.options.describe("further fields of its `.sources` file"),
});

export const softwareParams = {
  packages: z
    .array(z.union([PackageName, Chosen]))
    .default(usefulPackages)
    .describe("packages for people: names, or `{name, version}`, `{name, hold}`, `{name, version, url, sha256}`"),
  repositories: z.record(OwnName, Repository).default({}).describe("package repositories of apt by name"),
};
type Software = z.infer<z.ZodObject<typeof softwareParams>>;
type Chosen = z.infer<typeof Chosen>;

/** Throws a UserError for what only apt has, on a server without it. */
export function software({ packages, repositories }: Software, { packageManager }: Pick<Facts, "packageManager">): Declared[] {
  if (packageManager === "dnf") refuseAptsOwn(packages, repositories);
  const plain = packages.filter((each) => typeof each === "string");
  const chosen = packages.filter((each) => typeof each !== "string");
  const names = [...plain, ...(chosen.some(({ url }) => url) ? ["curl"] : [])];
  return [
    ...Object.entries(repositories).map(([name, each]) => want.repository({ name, ...each })),
    ...[...new Set(names)].filter((name) => !chosen.some((each) => each.name === name)).map((name) => want.package({ name })),
    ...chosen.map(({ hold: _, ...each }) =>
      want.package({ ...each, ...(each.url && { after: [want.package({ name: "curl" }).address] }) }),
    ),
    ...pins(chosen),
    ...chosen.filter(({ hold }) => hold).map(held),
  ];
}

function refuseAptsOwn(packages: Software["packages"], repositories: Software["repositories"]): void {
  const problem = (path: string, next: string) =>
    new UserError(`params.base.${path}: expected a server with apt, got one with dnf; next: ${next}`);
  const [repository] = Object.keys(repositories);
  if (repository !== undefined) throw problem(`repositories.${repository}`, "a `.repo` file in the team's files, at /etc/yum.repos.d");
  const at = packages.findIndex(
    (each) => typeof each !== "string" && Object.keys(each).some((key) => key !== "name" && each[key as "hold"]),
  );
  if (at >= 0) throw problem(`packages[${at}]`, "the name alone; nothing upgrades it there but people");
}

/** Above 1000 an older version counts too. */
function pins(chosen: readonly Chosen[]): Declared[] {
  const records = chosen.flatMap(({ name, version }) =>
    version === undefined ? [] : [`Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`],
  );
  const content = ["# Managed by fleet (role base).\n", ...records].join("\n");
  return records.length > 0 ? [want.file({ path: "/etc/apt/preferences.d/zz-fleet", content })] : [];
}

const held = ({ name }: Chosen): Declared =>
  want.command({
    name: `hold-${name.toLowerCase().replaceAll("+", "-plus")}`,
    run: `apt-mark hold ${name}`,
    unless: `apt-mark showhold ${name} | grep -q .`,
    undo: `apt-mark unhold ${name}`,
    after: [want.package({ name }).address],
  });
