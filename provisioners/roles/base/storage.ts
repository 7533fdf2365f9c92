// Swap, and mounts of what the fleet did not make.
import { z } from "zod";
import { bytesOfSize, Size } from "../../../spec/scalars.ts";
import { MountWant } from "../../resources/mount.ts";
import { type Declared, want } from "../../resources/want.ts";
import type { RoleContext } from "../role.ts";

const { where, what, type, options } = MountWant.shape;

export const storageParams = {
  swap: Size.optional().describe("swap in a file of this size; a container has none of its own, and it is left out there"),
  mounts: z
    .array(
      z.strictObject({
        where: where.describe("mount point; made where it is not there"),
        what: what.describe("a device, `UUID=…`, `server:/export` or `tmpfs`"),
        type: type.describe("type of the file system: `ext4`, `nfs`, `tmpfs`"),
        options: options.describe("options, as mount(8) has them"),
      }),
    )
    .default([])
    .describe("mounts: now and at each boot, which goes on without them"),
};
type Storage = z.infer<z.ZodObject<typeof storageParams>>;

export const storage = ({ params, facts }: Pick<RoleContext<Storage>, "params" | "facts">): Declared[] => [
  ...params.mounts.map((each) => want.mount(each)),
  ...(params.swap && !facts.container ? swap(bytesOfSize(params.swap)) : []),
];

const [path, unit] = ["/fleet.swap", "fleet.swap.swap"];

/** What is there and does not carry our label is somebody else's. */
const take = `if [ -e ${path} ]; then
  if [ "$(blkid -p -s LABEL -o value ${path})" != fleet ]; then echo 'expected ${path} to be swap of the fleet, got another file; move it away'; exit 1; fi
  systemctl stop ${unit}
  rm -f ${path}
fi`;

/** A unit, not a line of fstab, which stays whoever's it is. */
function swap(bytes: number): Declared[] {
  const file = want.file({
    path: `/etc/systemd/system/${unit}`,
    content: `# Managed by fleet (role base).\n[Unit]\nDescription=Swap of the fleet\n\n[Swap]\nWhat=${path}\n`,
  });
  const link = want.link({ path: `/etc/systemd/system/multi-user.target.wants/${unit}`, target: `../${unit}` });
  // Filled with zeros: a file with holes is refused, and some file systems allocate with holes.
  const made = want.command({
    name: "swap",
    run: `${take}
( umask 077; head -c ${bytes} /dev/zero > ${path} )
mkswap -q -L fleet ${path}
systemctl daemon-reload
systemctl start ${unit}`,
    unless: `[ "$(stat -c %s ${path})" = ${bytes} ] && grep -q '^${path} ' /proc/swaps`,
    undo: take,
    after: [file.address, link.address],
  });
  return [file, link, made];
}
