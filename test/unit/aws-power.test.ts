// What a stop and a start take hold of, and what is said before.
import { expect, test, vi } from "vitest";
import { isNothing, type Seen, stopSentences, toStart, toStop } from "../../cli/aws/power.ts";

vi.hoisted(() => Object.assign(process.env, { AWS_ENDPOINT_URL: "http://127.0.0.1:9" }));

const server = (name: string, state: string, more: object = {}) => ({
  ...{ id: `i-${name}`, name, type: "c5.large", state, spot: false, elastic: false },
  ...more,
});
const seen: Seen = {
  servers: [
    server("isu1", "running", { elastic: true }),
    server("isu2", "running", { type: "i4i.2xlarge" }),
    server("isu3", "running", { spot: true }),
    server("isu4", "stopped"),
    server("isu5", "stopping"),
  ],
  pools: [
    { name: "web", min: 1, max: 4, servers: 2 },
    { name: "jobs", min: 0, max: 0, servers: 0 },
  ],
  databases: [
    { id: "db", status: "available" },
    { id: "old", status: "stopped" },
    { id: "busy", status: "backing-up" },
  ],
};
const names = ({ servers, pools, databases }: Seen) => [...servers, ...pools].map(({ name }) => name).concat(databases.map(({ id }) => id));

test("a stop takes what is on, and no spot server; a start what is off", () => {
  expect(names(toStop(seen))).toEqual(["isu1", "isu2", "web", "db"]);
  expect(names(toStart(seen))).toEqual(["isu4", "isu5", "jobs", "old"]);
  expect(isNothing(toStop(toStart(seen)))).toBe(true);
});

test("says of each what it loses, and what goes on", () => {
  expect(stopSentences(seen)).toEqual([
    "isu1: stops; its public address stays",
    "isu2: stops; its public address changes; what is on its 1 instance-store disk of 1875 GB is lost",
    "isu3: goes on and costs: a spot server can't be stopped",
    "web: its 2 servers drain and are terminated; a start brings new ones",
    "db: stops; AWS starts it again by itself after seven days",
  ]);
});
