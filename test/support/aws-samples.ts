// Fleets on AWS for tests, as a stack file would ask for them.
import { AwsFleet } from "../../components/targets/aws/fleet.ts";
import { AwsTarget } from "../../components/targets/aws/settings/target.ts";
import { type Asked, shapeOf } from "../../components/targets/aws/shape.ts";

export const ownership = { team: "team-a", stack: "event-a", owner: "ops@example.org", expiry: "2026-12-01T09:00:00Z" };

const target = (more: object) =>
  AwsTarget.parse({ kind: "aws", region: "ap-northeast-1", owner: "ops@example.org", expiresAt: ownership.expiry, ...more });
/** What `target: aws` with these settings asks for. */
export const asked = (more: object, names: readonly string[]): Asked => ({
  team: "team-a",
  stack: "event-a",
  target: target(more),
  servers: Object.fromEntries(names.map((name) => [name, {}])),
});
/** Builds it, under the name of its team. */
export const fleet = (name: string, of: Asked) => () =>
  new AwsFleet(name, {
    target: of.target,
    shape: shapeOf(of),
    admin: "fleet-admin",
    publicKey: "ssh-ed25519 AAAA fleet",
    privateKey: "the fleet's private key",
  });
