// What a sweep says of an endpoint of EC2 Instance Connect, which the emulator of AWS has not: against answers of EC2's own form.
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lookAtEc2 } from "../../cli/aws/inventory/ec2.ts";

let server: Server;
let states: Readonly<Record<string, string>>;
let asked: string[];

const tags = `<tagSet><item><key>project</key><value>contest-fleet</value></item><item><key>stack</key><value>team-a</value></item></tagSet>`;
const items = (set: string, all: readonly string[]) => `<${set}>${all.map((each) => `<item>${each}</item>`).join("")}</${set}>`;

const answers: Readonly<Record<string, (body: URLSearchParams) => string>> = {
  DescribeTags: (body) =>
    items(
      "tagSet",
      body.toString().includes("instance-connect-endpoint") ? Object.keys(states).map((id) => `<resourceId>${id}</resourceId>`) : [],
    ),
  DescribeInstanceConnectEndpoints: () =>
    items(
      "instanceConnectEndpointSet",
      Object.entries(states).map(
        ([id, state]) => `<instanceConnectEndpointId>${id}</instanceConnectEndpointId><state>${state}</state>${tags}`,
      ),
    ),
};

beforeEach(async () => {
  [states, asked] = [{}, []];
  server = createServer(async (request, response) => {
    const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const action = body.get("Action") ?? "";
    asked.push(action);
    response.end(`<${action}Response>${answers[action]?.(body) ?? ""}</${action}Response>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (const each of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(each, "test");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("one that is left is named with its stack, one that is gone is not; its command returns when it is gone", async () => {
  states = { "eice-1": "create-complete", "eice-2": "delete-complete" };
  const left = await lookAtEc2({ region: "ap-northeast-1" });
  expect(left.map(({ kind, id, tags: { stack } }) => [kind, id, stack])).toEqual([["endpoint", "eice-1", "team-a"]]);
  const program = `gone=
aws() { case "$2" in delete-*) echo "$*" ;; *) [ -n "$gone" ] || echo delete-in-progress ;; esac; }
sleep() { gone=1; }`;
  expect(execFileSync("dash", ["-c", `${program}\n${left[0]!.away("aws")}`], { encoding: "utf8", timeout: 60_000 })).toBe(
    "ec2 delete-instance-connect-endpoint --instance-connect-endpoint-id eice-1\n",
  );
});

test("an account without any is not asked for them", async () => {
  expect(await lookAtEc2({ region: "ap-northeast-1" })).toEqual([]);
  expect(asked).toContain("DescribeTags");
  expect(asked).not.toContain("DescribeInstanceConnectEndpoints");
});
