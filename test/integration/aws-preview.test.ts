// A fleet on EC2 in a pull request: `fleet preview` and the policy pack through the real engine, on an emulator of AWS. Nothing is made.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { checkout } from "../../provisioners/stack.ts";
import { paths } from "../../setup/paths.cjs";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { type Answer, start } from "../support/fleet.ts";
import { ownProject } from "../support/own.ts";

const stacks = ["trial-pull-a", "trial-pull-b", "trial-pull-over"];
const fileOf = (stack: string) => join(ownProject, "stacks", `Pulumi.${stack}.yaml`);
const folder = mkdtempSync(join(tmpdir(), "fleet-pull-"));
let emulator: Emulator | undefined;

function write(stack: string, target: object): void {
  const servers = { isu1: { roles: ["base", "nginx"] }, isu2: { roles: ["base"] } };
  const fleet = {
    team: stack.replace("trial-", ""),
    target: { kind: "aws", region, image: "debian-12", sshFrom: ["203.0.113.0/24"], ...target },
    servers,
  };
  // Quoted: Pulumi writes the file anew with its salt, and would write a bare time as a text of its own.
  writeFileSync(fileOf(stack), stringify({ config: { "contest-fleet:fleet": fleet } }, { defaultStringType: "QUOTE_DOUBLE" }));
}

function run(program: string, ...args: readonly string[]): Promise<Answer> {
  const { bin } = paths(process.env);
  const env = {
    ...emulator!.env,
    // The test double of the AWS provider stands on PATH, as a plugin may.
    PATH: `${join(checkout, "test/aws-provider")}:${bin}:${process.env.PATH}`,
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_LANGUAGE_NODEJS_RUN_PATH: join(checkout, "components", "run.cjs"),
  };
  return start(program, args, { env }).done;
}
const fleet = (...args: readonly string[]) => run(join(checkout, "fleet"), ...args);

beforeAll(async () => {
  emulator = await startEmulator();
  mkdirSync(join(folder, "state"));
  write("trial-pull-a", { httpFrom: ["0.0.0.0/0"] });
  write("trial-pull-b", { instanceType: "c5.xlarge" });
  write("trial-pull-over", { expiresAt: "2020-01-01T00:00:00Z", priceLimit: 0.05 });
});

afterAll(async () => {
  await emulator?.stop();
  for (const stack of stacks) rmSync(fileOf(stack), { force: true });
  rmSync(folder, { recursive: true, force: true });
});

describe("fleet preview", () => {
  test("shows many teams with what they will cost, and each server's files", async () => {
    const file = join(folder, "preview.md");
    const { code, said } = await fleet("preview", "trial-pull-?", "--markdown", file);
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^\| pull-a \| \d+ \| 0 \| 0 \| 0 \| 0\.\d{4} \| \+0\.\d{4} \|$/m);
    expect(text).toMatch(/^\| pull-b \| \d+ \| 0 \| 0 \| 0 \| 0\.\d{4} \| \+0\.\d{4} \|$/m);
    expect(text).toContain("<b>isu1</b>");
    expect(text).toContain("`aws:ec2/instance:Instance pull-a-aws-isu1` create: planned");
    expect(text).toContain("`file[/etc/nginx/nginx.conf]` create, role nginx: planned");
  });
});

test("of one stack shows its servers' files whole, who may reach them, and the price", async () => {
  const { code, stdout } = await fleet("preview", "trial-pull-a", "--full");
  expect([code, code === 0 ? "" : stdout]).toEqual([0, ""]);
  expect(stdout).toMatch(/^isu1\n {2}\+ /m);
  expect(stdout).toMatch(/^isu1, isu2\n {2}\+ aws:ec2\/instance:Instance pull-a-aws-isu1, aws:ec2\/instance:Instance pull-a-aws-isu2\n/m);
  expect(stdout).toMatch(/^ {2}\+ file\[\/etc\/nginx\/nginx\.conf\] {2}nginx\n {6}\+content:\n(?: {6}\+ {2}.*\n){40}/m);
  expect(stdout).toMatch(/^who may reach what\n {2}in +22\/tcp +from 203\.0\.113\.0\/24 +SSH/m);
  expect(stdout).toMatch(/^pull-a: \d+ to create; 0\.\d{4} USD an hour \(\+0\.\d{4}\), until \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$/m);
});

describe("the policy pack", () => {
  test("has a say in what Pulumi itself is asked for, too", async () => {
    const place = ["--cwd", ownProject, "--stack", "trial-pull-a", "--non-interactive"];
    const { code, said } = await run("pulumi", "preview", ...place, "--policy-pack", join(checkout, "policy"));
    expect(said).toContain("contest-fleet@v0.1.0");
    expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  });

  test("stops a stack that is over, and one that costs more than its limit, before anything is made", async () => {
    const over = "expected a stack that is not over, got one that expired at 2020-01-01T00:00:00Z; next: ./fleet down";
    const dear = /expected at most 0\.05 USD an hour, got 0\.\d+; next: smaller or fewer servers/;
    const preview = await fleet("preview", "trial-pull-over", "--json");
    expect(preview.code).toBe(1);
    const [{ failure }] = JSON.parse(preview.stdout).stacks;
    expect(failure).toContain(over);
    expect(failure).toMatch(dear);
    const up = await fleet("up", "trial-pull-over", "--yes");
    expect(up.code).not.toBe(0);
    expect(up.said).toContain(over);
    const { stdout } = await fleet("sweep", "trial-pull-over");
    expect(stdout).toBe("nothing is left: zero\n");
  });
});
