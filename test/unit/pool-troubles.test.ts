// What a pool says of launches that failed.
import { expect, test } from "vitest";
import { troubles } from "../../provisioners/provider/pool-troubles.ts";

const now = new Date("2026-12-01T05:00:00Z");
const activity = (StatusCode: string, minutesAgo: number, StatusMessage?: string) => ({
  ...{ ActivityId: "a", AutoScalingGroupName: "web", Cause: "", StatusCode: StatusCode as never },
  StartTime: new Date(now.getTime() - minutesAgo * 60_000),
  ...(StatusMessage !== undefined && { StatusMessage }),
});

test.for([
  ["nothing yet", []],
  ["all went well", [activity("Successful", 1), activity("InProgress", 0)]],
  ["long ago", [activity("Failed", 31, "We currently do not have sufficient capacity")]],
] as const)("nothing where %s", ([, activities]) => {
  expect(troubles("web", activities, now)).toBeUndefined();
});

test("how many, and why the newest did", () => {
  const activities = [
    activity("Cancelled", 20),
    activity("Failed", 2, "Instance failed to complete lifecycle action"),
    activity("Failed", 9, "older"),
  ];
  expect(troubles("web", activities, now)).toMatch(
    /^web: 3 launch\(es\) failed in the last 30 minutes, the newest: Instance failed to complete lifecycle action; next: `up`/,
  );
});
