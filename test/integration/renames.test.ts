// A team that is called otherwise keeps its machines where the stack file says what it was called; else nothing is touched at all.
import { afterAll, beforeAll, expect, test } from "vitest";
import { inside, Trial } from "../support/fleet.ts";

const trial = new Trial("renames", { target: "practice", servers: { isu1: { roles: ["memcached"], cores: 1 } } });
afterAll(() => trial.remove());

const boot = async (): Promise<string> =>
  (await inside(trial.stack, "isu1", "cut -d ' ' -f 22 /proc/1/stat; systemctl is-active memcached")).stdout;
let booted = "";

beforeAll(async () => {
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  booted = await boot();
});

test("without a word, a new name of the team is refused by all that reads it, before anything is done", async () => {
  const state = await trial.state();
  trial.edit((fleet) => {
    fleet.team = "renamed";
  });
  for (const [command, args] of [
    ["check", []],
    ["preview", []],
    ["verify", []],
    ["up", ["--yes"]],
  ] as const) {
    const { code, said } = await trial.run(command, args);
    expect([1, 2], `${command}: ${said}`).toContain(code);
    expect(said, command).toMatch(
      /Pulumi\.trial-renames-\d+\.yaml:\d+:\d+ team: expected `trial`, .* got `renamed`; write `was: trial` beside it/,
    );
    expect(said, command).not.toMatch(/^\s+at /m);
  }
  const { code, said } = await trial.pulumi(["up", "--yes", "--skip-preview"]);
  expect(code, said).not.toBe(0);
  expect(said).toContain("write `was: trial` beside it");
  expect(said).not.toMatch(/^\s+at /m);
  expect((await trial.state()).resources.map(({ urn }) => urn)).toEqual(state.resources.map(({ urn }) => urn));
  expect(await boot()).toBe(booted);
});

test("with its former name beside it the same machine goes on under the new one", async () => {
  trial.edit((fleet) => {
    fleet.was = "trial";
  });
  const { code, said } = await trial.up();
  expect(code, said).toBe(0);
  expect(said).not.toMatch(/\d+ (?:created|deleted|replaced)/);
  const { resources } = await trial.state();
  expect(resources.filter(({ urn }) => urn.includes("::trial-"))).toEqual([]);
  expect(resources.map(({ urn }) => urn)).toContainEqual(expect.stringMatching(/::renamed-isu1-machine$/));
  expect(await boot()).toBe(booted);
  const looked = await trial.run("verify");
  expect(looked.code, looked.said).toBe(0);
});

test("its former name may go again; a machine's own name stays", async () => {
  trial.edit((fleet) => {
    delete fleet.was;
    fleet.servers = { web1: (fleet.servers as Record<string, unknown>).isu1 };
  });
  const { code, said } = await trial.up();
  expect(code, said).toBe(2);
  expect(said).toContain("servers.web1: expected `isu1` too, got `web1` in its place");
  expect(await boot()).toBe(booted);
});
