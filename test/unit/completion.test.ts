// What a shell is offered: commands, options, stacks, and the servers of the stack that is meant.
import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { expect, test } from "vitest";
import { backend } from "../../cli/commands/backend.ts";
import { candidates, completion } from "../../cli/commands/completion.ts";
import { deploy } from "../../cli/commands/deploy.ts";
import { run } from "../../cli/commands/run.ts";
import { ssh } from "../../cli/commands/ssh.ts";
import { up } from "../../cli/commands/up.ts";

const program = new Command("fleet").enablePositionalOptions();
for (const register of [backend, deploy, run, ssh, up, completion]) register(program, async () => {});
const place = { stacks: ["team-a", "team-b"], servers: { "team-a": ["isu1", "isu2"], "team-b": ["db1"] }, roles: { "team-a": ["nginx"] } };

test.for([
  ["", ["backend", "completion", "deploy", "run", "ssh", "up"]],
  ["u", ["up"]],
  ["backend ", ["init", "show"]],
  ["backend init --re", ["--region"]],
  ["up ", ["team-a", "team-b"]],
  ["run -s ", ["team-a", "team-b"]],
  ["run -s team-a isu", ["isu1", "isu2"]],
  ["run -s team-b ", ["db1"]],
  ["run -s team-a ", ["isu1", "isu2", "nginx"]],
  ["ssh -s team-a ", ["isu1", "isu2"]],
  ["run isu1 --su", ["--sudo"]],
  ["run --timeout ", []],
  ["deploy main -s team-a --to isu", ["isu1", "isu2"]],
  ["run isu1 -- up", []],
] as const)("%s", ([typed, expected]) => {
  expect(candidates(program, typed.split(" "), place)).toEqual(expected);
});

test("without a stack that is meant, all servers; FLEET_STACK means one", () => {
  expect(candidates(program, ["run", ""], place)).toEqual(["db1", "isu1", "isu2", "nginx"]);
  expect(candidates(program, ["run", ""], { ...place, stack: "team-b" })).toEqual(["db1"]);
});

test("bash takes the script, and completes with it", () => {
  const fleet = `${import.meta.dirname}/../../fleet`;
  const script = `source <("${fleet}" completion bash); COMP_WORDS=("${fleet}" dr); COMP_CWORD=1; _fleet; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  expect(stdout.trim(), stderr).toBe("drain");
});
