// Three servers on EC2.
import { input } from "@inquirer/prompts";
import { Cidr } from "../../../spec/scalars.ts";
import { each, is, words } from "../asker.ts";
import type { Place } from "../place.ts";

const region = "ap-northeast-1";
const type = "c5.large";

export const aws: Place = {
  title: "on AWS, made by the fleet",
  said: (options) => options.aws ?? false,
  async ask(options, ask) {
    const where = options.region ?? (await ask("", "", () => input({ message: "Region?", default: region }), region));
    const what = () => input({ message: "Instance type (fleet types lists them)?", default: type });
    const instanceType = options.type ?? (await ask("", "", what, type));
    const door = () => input({ message: "Networks that may use SSH, such as 203.0.113.0/24?", required: true, validate: each(is(Cidr)) });
    const sshFrom =
      options.sshFrom.length > 0 ? options.sshFrom : words(await ask("networks that may use SSH", "add --ssh-from 203.0.113.0/24", door));
    const end = () => input({ message: "When may all of it go (2026-12-01T12:00:00Z, or never; empty: 24 hours after the first up)?" });
    const expiresAt = options.expires ?? (await ask("", "", end, ""));
    const target = {
      kind: "aws",
      region: where,
      instanceType,
      ...(expiresAt !== "" && { expiresAt }),
      sshFrom: [...sshFrom],
      httpFrom: ["0.0.0.0/0"],
    };
    return { secret: false, fleet: () => ({ target, ...shape }) };
  },
  comment: " Roles in order: `fleet docs roles`. `fleet cost` says what it costs, `fleet types` which types there are.",
  next: (team) => [
    [`./fleet cost ${team}`, "what it costs"],
    [`./fleet preview ${team}`, "what an up would make, line by line"],
    [`./fleet up ${team}`, "network, servers, first boot, roles"],
  ],
};

const shape = {
  servers: { isu1: { roles: ["base", "nginx"] }, isu2: { roles: ["base", "nginx"] }, isu3: { roles: ["base", "mysql"] } },
  params: { base: { sysctl: { preset: "isucon" } }, mysql: { preset: "isucon" } },
};
