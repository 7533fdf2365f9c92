// Files that take long begin first, so that the workers end together. In the order of docs/tests.md; what is not named comes last.
import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Measured; see docs/tests.md. */
export const longest = [
  ...["instance-store", "sequences", "kills", "parameters", "rehearsal", "qemu", "qemu-cloud-image", "qemu-up", "teams"],
  ...["switches", "machines", "faults", "aws-volumes", "operations", "aws", "measure", "inventory", "aws-life", "kinds-services"],
  ...["aws-up", "lockout", "kill", "split", "retest", "overlay", "worker-host", "aws-commands", "practice", "balancers", "secrets"],
  ...["kinds-system", "deploy", "layers", "aws-work", "package", "adopt", "boot-script", "interrupt", "hooks", "aws-preview"],
  ...["session-faults", "memory", "aws-store", "init", "session", "own-roles", "said", "blank-disk", "aws-stacks", "aws-components"],
  ...["measure-profiles", "footprint", "aws-double"],
].map((name) => `${name}.test.ts`);

const rank = (file: string): number => {
  const found = longest.indexOf(basename(file));
  return found === -1 ? longest.length : found;
};

export const inOrder = (files: readonly string[]): readonly string[] => [...files].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => rank(a.moduleId) - rank(b.moduleId) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}
