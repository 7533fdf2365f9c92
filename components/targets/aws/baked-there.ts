// Whether the baked images that a stack file names are there: asked before anything is registered, since a look-up of the program that finds none
// leaves what waits for it waiting.

import { clientOf } from "../../../provisioners/aws/access.ts";
import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import { type BakedImage, bakedOf, filtersOf } from "./baked.ts";
import { poolMachine, poolsIn } from "./facts/pools.ts";
import { defaults, settingsOf } from "./facts/servers.ts";
import { type InstanceType, typeOrGuess } from "./facts/types.ts";
import { architectures } from "./image.ts";
import type { AwsTarget } from "./settings/target.ts";

interface Wanted {
  /** `target.servers.isu2.image` */
  readonly place: string;
  readonly baked: BakedImage;
  readonly arch: InstanceType["arch"];
}

interface Named {
  readonly target: AwsTarget;
  /** By name; what they are is not asked. */
  readonly servers: Readonly<Record<string, unknown>>;
}

/** Pure: each image once, where it is named first. */
export function bakedIn({ target, servers }: Named): readonly Wanted[] {
  const named = [
    ...Object.keys(servers).map((name) => {
      const { instanceType = defaults.instanceType, image = defaults.image } = settingsOf(target, name);
      const place = target.servers[name]?.image === undefined ? "target.image" : `target.servers.${name}.image`;
      return { place, image, type: instanceType };
    }),
    ...poolsIn(target).map(({ place, pool }) => {
      const { types, image } = poolMachine(target, pool);
      return { place: pool.image === undefined ? "target.image" : `${place}.image`, image, type: types[0] };
    }),
  ];
  const wanted = named.flatMap(({ place, image, type }) => {
    const baked = bakedOf(image);
    return baked ? [{ place, baked, arch: typeOrGuess(type).arch }] : [];
  });
  return wanted.filter(({ baked, arch }, at) => {
    const same = (other: Wanted) => other.arch === arch && other.baked.base === baked.base && other.baked.name === baked.name;
    return wanted.findIndex(same) === at;
  });
}

/** Throws a UserError that names the first place. */
export async function refuseMissing({ target, servers }: Named): Promise<void> {
  const wanted = bakedIn({ target, servers });
  if (wanted.length === 0) return;
  const { DescribeImagesCommand, EC2Client } = await import("@aws-sdk/client-ec2");
  const client = new EC2Client(clientOf(target));
  for (const { place, baked, arch } of wanted) {
    const filters = [...filtersOf(baked), { name: "architecture", values: [architectures[arch]] }];
    const Filters = filters.map(({ name, values }) => ({ Name: name, Values: [...values] }));
    const { Images = [] } = await client.send(new DescribeImagesCommand({ Owners: ["self"], Filters }));
    if (Images.length === 0)
      throw new UserError(
        `${place}: expected an image for ${arch} in ${target.region} that was baked and tested, got none by the name ${baked.base}/${baked.name}; next: ${typed()} image list`,
      );
  }
}
