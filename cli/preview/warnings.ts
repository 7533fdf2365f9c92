// What a change does to servers on EC2, said beside a preview: AWS stops, wipes or replaces a server for changes that look small.

import { costOfChange, shapeOfInputs } from "../../components/targets/aws/replacement.ts";
import { sideEffects } from "../../components/targets/aws/side-effects.ts";
import { unknown } from "../../provisioners/provider/wire.ts";
import type { PreviewStep } from "../reports.ts";

const ofInstance = /\$aws:ec2\/instance:Instance::(?<name>.*)$/;

/** Of what is only known later, nothing is said. */
const shape = (state: PreviewStep["newState"]) =>
  state && shapeOfInputs(Object.fromEntries(Object.entries(state.inputs ?? {}).filter(([, value]) => value !== unknown)));

function ofServer({ urn, oldState, newState }: PreviewStep): readonly string[] {
  const { name = "" } = ofInstance.exec(urn)?.groups ?? {};
  const [now, next] = name === "" ? [] : [shape(oldState), shape(newState)];
  return now && next ? costOfChange(name, now, next).sentences : [];
}

/** A sentence for each reason; the servers as AWS's tags name them. */
export function fates(steps: readonly PreviewStep[]): readonly string[] {
  const changed = steps.filter(({ op }) => op === "update" || op === "replace");
  const anew = new Set(changed.flatMap(({ op, urn }) => (op === "replace" ? [ofInstance.exec(urn)?.groups?.name ?? ""] : [])));
  return changed.flatMap((step) => [...ofServer(step), ...sideEffects({ ...step, properties: propertiesOf(step) }, anew)]);
}

const propertiesOf = ({ detailedDiff }: PreviewStep): readonly string[] => [
  ...new Set(Object.keys(detailedDiff ?? {}).map((path) => path.split(/[.[]/)[0] ?? path)),
];
