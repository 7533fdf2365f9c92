// What cloud-init does with an instance's user data, on a machine of this computer that stands in for the instance.

import { setTimeout as sleep } from "node:timers/promises";
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { parse } from "yaml";
import { inside } from "./fleet.ts";

interface CloudConfig {
  readonly hostname: string;
  readonly users: readonly (
    | "default"
    | { readonly name: string; readonly sudo: string | readonly string[]; readonly ssh_authorized_keys: string[] }
  )[];
  readonly ssh_keys: { readonly ed25519_private: string; readonly ed25519_public: string };
}

/** Waits for the instance to be made. `name` is its tag. */
async function userDataOf(region: string, name: string, signal: AbortSignal): Promise<CloudConfig> {
  const client = new EC2Client({ region });
  const Filters = [
    { Name: "tag:Name", Values: [name] },
    { Name: "instance-state-name", Values: ["running"] },
  ];
  for (;;) {
    signal.throwIfAborted();
    const { Reservations } = await client.send(new DescribeInstancesCommand({ Filters }));
    const InstanceId = Reservations?.[0]?.Instances?.[0]?.InstanceId;
    if (InstanceId !== undefined) {
      const { UserData } = await client.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute: "userData" }));
      return parse(Buffer.from(UserData?.Value ?? "", "base64").toString("utf8")) as CloudConfig;
    }
    await sleep(200);
  }
}

const put = (path: string, mode: string, content: string): string =>
  `cat >${path} <<'END_OF_FILE'\n${content.endsWith("\n") ? content : `${content}\n`}END_OF_FILE\nchmod ${mode} ${path}`;

function script({ hostname, users, ssh_keys }: CloudConfig): string {
  const accounts = users.flatMap((user) => {
    if (user === "default") return [];
    const home = `/home/${user.name}`;
    return [
      `useradd -m -s /bin/bash ${user.name}`,
      `install -d -m 700 -o ${user.name} -g ${user.name} ${home}/.ssh`,
      put(`${home}/.ssh/authorized_keys`, "600", user.ssh_authorized_keys.join("\n")),
      `chown ${user.name}: ${home}/.ssh/authorized_keys`,
      put(
        "/etc/sudoers.d/90-cloud-init-users",
        "440",
        [user.sudo]
          .flat()
          .map((each) => `${user.name} ${each}`)
          .join("\n"),
      ),
    ];
  });
  return [
    // An image with cloud-init has it.
    "mkdir -p /etc/cloud/cloud.cfg.d",
    `hostname ${hostname}`,
    "rm -f /etc/ssh/ssh_host_*",
    put("/etc/ssh/ssh_host_ed25519_key", "600", ssh_keys.ed25519_private),
    put("/etc/ssh/ssh_host_ed25519_key.pub", "644", ssh_keys.ed25519_public),
    ...accounts,
    "systemctl start ssh",
  ].join("\n");
}

/** Before it is an instance: nobody answers at its door. */
export async function asleep(stack: string, server: string): Promise<void> {
  const { code, said } = await inside(stack, server, "systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh");
  if (code !== 0) throw new Error(`${server}: ssh did not stop: ${said}`);
}

/** The first boot, as soon as the instance is there. */
export async function firstBoot(
  region: string,
  name: string,
  [stack, server]: readonly [string, string],
  signal: AbortSignal,
): Promise<void> {
  const { code, said } = await inside(stack, server, script(await userDataOf(region, name, signal)));
  if (code !== 0) throw new Error(`${server}: the first boot ended with ${code}: ${said}`);
}
