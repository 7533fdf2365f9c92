// Which image a server starts from: a name of ours, one that the fleet baked, an SSM parameter of the publisher, or an AMI.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../../../spec/problem.ts";
import { typed } from "../../../spec/typed.ts";
import { type BakedImage, bakedOf, filtersOf } from "./baked.ts";
import type { InstanceType } from "./facts/types.ts";
import type { imageNames } from "./settings/target.ts";

type Arch = InstanceType["arch"];

/** EC2's words. */
export const architectures = { amd64: "x86_64", arm64: "arm64" } as const satisfies Readonly<Record<Arch, string>>;

/** The publisher's parameter that names its newest image. */
const parameters: Readonly<Record<(typeof imageNames)[number], (arch: Arch) => string>> = {
  "ubuntu-24.04": (arch) => `/aws/service/canonical/ubuntu/server/24.04/stable/current/${arch}/hvm/ebs-gp3/ami-id`,
  "ubuntu-22.04": (arch) => `/aws/service/canonical/ubuntu/server/22.04/stable/current/${arch}/hvm/ebs-gp2/ami-id`,
  "debian-12": (arch) => `/aws/service/debian/release/12/latest/${arch}`,
  al2023: (arch) => `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architectures[arch]}`,
};

export type ImageRef = { readonly ami: string } | { readonly parameter: string } | { readonly baked: BakedImage; readonly arch: Arch };

/** What `image` of a stack stands for, on the type's architecture. */
export function imageRef(image: string, arch: Arch): ImageRef {
  if (image.startsWith("ami-")) return { ami: image };
  const baked = bakedOf(image);
  if (baked) return { baked, arch };
  return { parameter: image in parameters ? parameters[image as keyof typeof parameters](arch) : image };
}

export type Distribution = "debian" | "amazon";

/** Amazon's images bring other packages under other names than Debian's and Ubuntu's. */
export const distributionOf = (image: string): Distribution => (/al2023|amazon-linux/.test(image) ? "amazon" : "debian");

/**
 * The AMI. What a parameter said at the first `up` stays in the state: publishers change it every week, and another AMI means another
 * server. To move on, name the AMI in the stack file.
 */
export function pinnedAmi(
  name: string,
  ref: ImageRef,
  opts: { readonly parent: pulumi.Resource; readonly provider?: aws.Provider; readonly aliases?: pulumi.Alias[] },
): pulumi.Output<string> {
  if ("ami" in ref) return pulumi.output(ref.ami);
  const { aliases = [], ...around } = opts;
  const input = "baked" in ref ? bakedAmi(ref, around) : newestOf(ref.parameter, around);
  return new pulumi.Stash(name, { input }, { parent: opts.parent, ignoreChanges: ["input"], aliases }).output.apply(String);
}

// The parameter's value counts as secret to the provider; an AMI is none.
const newestOf = (name: string, around: pulumi.InvokeOptions): pulumi.Output<string> =>
  pulumi.unsecret(aws.ssm.getParameterOutput({ name }, around).value);

/** A name is given once (`fleet image bake` refuses a second), but accounts and architectures have theirs each. */
function bakedAmi(
  { baked, arch }: { readonly baked: BakedImage; readonly arch: Arch },
  around: pulumi.InvokeOptions,
): pulumi.Output<string> {
  const wanted = [...filtersOf(baked), { name: "architecture", values: [architectures[arch]] }];
  const filters = wanted.map(({ name, values }) => ({ name, values: [...values] }));
  return aws.ec2.getAmiIdsOutput({ owners: ["self"], filters }, around).ids.apply(([ami]) => {
    if (ami !== undefined) return ami;
    const got = "got none in this account and region";
    throw new UserError(
      `image ${baked.base}/${baked.name}: expected an image for ${arch} that was baked and tested, ${got}; next: ${typed()} image list`,
    );
  });
}
