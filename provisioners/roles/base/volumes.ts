// Disks that outlive their server: made a filesystem of once, where they are blank, and mounted before whatever comes after this role.
import { late } from "../../engine/placeholders.ts";
import { type Declared, want } from "../../resources/want.ts";
import type { ServerView } from "../role.ts";

type Volume = NonNullable<ServerView["volumes"]>[number];

/** Seconds until a disk that was just attached must have shown itself. */
const patience = 60;

/** Shell text that makes the filesystem. A disk with anything on it, or data without a signature in its first MiB, is left as it is. */
export const formatScript = (device: string, filesystem: Volume["filesystem"]): string => `disk=${device} tries=0
until [ -b "$disk" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt ${patience} ]; then echo "expected the disk $disk, got none in ${patience} s; is it attached?"; exit 1; fi
  sleep 1
done
held=$(wipefs --noheadings --no-act --output TYPE "$disk")
if [ "$held" ]; then echo "expected a blank disk or ${filesystem} on $disk, got $held; nothing was written"; exit 1; fi
if ! cmp -s -n 1048576 "$disk" /dev/zero; then echo "expected a blank disk, got data on $disk; nothing was written"; exit 1; fi
mkfs.${filesystem} -q "$disk"`;

const packages = { xfs: "xfsprogs", ext4: "e2fsprogs" } as const satisfies Readonly<Record<Volume["filesystem"], string>>;

export function volumes({ name: server, volumes: all = [] }: ServerView): Declared[] {
  return all.flatMap(({ name, mountPoint, filesystem }) => {
    const device = late("volume", `${server}/${name}`);
    const tools = want.package({ name: packages[filesystem] });
    const made = want.command({
      name: `volume-${name.toLowerCase()}`,
      run: formatScript(device, filesystem),
      unless: `[ "$(blkid -p -s TYPE -o value ${device})" = ${filesystem} ]`,
      // What is on it stays: it is the team's data.
      undo: "true",
      after: [tools.address],
    });
    const options = filesystem === "xfs" ? "noatime" : "noatime,errors=remount-ro";
    return [tools, made, want.mount({ where: mountPoint, what: device, type: filesystem, options, after: [made.address] })];
  });
}
