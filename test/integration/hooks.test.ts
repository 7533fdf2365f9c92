// A stack's own commands, through the real engine on a real machine: run once when the servers are right, again when they change.
// Pulumi's command provider is stood in for by a test double; the components and their SDK are the real ones.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkout } from "../../provisioners/stack.ts";
import { inside, Trial } from "../support/fleet.ts";
import { ownProject } from "../support/own.ts";

const folder = mkdtempSync(join(tmpdir(), "fleet-hooks-"));
const log = join(folder, "log");
const canary = `Canary${process.pid}'s "odd" $(id)`;

const trial = new Trial("hooks", {
  target: "practice",
  servers: { isu1: { roles: ["base"], memory: "512MiB" } },
  params: { base: { packages: [] } },
  hooks: {
    announce: { run: `printf '%s %s %s\\n' "$FLEET_TEAM" "$FLEET_SERVERS" "$TOKEN" >> ${log}`, undo: `echo undone >> ${log}` },
    first: { on: "isu1", run: `getent passwd isucon; printf '%s' "$TOKEN" > token`, undo: "exit 1" },
  },
});
const options = { env: { PATH: `${join(checkout, "test/command-provider")}:${process.env.PATH}` } };

afterAll(async () => {
  await trial.remove();
  rmSync(folder, { recursive: true });
});

test("hooks run when the servers are right, with their secrets, and no secret is said", async () => {
  for (const hook of ["announce", "first"]) await trial.secret(`hooks.${hook}.environment.TOKEN`, canary);
  const { code, said } = await trial.up(options);
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  expect(said).not.toContain("Canary");
  expect(readFileSync(log, "utf8")).toBe(`trial isu1=${trial.address("isu1")} ${canary}\n`);
  const { said: token } = await inside(trial.stack, "isu1", "cat /home/*/token");
  expect(token).toBe(canary);
  const kept = trial.stateFiles().map((file) => readFileSync(file, "utf8"));
  expect(kept.join("")).not.toContain("Canary");
});

test("a second up runs none of them", async () => {
  const { code, said } = await trial.up(options);
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  expect(said).not.toMatch(/[1-9] (?:created|updated|replaced|deleted)/);
  expect(readFileSync(log, "utf8").split("\n")).toHaveLength(2);
});

test("a hook that changes runs again, and only that", async () => {
  trial.edit((fleet) => {
    (fleet.hooks as Record<string, { run: string }>).announce!.run = `echo again >> ${log}`;
  });
  expect((await trial.up(options)).code).toBe(0);
  expect(readFileSync(log, "utf8")).toMatch(/^trial .*\nagain\n$/);
});

test("down undoes what was done here, and asks nothing of a server that goes too", async () => {
  const { code, said } = await trial.run("down", ["--yes"], options);
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  expect(readFileSync(log, "utf8")).toMatch(/again\nundone\n$/);
  expect(existsSync(join(ownProject, ".fleet", "ssh", trial.stack))).toBe(false);
});
