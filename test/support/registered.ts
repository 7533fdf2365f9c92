// Registered resources as people read them, and what must hold of them.
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { ownTagKeys } from "../../components/targets/aws/tags.ts";
import type { Registered } from "./mock-pulumi.ts";

type Secret = { readonly value: string };
const isSecret = (value: unknown): value is Secret =>
  typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value;

/** As a person reads it: base64 decoded, a secret marked as one, a text that stands in a Stash named instead of repeated. */
export function goldenText(resources: readonly Registered[]): string {
  const stashed = new Map(
    resources
      .filter(({ type }) => type === "pulumi:index:Stash")
      .map(({ name, inputs }) => [isSecret(inputs.input) ? inputs.input.value : inputs.input, name]),
  );
  const shown = (key: string, value: unknown, type: string): unknown => {
    if (key === "userData" && typeof value === "string" && type.startsWith("aws:ec2/launchTemplate"))
      return Buffer.from(value, "base64").toString();
    const plain = isSecret(value) ? value.value : value;
    if (key !== "input" && typeof plain === "string" && plain.length > 200 && stashed.has(plain)) return `what ${stashed.get(plain)} holds`;
    return isSecret(value) ? { secret: value.value } : value;
  };
  const all = resources.map(({ type, name, inputs }) => [
    `${type} ${name}`,
    Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, shown(key, value, type)])),
  ]);
  return stringify(Object.fromEntries(all), { lineWidth: 0, sortMapEntries: true });
}

type Inputs = Registered["inputs"];
const plain = (value: unknown): unknown => (isSecret(value) ? value.value : value);

interface CloudConfig {
  readonly hostname: string;
  readonly packages?: readonly string[];
  readonly runcmd?: readonly string[];
  readonly write_files?: readonly { readonly path: string; readonly permissions: string }[];
}

/** A first boot without the text of its files: those have goldens of their own. */
const boot = (text: string) => {
  const { hostname, packages, runcmd, write_files = [] } = parse(text) as CloudConfig;
  return { hostname, packages, files: write_files.map(({ path, permissions }) => `${permissions} ${path}`), runcmd };
};

/** The steps of a plan, without what a role writes. */
const stepsOf = (script: string): readonly string[] =>
  [...script.matchAll(/^\d+\) echo '([a-z-]+: [^ ]+): .*' ;;$/gm)].map(([, step]) => step ?? "");

/** Of each type what a whole fleet's golden shows of it, where that is not all. */
const brief: Readonly<Record<string, (inputs: Inputs) => Inputs>> = {
  "fleet:index:Role": ({ resources, late, ...rest }) => {
    const { connection: _, guard: __, ...own } = rest;
    return { ...own, resources: Object.keys(resources as object).sort(), late: Object.keys((plain(late) ?? {}) as object).sort() };
  },
  "pulumi:index:Stash": (inputs) => {
    const text = String(plain(inputs.input));
    return text.startsWith("#cloud-config") ? { ...inputs, input: { secret: boot(text) } } : inputs;
  },
  "aws:ec2/instance:Instance": ({ userData, ...rest }) => ({ ...rest, userData: isSecret(userData) ? "secret" : userData }),
  "aws:ec2/launchTemplate:LaunchTemplate": ({ userData, ...rest }) => ({
    ...rest,
    userData: boot(Buffer.from(String(plain(userData)), "base64").toString()),
  }),
  "aws:s3/bucketObjectv2:BucketObjectv2": ({ content, key, ...rest }) => ({
    ...rest,
    key: String(key).replace(/^[0-9a-f]{64}/, "its checksum"),
    content: stepsOf(String(content)),
  }),
};

/** A whole fleet: every resource with its inputs, but for what its parts' own goldens hold. */
export const briefText = (resources: readonly Registered[]): string =>
  goldenText(resources.map((each) => ({ ...each, inputs: brief[each.type]?.(each.inputs) ?? each.inputs })));

/** What AWS can't tag, or what is a tag itself. */
const tagless = [
  /^(fleet|pulumi):/,
  /^aws:ec2\/(tag|volumeAttachment):/,
  /^aws:iam\/rolePolicy:/,
  /^aws:lb\/targetGroupAttachment:/,
  /^aws:route53\/record:/,
  /^aws:autoscaling\/(lifecycleHook|notification|policy|schedule):/,
  /^aws:s3\/bucket(LifecycleConfiguration|Notification|OwnershipControls|Policy|PublicAccessBlock|RequestPaymentConfiguration|ServerSideEncryptionConfiguration|Versioning):/,
  /^aws:sns\/topicSubscription:/,
  /^aws:sqs\/(queuePolicy|redriveAllowPolicy):/,
];

/** Resources that lack a tag of the fleet: their own, and those that come with them. */
export function untagged(resources: readonly Registered[]): readonly string[] {
  const has = (tags: unknown, keys: readonly string[] = ownTagKeys) => {
    const list = Array.isArray(tags)
      ? Object.fromEntries((tags as { key: string; value: string }[]).map(({ key, value }) => [key, value]))
      : (tags as object | undefined);
    return keys.every((key) => list !== undefined && key in list);
  };
  return resources.flatMap(({ type, name, inputs }) => {
    if (tagless.some((pattern) => pattern.test(type))) return [];
    const holders: unknown[] = [inputs.tags];
    if (type === "aws:ec2/instance:Instance") holders.push((inputs.rootBlockDevice as { tags?: unknown }).tags);
    if (type === "aws:ec2/launchTemplate:LaunchTemplate") {
      const born = inputs.tagSpecifications as { resourceType: string; tags: unknown }[];
      expect(born.map(({ resourceType }) => resourceType)).toEqual(["instance", "volume", "network-interface"]);
      // Their expiry is the group's matter: as part of the template it would make another one.
      const lasting = ownTagKeys.filter((key) => key !== "expiry");
      if (!born.every(({ tags }) => has(tags, lasting))) return [`${type} ${name}`];
    }
    return holders.every((tags) => has(tags)) ? [] : [`${type} ${name}`];
  });
}
