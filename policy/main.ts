// The policy pack: hands the rules to Pulumi. `fleet preview` and `fleet up` ask for it where the target is AWS; a pulumi typed by hand does
// with `--policy-pack policy`.
import { PolicyPack, type ResourceValidationPolicy, type StackValidationPolicy } from "@pulumi/policy";
import { aws } from "../components/targets/aws/target.ts";
import { fleetOn } from "../components/targets/contract.ts";
import { planOf } from "../provisioners/stack.ts";
import * as rules from "./rules.ts";

/** `urn:pulumi:<stack>::…` */
const stackOf = (urn: string): string => urn.split(":")[2] ?? "";
const targetOf = (urn: string) => fleetOn(aws, planOf(stackOf(urn)).spec)?.target;

const isContest = (urn: string): boolean => targetOf(urn)?.profile === "contest";

const each = (name: string, description: string, rule: (urn: string) => rules.Rule): ResourceValidationPolicy => ({
  name,
  description,
  enforcementLevel: "mandatory",
  validateResource: ({ type, props, urn }, report) => {
    if (type.startsWith("aws:")) for (const sentence of rule(urn)(type, props)) report(sentence);
  },
});

const always = (rule: rules.Rule) => () => rule;

const price: StackValidationPolicy = {
  name: "price",
  description: "All together cost no more by the hour than the limit.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    const target = resources[0] && targetOf(resources[0].urn);
    if (!target) return;
    const priced = resources.map(({ type, name, props }) => ({ type, name, inputs: props }));
    for (const sentence of rules.withinPrice(priced, target.region, target.priceLimit)) report(sentence);
  },
};

const buckets: StackValidationPolicy = {
  name: "buckets",
  description: "Buckets are encrypted and private.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    for (const sentence of rules.bucketsShut(resources.map(({ type, name, props }) => ({ type, name, inputs: props })))) report(sentence);
  },
};

new PolicyPack("contest-fleet", {
  policies: [
    each("no-open-ssh", "SSH is open to everybody in a contest alone.", (urn) => rules.noOpenSsh(isContest(urn))),
    each("encrypted", "Disks, databases and queues are encrypted.", always(rules.encrypted)),
    each("imds-v2", "Servers answer IMDSv2 alone.", always(rules.onlyImdsV2)),
    each("tagged", "Everything says whose it is and until when.", always(rules.tagged)),
    each("not-expired", "A stack that is over can only be destroyed.", () => rules.notExpired(new Date())),
    each("at-least-one", "No group and no schedule shrinks to nothing.", always(rules.atLeastOne)),
    each("no-keys-in-sight", "No key stands where the console shows it.", always(rules.noKeysInSight)),
    price,
    buckets,
  ],
});
