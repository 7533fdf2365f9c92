// A pool's way to a new template: waited for until its servers serve, and back where they don't.
import type { Activity, AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { expect, test } from "vitest";
import { type Launch, launchOf, type Pool } from "../../provisioners/provider/pool-api.ts";
import { type PoolRolloutInputs, poolRolloutResource } from "../../provisioners/provider/pool-rollout.ts";
import type { PartlyDone } from "../../provisioners/provider/resource.ts";

const template = (Version: string) => ({ LaunchTemplateId: "lt-1", LaunchTemplateName: "web", Version });
const server = (version: string, LifecycleState = "InService") => ({
  ...{ InstanceId: "i", AvailabilityZone: "a", HealthStatus: "Healthy", ProtectedFromScaleIn: false },
  ...{ LifecycleState: LifecycleState as never, LaunchTemplate: template(version) },
});
type Step = { readonly servers: readonly ReturnType<typeof server>[]; readonly failed?: readonly string[]; readonly ended?: string };

const inputs: PoolRolloutInputs = { region: "us-east-1", group: "web", version: "2", patience: 600, minHealthy: 100, shape: "{}" };
const outputs = (worked: Launch) => ({ ...inputs, worked, missing: 0, problem: "" });
const one: Launch = { version: "1", written: JSON.stringify({ LaunchTemplate: { LaunchTemplateId: "lt-1", Version: "1" } }) };

/** Each look is a step further; the last one stays. */
function trial(steps: readonly Step[], { desired = 2, launch = "2" } = {}) {
  const [calls, said] = [[] as string[], [] as string[]];
  let [at, now, version] = [0, 1_000_000, launch];
  const failures: Activity[] = [];
  const pool: Pool = {
    async look() {
      const { servers, failed = [] } = steps[Math.min(at, steps.length - 1)]!;
      if (at < steps.length)
        for (const StatusMessage of failed) failures.push({ StatusCode: "Failed", StatusMessage, StartTime: new Date(now) } as Activity);
      at++;
      const sizes = { MinSize: 1, MaxSize: 4, DesiredCapacity: desired };
      const group = { ...sizes, LaunchTemplate: template(version), Instances: [...servers] } as unknown as AutoScalingGroup;
      return { group, activities: [...failures], launch: launchOf(group) };
    },
    refreshEnded: async () => steps[Math.min(at, steps.length) - 1]?.ended,
    isRefreshing: async () => false,
    startRefresh: async (minHealthy) => calls.push(`refresh ${minHealthy}`) > 0,
    cancelRefresh: async () => void calls.push("cancel"),
    async setLaunch(to) {
      calls.push(`set ${to.written}`);
      version = to.version ?? "";
    },
  };
  const clock = { now: () => now, pause: async (seconds: number) => (now += seconds * 1000) };
  const resource = poolRolloutResource(() => pool, clock);
  const call = {
    urn: "",
    name: "web",
    signal: new AbortController().signal,
    log: (_: string, text: string) => said.push(text),
    redact: String,
  };
  return { resource, call, calls, said, minutes: () => (now - 1_000_000) / 60_000 };
}
const failing = async (made: Promise<unknown>): Promise<PartlyDone> =>
  await made.then(
    () => expect.fail("expected a failure"),
    (error: PartlyDone) => error,
  );

test("a first up ends when all serve, and says on the way how many do", async () => {
  const { resource, call, said } = trial([
    { servers: [] },
    { servers: [server("2", "Pending:Wait"), server("2", "Pending:Wait")] },
    { servers: [server("2"), server("2", "Pending:Wait")] },
    { servers: [server("2"), server("2")] },
  ]);
  const { outputs: made } = await resource.create(inputs, call as never, false);
  expect([made.worked.version, made.problem]).toEqual(["2", ""]);
  expect(said).toEqual(["web: 0 of 2 servers serve", "web: 0 of 2 servers serve, 2 start", "web: 1 of 2 servers serve, 1 start"]);
});

test("where it stands still, each minute has its word", async () => {
  const { resource, call, said } = trial([...Array.from({ length: 26 }, () => ({ servers: [] })), { servers: [server("2"), server("2")] }]);
  await resource.create(inputs, call as never, false);
  expect(said).toEqual(["web: 0 of 2 servers serve", "web: 0 of 2 servers serve, after 1 min", "web: 0 of 2 servers serve, after 2 min"]);
});

test("a first up that fails says why, at the third launch, and what goes on", async () => {
  const { resource, call, calls } = trial([
    { servers: [], failed: ["We currently do not have sufficient c7a.large capacity"] },
    { servers: [], failed: ["We currently do not have sufficient c7a.large capacity", "You have requested more vCPU capacity."] },
  ]);
  const { message, outputs: kept } = await failing(resource.create(inputs, call as never, false));
  expect(message).toMatch(/^web: 3 launches in a row failed, the newest: .*capacity; the group goes on trying, which costs; next: /);
  expect(calls).toEqual([]);
  expect(resource.diff({ inputs, outputs: kept as never }, inputs)).toEqual({ problem: "update" });
});

test("a rollout whose servers never report ends after their patience, and goes back", async () => {
  const { resource, call, calls, minutes } = trial([{ servers: [server("1"), server("1"), server("2", "Pending:Wait")] }]);
  const { message, reasons } = await failing(resource.update("web", { inputs, outputs: outputs(one) }, inputs, call as never, false));
  expect(message).toMatch(/no server more came into service in 13 minutes; .*; went back to version 1 of its template/);
  expect(reasons).toEqual([message]);
  expect(minutes()).toBeLessThan(14);
  expect(calls).toEqual(["refresh 100", "cancel", `set ${one.written}`, "refresh 100"]);
});

test("a server more is patience again", async () => {
  const before = Array.from({ length: 140 }, () => ({ servers: [server("1"), server("2", "Pending:Wait")] }));
  const after = Array.from({ length: 140 }, () => ({ servers: [server("1"), server("2"), server("2", "Pending:Wait")] }));
  const { resource, call } = trial([...before, ...after, { servers: [server("2"), server("2")] }]);
  expect((await resource.update("web", { inputs, outputs: outputs(one) }, inputs, call as never, false)).worked.version).toBe("2");
});

test("what AWS ended ends the wait", async () => {
  const { resource, call } = trial([{ servers: [server("1"), server("1")], ended: "Cancelled by hand" }]);
  const { message } = await failing(resource.update("web", { inputs, outputs: outputs(one) }, inputs, call as never, false));
  expect(message).toContain("AWS ended the replacement: Cancelled by hand; went back to version 1");
});

test("fewer than the least is a difference; so many as there are while the group grows is none", async () => {
  for (const [servers, missing] of [
    [[], 1],
    [[server("2"), server("2", "Pending")], 0],
    [[{ ...server("2"), HealthStatus: "Unhealthy" }], 1],
  ] as const) {
    const { resource, call } = trial([{ servers }]);
    const seen = await resource.read("web", { inputs, outputs: outputs(one) }, call as never);
    expect(seen?.outputs.missing).toBe(missing);
  }
});

test("mixed instances go back as they were, by the template's id alone", () => {
  const LaunchTemplate = { LaunchTemplateSpecification: template("4"), Overrides: [{ InstanceType: "c7a.large" }] };
  const launch = launchOf({ MixedInstancesPolicy: { LaunchTemplate } } as never);
  expect(launch.version).toBe("4");
  expect(JSON.parse(launch.written ?? "")).toEqual({
    MixedInstancesPolicy: {
      LaunchTemplate: {
        LaunchTemplateSpecification: { LaunchTemplateId: "lt-1", Version: "4" },
        Overrides: [{ InstanceType: "c7a.large" }],
      },
    },
  });
});
