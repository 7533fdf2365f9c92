// Whether a filesystem reaches to the end of its disk, on disks made of files: ext4 by its own tools, XFS by the words of its (xfsprogs 6.1,
// taken from a loop device that grew from 1 GiB to 3, as were the answers here).
import { execFileSync, spawnSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fillsScript, growScript } from "../../provisioners/roles/base/volumes.ts";
import { FakeComputer } from "../support/fake-disks.ts";

let computer: FakeComputer;
let disk: string;
beforeEach(() => {
  computer = new FakeComputer();
  disk = computer.disk("xvdj");
});
afterEach(() => computer.gone());

type Filesystem = "xfs" | "ext4";
/** Under `sh -ec`, as a guard runs. */
function fills(filesystem: Filesystem): boolean {
  const text = fillsScript(disk, { filesystem, mountPoint: "/srv/data" });
  const { status, stderr } = spawnSync("dash", ["-ec", text], { encoding: "utf8", env: { PATH: computer.path } });
  expect([stderr, [0, 1].includes(status ?? -1)]).toEqual(["", true]);
  return status === 0;
}
const grown = (size: string): void => void execFileSync("truncate", ["-s", size, disk]);

test("a disk without a filesystem, and one with another, is nothing to grow", () => {
  expect([fills("ext4"), fills("xfs")]).toEqual([true, true]);
  execFileSync("/sbin/mkfs.ext4", ["-q", disk]);
  grown("2G");
  expect(fills("xfs")).toBe(true);
});

test("ext4: an odd rest fills its disk, a larger disk is not filled until it was grown", () => {
  grown("600M");
  execFileSync("/sbin/mkfs.ext4", ["-q", disk]);
  expect(fills("ext4")).toBe(true);
  grown("700M");
  expect(fills("ext4")).toBe(true);
  grown("1600M");
  expect(fills("ext4")).toBe(false);
  // As it is done, but for the mount.
  expect(growScript(disk, { filesystem: "ext4", mountPoint: "/srv/data" })).toBe(`resize2fs ${disk}`);
  execFileSync("/sbin/resize2fs", ["-f", disk], { stdio: "ignore" });
  expect(fills("ext4")).toBe(true);
});

const info = (blocks: number): string => `meta-data=/dev/loop0             isize=512    agcount=4, agsize=65536 blks
         =                       reflink=1    bigtime=1 inobtcount=1 nrext64=0
data     =                       bsize=4096   blocks=${blocks}, imaxpct=25
naming   =version 2              bsize=4096   ascii-ci=0, ftype=1
log      =internal log           bsize=4096   blocks=16384, version=2`;

test.for([true, false])("XFS (mounted: %s) by the size that it says of itself", (mounted) => {
  const says = (blocks: number) => {
    computer.put("bin/xfs_growfs", `#!/bin/sh\n[ "$*" = "-n /srv/data" ] && cat <<'E'\n${info(blocks)}\nE\n`, 0o755);
    computer.put("bin/xfs_db", `#!/bin/sh\n[ "$6" = '${disk}' ] && printf 'blocksize = 4096\\ndblocks = ${blocks}\\n'\n`, 0o755);
  };
  computer.put("bin/mountpoint", `#!/bin/sh\nexit ${mounted ? 0 : 1}\n`, 0o755);
  computer.put("bin/blkid", "#!/bin/sh\necho xfs\n", 0o755);
  grown("3G");
  says(262_144);
  expect(fills("xfs")).toBe(false);
  says(786_432);
  expect(fills("xfs")).toBe(true);
  says(0);
  expect(fills("xfs")).toBe(false);
});
