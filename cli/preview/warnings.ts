// What a change does to servers on EC2, said beside a preview: AWS stops, wipes or replaces a server for changes that look small.
import { costOfChange, shapeOfInputs } from "../../components/targets/aws/replacement.ts";
import { unknown } from "../../provisioners/provider/wire.ts";
import type { PreviewStep } from "../reports.ts";

const ofInstance = /\$aws:ec2\/instance:Instance::(?<name>.*)$/;

/** Of what is only known later, nothing is said. */
const shape = (state: PreviewStep["newState"]) =>
  state && shapeOfInputs(Object.fromEntries(Object.entries(state.inputs ?? {}).filter(([, value]) => value !== unknown)));

/** A sentence for each reason; the servers as AWS's tags name them. */
export function fates(steps: readonly PreviewStep[]): readonly string[] {
  return steps.flatMap(({ op, urn, oldState, newState }) => {
    const { name = "" } = ofInstance.exec(urn)?.groups ?? {};
    if (name === "" || !["update", "replace"].includes(op)) return [];
    const [now, next] = [shape(oldState), shape(newState)];
    return now && next ? costOfChange(name, now, next).sentences : [];
  });
}
