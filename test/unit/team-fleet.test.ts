// What the component registers for a practice stack and for servers that were handed out: exact, in Pulumi's mocks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { TeamFleet } from "../../components/team-fleet.ts";
import { planFleet } from "../../provisioners/expand.ts";
import { open, type Properties } from "../../provisioners/provider/wire.ts";
import { choices } from "../../provisioners/stack.ts";
import { parseStack } from "../../spec/read.ts";
import { mockPulumi } from "../support/mock-pulumi.ts";

const outputs = {
  "fleet:index:Machine": (name: string) => ({ port: 22, user: "fleet", hostKey: `ssh-ed25519 AAAA-${name}` }),
  "fleet:index:TeamKeys": () => ({ keys: {}, fingerprints: {} }),
  "fleet:index:HostKey": (name: string) => ({ hostKey: `ssh-ed25519 AAAA-${name}` }),
  "fleet:index:Host": () => ({
    facts: {
      distribution: "debian",
      version: "12",
      architecture: "amd64",
      cores: 2,
      memoryMiB: 2048,
      container: false,
      packageManager: "apt",
      cloudInit: true,
    },
  }),
};

/** The sample has no passwords: who copies it puts in their own. */
const withPasswords = (text: string): string => text.replaceAll(/^( +)user: isucon$/gm, '$&\n$1password: { secure: "v1:x" }');

const fleetOf = (stack: string, config: object) => {
  const file = join(import.meta.dirname, "../../stacks", stack === "practice" ? "" : "samples", `Pulumi.${stack}.yaml`);
  const { spec } = parseStack(withPasswords(readFileSync(file, "utf8")), file, choices);
  const plan = planFleet(spec, { stack, cores: 2, architecture: "amd64", overlays: {} });
  return mockPulumi(() => new TeamFleet(spec.team, { plan, config: pulumi.secret(config) }), { outputs });
};

describe("a practice fleet", () => {
  test("is a machine and a host a server, and a role for each of its roles", async () => {
    const { resources } = await fleetOf("practice", {});
    const names = (type: string) =>
      resources
        .filter((each) => each.type === type)
        .map(({ name }) => name)
        .sort();
    expect(names("fleet:index:Machine")).toEqual(["practice-isu1-machine", "practice-isu2-machine", "practice-isu3-machine"]);
    expect(names("fleet:index:Host")).toEqual(["practice-isu1", "practice-isu2", "practice-isu3"]);
    expect(names("fleet:index:Role")).toHaveLength(12);
  });

  test("leaves marks in a role's resources, and gives their values beside them", async () => {
    const { resources } = await fleetOf("practice", {});
    const role = resources.find(({ name }) => name === "practice-isu1-wordpress")!;
    const config = (role.inputs.resources as Record<string, { content: string }>)["file[/etc/wordpress/config-default.php]"]!;
    expect(config.content).toContain("\u27e6derived|php:mysql/wordpress\u27e7");
    const late = open(role.inputs as Properties).value.late as Record<string, string>;
    expect(late["derived:mysql/wordpress"]).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(role.inputs.resources)).not.toContain(late["derived:mysql/wordpress"]);
  });
});

describe("servers that were handed out", () => {
  test("have their host keys pinned, and their roles expanded from the facts that were read", async () => {
    const servers = { isu1: { password: "p1" }, isu2: { password: "p2" }, isu3: { password: "p3" } };
    const { resources } = await fleetOf("handed-out", { servers });
    expect(resources.filter(({ type }) => type === "fleet:index:Machine")).toEqual([]);
    expect(resources.filter(({ type }) => type === "fleet:index:HostKey")).toHaveLength(3);
    const host = resources.find(({ type, name }) => type === "fleet:index:Host" && name === "handed-out-isu3")!;
    expect(open(host.inputs as Properties).value.connection).toMatchObject({
      address: "192.168.0.13",
      user: "isucon",
      password: "p3",
      jump: { address: "203.0.113.11", password: "p1", hostKey: "ssh-ed25519 AAAA-handed-out-isu1-host-key" },
    });
    // Looked at on the way on which it is reached: its address is somebody else's in the operator's own network.
    const key = resources.find(({ name }) => name === "handed-out-isu3-host-key")!;
    expect(open(key.inputs as Properties).value.jump).toMatchObject({
      address: "203.0.113.11",
      user: "isucon",
      password: "p1",
      hostKey: "ssh-ed25519 AAAA-handed-out-isu1-host-key",
    });
    const base = resources.find(({ name }) => name === "handed-out-isu1-base")!;
    expect(Object.keys(base.inputs.resources as object)).toContain("file[/etc/cloud/cloud.cfg.d/99-fleet.cfg]");
  });
});
