// Which image a server starts from: a name of ours, an SSM parameter of the publisher, or an AMI.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { InstanceType } from "./facts/types.ts";
import type { imageNames } from "./settings/target.ts";

type Arch = InstanceType["arch"];

const amazonArch = { amd64: "x86_64", arm64: "arm64" } as const satisfies Readonly<Record<Arch, string>>;

/** The publisher's parameter that names its newest image. */
const parameters: Readonly<Record<(typeof imageNames)[number], (arch: Arch) => string>> = {
  "ubuntu-24.04": (arch) => `/aws/service/canonical/ubuntu/server/24.04/stable/current/${arch}/hvm/ebs-gp3/ami-id`,
  "ubuntu-22.04": (arch) => `/aws/service/canonical/ubuntu/server/22.04/stable/current/${arch}/hvm/ebs-gp2/ami-id`,
  "debian-12": (arch) => `/aws/service/debian/release/12/latest/${arch}`,
  al2023: (arch) => `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${amazonArch[arch]}`,
};

export type ImageRef = { readonly ami: string } | { readonly parameter: string };

/** What `image` of a stack stands for, on the type's architecture. */
export function imageRef(image: string, arch: Arch): ImageRef {
  if (image.startsWith("ami-")) return { ami: image };
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
  const newest = aws.ssm.getParameterOutput({ name: ref.parameter }, around);
  // The parameter's value counts as secret to the provider; an AMI is none.
  const input = pulumi.unsecret(newest.value);
  return new pulumi.Stash(name, { input }, { parent: opts.parent, ignoreChanges: ["input"], aliases }).output.apply(String);
}
