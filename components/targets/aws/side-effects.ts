// What a change of something beside a server does to servers and data, in sentences for the preview: AWS hits more than the change looks like.

interface State {
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
}

export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: State | undefined;
  readonly newState?: State | undefined;
  /** Inputs that differ. */
  readonly properties: readonly string[];
}

interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly applyMethod: string;
}

const inputOf = (state: State | undefined, key: string): unknown => state?.inputs?.[key];

/** `team-a-aws-isu1` of its volume's attachment. */
const holderOf = (name: string, servers: ReadonlySet<string>): boolean =>
  [...servers].some((server) => server !== "" && name.startsWith(`${server}-`));

const parametersOf = (state: State | undefined): readonly Parameter[] => {
  const all = inputOf(state, "parameters");
  return Array.isArray(all) ? (all as Parameter[]) : [];
};

const sentences: Readonly<Record<string, (name: string, step: Step, anew: ReadonlySet<string>) => string | undefined>> = {
  "aws:ec2/volumeAttachment:VolumeAttachment": (name, { op }, anew) =>
    op === "replace" && !holderOf(name, anew)
      ? `${name}: another place among the volumes stops the server for it, and starts it again: what is on an instance store is lost; new volumes belong at the end`
      : undefined,
  "aws:ebs/volume:Volume": (name, { oldState, newState }) => {
    const [from, to] = [inputOf(oldState, "size"), inputOf(newState, "size")];
    return Number(to) < Number(from)
      ? `${name}: ${from} → ${to} GB is refused by AWS, where a disk can only grow; next: leave \`sizeGB\` at ${from}`
      : undefined;
  },
  "aws:autoscaling/group:Group": (name, { op, properties }) => {
    if (op === "replace") return `${name}: the pool is made anew: all of its servers go before the first new one comes`;
    return properties.some((each) => each === "launchTemplate" || each === "mixedInstancesPolicy")
      ? `${name}: every server of the pool is replaced, a few at a time`
      : undefined;
  },
  "aws:rds/parameterGroup:ParameterGroup": (name, { oldState, newState }) => {
    const known = new Map(parametersOf(oldState).map((each) => [each.name, each.value]));
    const waiting = parametersOf(newState).filter((each) => each.applyMethod === "pending-reboot" && known.get(each.name) !== each.value);
    return waiting.length > 0
      ? `${name}: ${waiting.map((each) => `\`${each.name}\``).join(", ")} take effect when the database is rebooted, which nobody does by itself; next: aws rds reboot-db-instance`
      : undefined;
  },
};

/** @param anew servers that are made anew anyway, as AWS's tags name them */
export function sideEffects(step: Step, anew: ReadonlySet<string>): readonly string[] {
  const [, , types = "", name = ""] = step.urn.split("::");
  const sentence = sentences[types.split("$").at(-1) ?? ""]?.(name, step, anew);
  return sentence === undefined ? [] : [sentence];
}
