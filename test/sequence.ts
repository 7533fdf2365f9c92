// Files that take long begin first, so that the workers end together. In the order of docs/tests.md; what is not named comes last.
import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Measured; see docs/tests.md. */
export const longest = [
  ...["instance-store", "teams", "qemu", "sequences", "parameters", "kills", "qemu-cloud-image", "qemu-up"],
  ...["switches", "kill", "aws-volumes", "overlay", "faults", "aws-commands", "inventory", "worker-host", "machines", "aws-life"],
  ...["lockout", "aws-up", "kinds-services", "practice", "measure", "aws", "secrets", "kinds-system", "operations", "aws-work"],
  ...["package", "adopt", "deploy", "retest", "boot-script", "layers", "hooks", "aws-preview"],
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
