// Images that the fleet bakes from a server: how a stack file names one, and by which tags it is found. Pure.
import { imageNames } from "./settings/grammar.ts";
import { project, snapshotsKept, tagValue } from "./tags.ts";

export type BaseImage = (typeof imageNames)[number];

/** `debian-12/web-2026-12`: what it was baked over tells roles the distribution before a server is there. */
export interface BakedImage {
  readonly base: BaseImage;
  readonly name: string;
}

/** Undefined for an image that is none of the fleet's. */
export function bakedOf(image: string): BakedImage | undefined {
  const [base = "", name] = image.split("/");
  return name !== undefined && (imageNames as readonly string[]).includes(base) ? { base: base as BaseImage, name } : undefined;
}

/** Filters of DescribeImages. One that was never tested, or is being made, carries no mark, so nothing starts from it. */
export const filtersOf = ({ base, name }: BakedImage): readonly { readonly name: string; readonly values: readonly string[] }[] => [
  { name: "tag:project", values: [project] },
  { name: "tag:baked", values: [name] },
  { name: "tag:base", values: [base] },
  { name: "tag:tested", values: ["yes"] },
  { name: "state", values: ["available"] },
];

/** What a bake makes on the way carries this, with who bakes: a killed one is found by it. */
export const bakingTag = "baking";

/** What the image says of itself; `tested` and `kept` come when it was started and looked at. */
export const bakedTags = (of: {
  readonly name: string;
  readonly base: BaseImage;
  readonly server: string;
  readonly roles: readonly string[];
  readonly wants: string;
}): Readonly<Record<string, string>> => ({
  baked: of.name,
  base: of.base,
  server: of.server,
  roles: tagValue(of.roles.join(" ")),
  wants: of.wants,
});
export const testedTags = { tested: "yes", ...snapshotsKept } as const;

/** The base image by what a server says of itself; undefined where no name of ours stands for it. */
export function baseOf({ distribution, version }: Readonly<Record<string, unknown>>): BaseImage | undefined {
  const name = distribution === "amzn" ? `al${version}` : `${distribution}-${version}`;
  return imageNames.find((each) => each === name);
}
