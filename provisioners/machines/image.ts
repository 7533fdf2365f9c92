// The base image: a small Debian made by mmdebstrap, once for each recipe, shared by all machines as the lower layer of their overlay.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { aptOptions, aptSources, localCertificates } from "./apt.ts";
import { locked } from "./lock.ts";
import { type MachineContext, MachineError, type MachineSpec } from "./machine.ts";
import { imagesDirectory } from "./names.ts";
import { run } from "./run.ts";

/** What a server of a provider has and roles rely on; everything else comes with the roles. */
const included = [
  ...["systemd-sysv", "dbus", "openssh-server", "openssh-client", "sudo", "ca-certificates", "iproute2", "iputils-ping", "netbase"],
  ...["procps", "tzdata", "xz-utils", "curl", "less", "logrotate"],
];

/** Would wait for what a container has not, or take dpkg's lock while a role installs. */
const masked = [
  ...["systemd-networkd-wait-online.service", "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer"],
  ...["dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "systemd-firstboot.service"],
];

/** Files that every machine has. A change here changes the recipe, and so makes a new image. */
const files: Record<string, string> = {
  "/etc/dpkg/dpkg.cfg.d/practice": "# A practice machine is quickly made again: no flush to disk after each file.\nforce-unsafe-io\n",
  // Before user sessions are open, sshd greets and then refuses everybody but root.
  "/etc/systemd/system/ssh.service.d/order.conf": "[Unit]\nAfter=systemd-user-sessions.service\n",
  "/etc/machine-id": "",
};

interface Recipe {
  readonly release: string;
  readonly packages: readonly string[];
  readonly sources: readonly string[];
  readonly options: string;
  readonly certificates: readonly string[];
  readonly masked: readonly string[];
  readonly files: Record<string, string>;
}

async function recipeOf({ release, packages = [] }: Pick<MachineSpec, "release" | "packages">): Promise<Recipe> {
  const [sources, options, certificates] = await Promise.all([aptSources(release), aptOptions(), localCertificates()]);
  return { release, packages: [...new Set([...included, ...packages])].sort(), sources, options, certificates, masked, files };
}

/** Directory of the image, built where it is not there yet. The build takes 20 to 60 s and needs the package mirror. */
export async function ensureImage(spec: Pick<MachineSpec, "release" | "packages">, context: MachineContext = {}): Promise<string> {
  const recipe = await recipeOf(spec);
  const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const directory = join(imagesDirectory(), hash);
  if (/[:,\\\s]/.test(directory))
    throw new MachineError(`\`${directory}\`: an overlay can't be mounted over such a path; set XDG_CACHE_HOME to a plain one`);
  if (existsSync(directory)) return directory;
  return locked(
    `image ${hash}`,
    async () => {
      if (!existsSync(directory)) await build(recipe, directory, context);
      return directory;
    },
    { deadline: 900_000, signal: context.signal },
  );
}

async function build(recipe: Recipe, directory: string, { log, signal }: MachineContext): Promise<void> {
  const images = dirname(directory);
  await mkdir(images, { recursive: true });
  await chmod(images, 0o700);
  const partial = `${directory}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  const [root, options] = [join(partial, "root"), join(partial, "apt.conf")];
  await writeFile(options, recipe.options, { mode: 0o600 });
  log?.(`building the ${recipe.release} image for practice machines (once, about a minute)`);
  const mmdebstrap = [
    ...[
      "mmdebstrap",
      "--mode=root",
      "--variant=minbase",
      "--format=directory",
      `--include=${recipe.packages.join(",")}`,
      `--aptopt=${options}`,
    ],
    ...["--", recipe.release, root, ...recipe.sources],
  ];
  // In a process namespace that dies with us: an orphan would write on into a directory that the next run deletes.
  const fenced = ["--pdeathsig=KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ...mmdebstrap];
  const onLine = (line: string) => {
    if (line.startsWith("I: ")) log?.(`image: ${line.slice(3)}`);
  };
  await run("setpriv", fenced, { deadline: 900_000, signal, onLine });
  await finish(recipe, root);
  await rename(root, directory);
  await rm(partial, { recursive: true });
  log?.(`the ${recipe.release} image is ready: ${directory}`);
}

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
  if (recipe.certificates.length > 0) await run("chroot", [root, "update-ca-certificates"], { deadline: 60_000 });
  await run("systemctl", [`--root=${root}`, "enable", "systemd-networkd.service"]);
  await run("systemctl", [`--root=${root}`, "mask", ...recipe.masked]);
}
