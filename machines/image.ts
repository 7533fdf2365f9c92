// The base image: a small Debian made by mmdebstrap, once for each recipe, shared by all machines as what their own changes lie over.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sh } from "../provisioners/engine/shell-quote.ts";
import { aptOptions, aptSources, localCertificates } from "./apt.ts";
import { locked } from "./lock.ts";
import { type MachineContext, MachineError, type MachineSpec } from "./machine.ts";
import { imagesDirectory } from "./names.ts";
import { asRoot, run } from "./run.ts";

/** What a server of a provider has and roles rely on; everything else comes with the roles. */
export const included = [
  ...["systemd-sysv", "dbus", "openssh-server", "openssh-client", "sudo", "ca-certificates", "iproute2", "iputils-ping", "netbase"],
  ...["procps", "tzdata", "xz-utils", "curl", "less", "logrotate"],
];

/** Would wait for what a container has not, or take dpkg's lock while a role installs. */
const masked = [
  ...["systemd-networkd-wait-online.service", "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer"],
  ...["dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "systemd-firstboot.service"],
];

/** Of those, what a machine with disks of its own has. */
const forDisks = ["fstrim.timer"];
export const maskedWithDisks = masked.filter((unit) => !forDisks.includes(unit));

/** Files that every machine has, whatever it is made of. A change here changes the recipe, and so makes a new image. */
export const quietFiles: Record<string, string> = {
  "/etc/dpkg/dpkg.cfg.d/practice": "# A practice machine is quickly made again: no flush to disk after each file.\nforce-unsafe-io\n",
  // Before user sessions are open, sshd greets and then refuses everybody but root.
  "/etc/systemd/system/ssh.service.d/order.conf": "[Unit]\nAfter=systemd-user-sessions.service\n",
};

const files: Record<string, string> = { ...quietFiles, "/etc/machine-id": "" };

/** What a driver needs beyond the tree of a Debian, and how it wants to have it. */
export interface ImageForm {
  readonly packages: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Files that are there before the packages, whose installation reads them. */
  readonly early: Readonly<Record<string, string>>;
  /** Units that are on. */
  readonly units: readonly string[];
  /** Makes of the finished tree, which goes away, what the image is; `into` is an empty directory. */
  pack(root: string, into: string): Promise<void>;
}

interface Recipe {
  readonly release: string;
  readonly packages: readonly string[];
  readonly sources: readonly string[];
  readonly options: string;
  readonly certificates: readonly string[];
  readonly masked: readonly string[];
  readonly files: Record<string, string>;
  readonly units?: readonly string[];
  readonly early?: Readonly<Record<string, string>>;
}

async function recipeOf({ release, packages = [] }: Pick<MachineSpec, "release" | "packages">, form?: ImageForm): Promise<Recipe> {
  const [sources, options, certificates] = await Promise.all([aptSources(release), aptOptions(), localCertificates()]);
  const all = [...new Set([...included, ...(form?.packages ?? []), ...packages])].sort();
  const common = { release, packages: all, sources, options, certificates, masked, files: { ...files, ...form?.files } };
  if (!form) return common;
  return { ...common, masked: maskedWithDisks, units: form.units, early: form.early };
}

/**
 * Directory of the image, built where it is not there yet: the tree itself, or what `form` makes of it. The build takes 20 to 180 s and
 * needs the package mirror.
 */
export async function ensureImage(
  spec: Pick<MachineSpec, "release" | "packages">,
  context: MachineContext = {},
  form?: ImageForm,
): Promise<string> {
  const recipe = await recipeOf(spec, form);
  const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const directory = join(imagesDirectory(), hash);
  if (/[:,\\\s]/.test(directory))
    throw new MachineError(`\`${directory}\`: machines can't be laid over an image at such a path; set XDG_CACHE_HOME to a plain one`);
  if (existsSync(directory)) return directory;
  return locked(
    `image ${hash}`,
    async () => {
      if (!existsSync(directory)) await build(recipe, directory, context, form);
      return directory;
    },
    { deadline: 900_000, signal: context.signal },
  );
}

const deadline = 900_000;

async function build(recipe: Recipe, directory: string, context: MachineContext, form?: ImageForm): Promise<void> {
  const images = dirname(directory);
  await mkdir(images, { recursive: true });
  await chmod(images, 0o700);
  const partial = `${directory}.partial`;
  const [remove, ...removal] = [...asRoot, "rm", "-rf", "--", partial];
  const clear = () => run(remove!, removal, { deadline });
  await clear();
  const [root, packed] = [join(partial, "root"), join(partial, "packed")];
  await mkdir(partial);
  context.log?.(`building the ${recipe.release} image for practice machines (once, some minutes at most)`);
  await bootstrap(recipe, partial, root, context);
  await finish(recipe, root);
  if (form) {
    await mkdir(packed);
    await form.pack(root, packed);
  }
  await rename(form ? packed : root, directory);
  await clear();
  context.log?.(`the ${recipe.release} image is ready: ${directory}`);
}

/** The tree. Without root, mmdebstrap makes an archive of it, since it works under ids that are not the ones of our namespace. */
async function bootstrap(recipe: Recipe, partial: string, root: string, { log, signal }: MachineContext): Promise<void> {
  const options = join(partial, "apt.conf");
  await writeFile(options, recipe.options, { mode: 0o600 });
  const onLine = (line: string) => {
    if (line.startsWith("I: ")) log?.(`image: ${line.slice(3)}`);
  };
  const unprivileged = asRoot.length > 0;
  const target = unprivileged ? join(partial, "root.tar") : root;
  const early = Object.entries(recipe.early ?? {}).map(
    ([path, content]) => sh`--setup-hook=mkdir -p "$1"${dirname(path)}; printf %s ${content} >"$1"${path}`.text,
  );
  const mmdebstrap = [
    ...["mmdebstrap", unprivileged ? "--mode=unshare" : "--mode=root", "--variant=minbase"],
    ...[`--format=${unprivileged ? "tar" : "directory"}`, `--include=${recipe.packages.join(",")}`, `--aptopt=${options}`, ...early],
    ...["--", recipe.release, target, ...recipe.sources],
  ];
  // As root, in a process namespace that dies with us: an orphan would write on into a directory that the next run deletes.
  const fence = unprivileged ? [] : ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
  await run("setpriv", ["--pdeathsig=KILL", ...fence, ...mmdebstrap], { deadline, signal, onLine });
  if (!unprivileged) return;
  await mkdir(root);
  const [unshare, ...args] = [
    ...asRoot,
    "tar",
    "--extract",
    "--numeric-owner",
    "--exclude=./dev/*",
    `--file=${target}`,
    `--directory=${root}`,
  ];
  await run(unshare!, args, { deadline, signal });
}

/** In the tree, as its root. */
export const inTree = (root: string, command: readonly string[], limit = 60_000): Promise<string> => {
  const [program, ...args] = [...asRoot, "chroot", root, ...command];
  return run(program!, args, { deadline: limit });
};

async function finish(recipe: Recipe, root: string): Promise<void> {
  for (const [path, content] of Object.entries(recipe.files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  // Keys made here would be the same on every machine.
  const keys = (await readdir(join(root, "etc/ssh"))).filter((name) => name.startsWith("ssh_host_"));
  for (const name of [...keys.map((key) => `etc/ssh/${key}`), "etc/hostname", "etc/resolv.conf"])
    await rm(join(root, name), { force: true });
  for (const line of recipe.certificates) {
    const path = line.split("\t")[0]!;
    await cp(path, join(root, path), { recursive: true });
  }
  if (recipe.certificates.length > 0) await inTree(root, ["update-ca-certificates"]);
  await run("systemctl", [`--root=${root}`, "enable", "systemd-networkd.service", ...(recipe.units ?? [])]);
  await run("systemctl", [`--root=${root}`, "mask", ...recipe.masked]);
}
