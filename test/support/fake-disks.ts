// A computer made of files, for the instance store's boot script: disks are sparse files, tools that need a kernel are shell scripts
// that keep their state beside them. What only reads (blkid, wipefs) is the real one.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Each gets its arguments in `$@`, the folder of state in `$fake`, and is logged before it runs. */
const tools: Readonly<Record<string, string>> = {
  mdadm: `
scan() { if [ -e "$fake/scan" ]; then cat "$fake/scan"; fi; }
of() { printf '%s/md/%s' "$fake" "$(basename "$1")"; }
uuid() { for a in "$@"; do case $a in --uuid=*) echo "\${a#--uuid=}" ;; esac; done; }
disks() { for a in "$@"; do case $a in */md/fleet) ;; /*) echo "$a" ;; esac; done; }
case "$1" in
  --detail) scan ;;
  --examine) last=$2; [ "$2" != --export ] || last=$3; [ -e "$(of "$last")" ] || exit 1; echo "MD_UUID=$(cat "$(of "$last")")" ;;
  --create) for d in $(disks "$@"); do uuid "$@" >"$(of "$d")"; done
    mkdir -p "$(dirname "$2")"; truncate -s 64M "$2"; echo "ARRAY $2 metadata=1.2 name=any:fleet UUID=$(uuid "$@")" >>"$fake/scan" ;;
  --assemble) for d in $(disks "$@"); do [ "$(cat "$(of "$d")")" = "$(uuid "$@")" ] || exit 1; done
    echo "ARRAY $2 metadata=1.2 name=any:fleet UUID=$(uuid "$@")" >>"$fake/scan" ;;
  --stop) grep -v " $2 \\|ARRAY $2 " "$fake/scan" >"$fake/scan.new"; mv "$fake/scan.new" "$fake/scan"; rm -f "$2.fs" ;;
  --zero-superblock) rm "$(of "$2")" ;;
  *) exit 64 ;;
esac`,
  "mkfs.xfs": `
for a in "$@"; do case $a in uuid=*) id=\${a#uuid=} ;; esac; last=$a; done
[ ! -e "$fake/mkfs-dies" ] || exit 9
printf '%s' "$id" >"$last.fs"`,
  blkid: `
for a in "$@"; do last=$a; done
case $3 in
  UUID) if [ -e "$last.fs" ]; then cat "$last.fs"; exit; fi ;;
  TYPE) if [ -e "$last.fs" ]; then echo xfs; exit; fi ;;
  PTTYPE) if [ -e "$last.pt" ]; then cat "$last.pt"; exit; fi ;;
  PART_ENTRY_NAME) if [ -e "$last.label" ]; then cat "$last.label"; exit; fi ;;
esac
if [ -e "$last.unclear" ]; then exit 8; fi
exec /sbin/blkid "$@"`,
  sfdisk: `
cat >"$fake/sfdisk-input"
case $2 in *[0-9]) part=$2"p1" ;; *) part=$2"1" ;; esac
truncate -s 57M "$part"; echo gpt >"$2.pt"; echo fleet-store >"$part.label"`,
  lsblk: `for a in "$@"; do last=$a; done; basename "$last"; if [ -e "$last.children" ]; then cat "$last.children"; fi`,
  blockdev: `stat -c %s "$2"`,
  mountpoint: "exit 1",
  udevadm: ":",
  chattr: ":",
  sync: ":",
  sleep: ":",
  "update-initramfs": ":",
};

export const mib = 1024 * 1024;

export class FakeComputer {
  readonly root = mkdtempSync(join(tmpdir(), "fleet-disks-"));
  readonly #fake = join(this.root, "fake");

  constructor() {
    for (const folder of ["bin", "fake/md", "dev/disk/by-id", "etc/mdadm", "etc/fleet/instance-store.d"])
      mkdirSync(join(this.root, folder), { recursive: true });
    for (const [name, body] of Object.entries(tools)) {
      const log = `printf '%s\\n' "${name} $*" >>"$fake/log"`;
      writeFileSync(join(this.root, "bin", name), `#!/bin/sh\nfake=${this.#fake}\n${log}\n${body}\n`, { mode: 0o755 });
    }
  }

  /** NVMe disks of the instance store, 64 MiB each, with the links that udev makes, and an EBS volume beside them. */
  nvme(count: number): readonly string[] {
    const disks = Array.from({ length: count }, (_, at) => this.disk(`nvme${at + 1}n1`));
    for (const [at, disk] of disks.entries())
      for (const link of [`AWS0${at}`, `AWS0${at}_1`, `AWS0${at}-part1`])
        symlinkSync(disk, this.#at(`dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_${link}`));
    symlinkSync(this.disk("nvme0n1"), this.#at("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0"));
    return disks;
  }

  disk(name: string): string {
    const path = this.#at(`dev/${name}`);
    writeFileSync(path, "");
    truncateSync(path, 64 * mib);
    return path;
  }

  /** What a stop and a start leave: other, blank disks under the same names, nothing assembled. The root disk stays. */
  blankAgain(disks: readonly string[]): void {
    for (const disk of disks) {
      for (const each of [".fs", ".pt", "p1", "p1.label", "p1.fs", "1", "1.label", "1.fs"]) rmSync(`${disk}${each}`, { force: true });
      truncateSync(disk, 0);
      truncateSync(disk, 64 * mib);
    }
    for (const state of ["fake/md", "fake/scan", "dev/md"]) rmSync(this.#at(state), { recursive: true, force: true });
    mkdirSync(this.#at("fake/md"));
  }

  /** Tells a fake something (`mkfs-dies`), or sets what a person would find there. */
  put(path: string, content: string, mode = 0o644): void {
    writeFileSync(this.#at(path), content, { mode });
  }
  drop = (path: string): void => rmSync(this.#at(path), { recursive: true });
  has = (path: string): boolean => existsSync(this.#at(path));
  read = (path: string): string => readFileSync(this.#at(path), "utf8").replaceAll(this.root, "");

  /** Where its programs are found: the fakes before this computer's own. */
  get path(): string {
    return `${this.#at("bin")}:${process.env.PATH}:/usr/sbin:/sbin`;
  }

  /** Runs the script under dash. `ran` holds only what changes something, in order, without this computer's own folder. */
  run(script: string, verb: "build" | "ready"): { readonly code: number | null; readonly said: string; readonly ran: readonly string[] } {
    rmSync(this.#at("fake/log"), { force: true });
    const { status, stderr } = spawnSync("dash", ["-s", verb], {
      input: script,
      encoding: "utf8",
      env: { PATH: this.path },
      timeout: 180_000,
    });
    const log = this.has("fake/log") ? this.read("fake/log").trimEnd().split("\n") : [];
    const looks = /^(?:mdadm --(?:detail|examine)|blkid|lsblk|blockdev|mountpoint|udevadm|sleep|sync|chattr)/;
    return { code: status, said: stderr.replaceAll(this.root, ""), ran: log.filter((line) => !looks.test(line)) };
  }

  gone = (): void => rmSync(this.root, { recursive: true, force: true });
  #at = (path: string): string => join(this.root, path);
}

export const sha256Of = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Bytes at a place of a disk. */
export function writeAt(path: string, offset: number, bytes: string): void {
  execFileSync("dd", [`of=${path}`, "bs=1", `seek=${offset}`, "conv=notrunc", "status=none"], { input: Buffer.from(bytes, "latin1") });
}
