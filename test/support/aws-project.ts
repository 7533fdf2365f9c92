// A stack of test/aws-provider/program.ts: the AWS components through the real engine, its state in a temporary folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { digestOf } from "../../cli/preview/events.ts";
import type { PreviewStep } from "../../cli/reports.ts";
import { checkout } from "../../provisioners/stack.ts";
import { paths } from "../../setup/paths.cjs";
import type { Wish } from "../aws-provider/program.ts";
import { type Emulator, region } from "./aws-emulator.ts";
import { type Answer, start } from "./fleet.ts";

/** Here and not in a file: Pulumi writes the stack's settings beside it. `program` is one of test/aws-provider/. */
const description = (program: string) => ({
  name: "aws-components",
  runtime: { name: "nodejs", options: { typescript: false } },
  main: join(checkout, "test/aws-provider", program),
  plugins: {
    providers: [
      { name: "aws", path: join(checkout, "test/aws-provider"), version: "7.48.0" },
      { name: "fleet", path: join(checkout, "provisioners/provider") },
    ],
  },
});

/** Writes the project into `folder`, where its state is kept too. @returns what `pulumi` needs there */
export function projectIn(folder: string, program: string, { env: emulator }: Emulator): NodeJS.ProcessEnv {
  writeFileSync(join(folder, "Pulumi.yaml"), stringify(description(program)));
  const { bin } = paths(process.env);
  return {
    ...process.env,
    ...emulator,
    PATH: `${bin}:${process.env.PATH}`,
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_LANGUAGE_NODEJS_RUN_PATH: join(checkout, "components", "run.cjs"),
    NODE_COMPILE_CACHE: join(checkout, ".fleet", "compile-cache"),
  };
}

/** What the engine says of one resource: `update aws:sqs/queue:Queue images-queue visibilityTimeoutSeconds`. */
export type StepLine = string;

export interface Project {
  wish(wish: Wish): void;
  run(command: "up" | "destroy" | "refresh", ...flags: readonly string[]): Promise<Answer>;
  /** Steps but `same`, with the properties that differ, from a preview with a look at what is there. */
  drift(): Promise<readonly StepLine[]>;
  /** Lifts what keeps `destroy` from data. */
  unprotect(): Promise<Answer>;
  outputs(): Promise<Readonly<Record<string, string>>>;
  forget(): void;
}

export async function awsProject(emulator: Emulator): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "aws-project-"));
  const config = join(folder, "Pulumi.event.yaml");
  const env = projectIn(folder, "program.ts", emulator);
  const place = ["--cwd", folder, "--stack", "event"];
  const pulumi = (...args: readonly string[]) => start("pulumi", [...args, ...place], { env }).done;
  const must = async (answer: Promise<Answer>): Promise<Answer> => {
    const { code, said } = await answer;
    if (code !== 0) throw new Error(`pulumi ended with ${code}:\n${said}`);
    return await answer;
  };
  await must(start("pulumi", ["stack", "init", "event", "--cwd", folder, "--non-interactive"], { env }).done);
  const { encryptionsalt } = parse(readFileSync(config, "utf8")) as { readonly encryptionsalt: string };
  return {
    wish: (wish) => writeFileSync(config, stringify({ encryptionsalt, config: { "aws:region": region, "aws-components:wish": wish } })),
    run: (command, ...flags) =>
      pulumi(command, "--yes", ...(command === "refresh" ? [] : ["--skip-preview"]), "--suppress-progress", ...flags),
    unprotect: () => pulumi("state", "unprotect", "--all", "--yes"),
    async drift() {
      // As events: the plain `--json` panics where a secret is not known yet.
      const streamed = { env: { ...env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" } };
      const { stdout } = await must(start("pulumi", ["preview", "--refresh", "--json", ...place], streamed).done);
      return digestOf(stdout)
        .steps.filter(({ op }) => op !== "same" && op !== "refresh")
        .map(lineOf)
        .sort();
    },
    async outputs() {
      const { stdout } = await must(pulumi("stack", "output", "--json"));
      return JSON.parse(stdout) as Record<string, string>;
    },
    forget: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function lineOf({ op, urn, detailedDiff }: PreviewStep): StepLine {
  const [, , types = "", name = ""] = urn.split("::");
  const properties = [...new Set(Object.keys(detailedDiff ?? {}).map((path) => path.split(/[.[]/)[0]))];
  return [op, types.split("$").at(-1), name, ...properties.sort()].join(" ");
}
