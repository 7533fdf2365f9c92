// Disks that outlive their server: made a filesystem of once, where they are blank, and mounted before whatever comes after this role.
import { readFileSync } from "node:fs";
import { late } from "../../engine/placeholders.ts";
import { quote } from "../../engine/shell-quote.ts";
import { type Declared, want } from "../../resources/want.ts";
import type { ServerView } from "../role.ts";

type Volume = NonNullable<ServerView["volumes"]>[number];

/** Seconds until a disk that was just attached must have shown itself; that it may be read for; after which that is foreseen; and for a filesystem to grow. */
const patience = { disk: 60, read: 300, trial: 10, grow: 1800 };

/** Shell functions that tell whether nothing is on a disk. */
export const blankDisk = readFileSync(new URL("blank-disk.sh", import.meta.url), "utf8");

/**
 * Shell text that makes the filesystem, on a disk that carries no signature and is all zeros. It is read whole; where that would take too
 * long, somebody has to have said that it is blank (`blank: true`), and then it is read at many places.
 */
export const formatScript = (
  device: string,
  { filesystem, blank = false }: Pick<Volume, "filesystem" | "blank">,
): string => `disk=${device} tries=0
${blankDisk}
until [ -e "$disk" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt ${patience.disk} ]; then echo "expected the disk $disk, got none in ${patience.disk} s; is it attached?"; exit 1; fi
  sleep 1
done
held=$(claimed_by "$disk")
if [ "$held" ]; then echo "expected a blank disk or ${filesystem} on $disk, got $held; nothing was written"; exit 1; fi
if ! all_zeros "$disk" ${blank ? patience.trial : patience.read} ${patience.trial}; then
  echo "expected a blank disk, got data on $disk without a signature; nothing was written"; exit 1
fi
if [ "$unread" -gt 0 ] && [ ${blank} = false ]; then
  echo "expected a disk that can be read whole in ${patience.read} s, got $size MiB on $disk, of which $unread are not known to be blank; next: where nothing is on it, say \\\`blank: true\\\` of the volume in the stack file; nothing was written"; exit 1
fi
mkfs.${filesystem} -q "$disk"`;

/** MiB that a filesystem may leave of its disk: a last part that is too small to be one of its groups. */
const remainder = 256;

/** Shell text that sets `held` to the bytes of a filesystem. A mounted XFS knows its own size before the disk does. */
const sizes = {
  ext4: `held=$(dumpe2fs -h "$disk" 2>/dev/null | awk -F: '/^Block count/ {n = $2} /^Block size/ {s = $2} END {printf "%.0f", n * s}')`,
  xfs: `if mountpoint -q "$where"; then
  held=$(xfs_growfs -n "$where" | sed -n 's/^data .*bsize=\\([0-9]*\\) *blocks=\\([0-9]*\\).*/\\1 \\2/p' | awk '{printf "%.0f", $1 * $2}')
else
  held=$(xfs_db -r -c 'sb 0' -c 'p blocksize dblocks' "$disk" | awk '/blocksize/ {s = $3} /dblocks/ {n = $3} END {printf "%.0f", n * s}')
fi`,
} as const satisfies Readonly<Record<Volume["filesystem"], string>>;

/** Succeeds where the filesystem reaches to the end of its disk, and where there is none to grow: a disk whose volume became larger does not. */
export const fillsScript = (
  device: string,
  { filesystem, mountPoint }: Pick<Volume, "filesystem" | "mountPoint">,
): string => `disk=${device} where=${quote(mountPoint)}
[ "$(blkid -p -s TYPE -o value "$disk")" = ${filesystem} ] || exit 0
${sizes[filesystem]}
[ "$held" ] && [ "$held" -gt 0 ] || exit 1
[ $(($(blockdev --getsize64 "$disk") - held)) -le ${remainder * 1024 * 1024} ]`;

/** Shell text that grows it, mounted as it is, with what is on it. */
export const growScript = (device: string, { filesystem, mountPoint }: Pick<Volume, "filesystem" | "mountPoint">): string =>
  filesystem === "xfs" ? `xfs_growfs ${quote(mountPoint)}` : `resize2fs ${device}`;

const packages = { xfs: "xfsprogs", ext4: "e2fsprogs" } as const satisfies Readonly<Record<Volume["filesystem"], string>>;

export function volumes({ name: server, volumes: all = [] }: ServerView): Declared[] {
  return all.flatMap((volume) => {
    const { name, mountPoint, filesystem } = volume;
    const device = late("volume", `${server}/${name}`);
    const tools = want.package({ name: packages[filesystem] });
    const made = want.command({
      name: `volume-${name.toLowerCase()}`,
      run: formatScript(device, volume),
      unless: `[ "$(blkid -p -s TYPE -o value ${device})" = ${filesystem} ]`,
      timeout: patience.disk + patience.read + 600,
      // What is on it stays: it is the team's data.
      undo: "true",
      after: [tools.address],
    });
    const options = filesystem === "xfs" ? "noatime" : "noatime,errors=remount-ro";
    const mounted = want.mount({ where: mountPoint, what: device, type: filesystem, options, after: [made.address] });
    const grown = want.command({
      name: `volume-${name.toLowerCase()}-grown`,
      run: growScript(device, volume),
      unless: fillsScript(device, volume),
      timeout: patience.grow,
      // No filesystem gets smaller again.
      undo: "true",
      after: [mounted.address],
    });
    return [tools, made, mounted, grown];
  });
}
