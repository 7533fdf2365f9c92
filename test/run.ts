// npm test: the check, then the integration tests on real practice machines, where this computer can carry them. With words, as in
// `npm test -- nginx`: types, and the test files that concern one of them.
import { chosenFiles } from "./choose.ts";
import { checks, finish, root, run, type Step, types, vitest } from "./steps.ts";

const whyNot =
  process.platform !== "linux" ? `this is ${process.platform}, not Linux` : process.getuid?.() !== 0 ? "this is not root" : undefined;

const words = process.argv.slice(2);

function chosen(): readonly Step[] {
  const projects = whyNot === undefined ? ["unit", "integration"] : ["unit"];
  const found = projects.map((project) => [project, chosenFiles(root, `test/${project}`, words)] as const);
  for (const [project, files] of found) console.log(`${project}: ${files.length === 0 ? "no file" : files.join(" ")}`);
  return [types, ...found.filter(([, files]) => files.length > 0).map(([project, files]) => vitest(project, ...files))];
}

const all = (): readonly Step[] => (whyNot === undefined ? [...checks, vitest("integration")] : checks);

const steps = words.length > 0 ? chosen() : all();
const failed = steps.length === 1 && words.length > 0 ? [`no test speaks of ${words.join(", ")}`] : run(steps);
if (whyNot !== undefined)
  console.log(
    `\nleft out: the integration tests, which make machines on this computer: ${whyNot}; next: sudo npm test on Debian or Ubuntu`,
  );
finish(failed);
