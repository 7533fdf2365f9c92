// What a virtual machine is told at its first boot, and after a change of its spec: a script on a small disk of its own.
import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, lines, Secret, sh } from "../../provisioners/engine/shell-quote.ts";
import type { MachineSpec } from "../machine.ts";
import { hostKeyFile, linkFile, provisionScript, put, putFile, type RootFile, resolverScript } from "../provision.ts";
import { run } from "../run.ts";
import { parseSubnet } from "../subnet.ts";
import { mac, outside } from "./arguments.ts";

export interface HostKeyPair {
  readonly privateKey: Secret;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
}

/** Made here, so that it is known before the first connection; its private half lies on this computer until the machine has taken it. */
export async function makeHostKey(): Promise<HostKeyPair> {
  const directory = await mkdtemp(join(tmpdir(), "contest-fleet-key-"));
  try {
    const file = join(directory, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
    const publicKey = (await readFile(`${file}.pub`, "utf8")).trim();
    return { privateKey: new Secret(await readFile(file, "utf8")), publicKey };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const linksOf = (spec: MachineSpec): RootFile[] => {
  const { address, gateway } = outside(spec.subnet);
  return [
    linkFile("out", `MACAddress=${mac(spec, "out")}`, address, gateway),
    linkFile("lan", `MACAddress=${mac(spec, "lan")}`, `${spec.address}/${parseSubnet(spec.subnet)!.prefix}`),
  ];
};

const keep = ({ privateKey, publicKey }: HostKeyPair): Command[] => [
  putFile({ path: hostKeyFile, content: privateKey.reveal(), mode: "0600" }),
  putFile({ path: `${hostKeyFile}.pub`, content: `${publicKey}\n` }),
];

/** The whole disk. `digest` names it: a machine carries out each seed once. */
export function seedText(spec: MachineSpec, digest: string, hostKey?: HostKeyPair): string {
  const script = lines([
    sh`set -eu`,
    put,
    ...(hostKey ? keep(hostKey) : []),
    provisionScript(spec, linksOf(spec)),
    resolverScript(`nameserver ${outside(spec.subnet).resolver}\n`),
    // The kernel's name was set before this ran.
    sh`hostname ${spec.name}`,
  ]);
  return `# ${digest}\n${script.text}\nexit 0\n`;
}

const sector = 512;

/** Lines of nothing fill the last sector. */
export const padded = (text: string): string => {
  const bytes = Buffer.byteLength(text);
  return text + "\n".repeat(Math.ceil(bytes / sector) * sector - bytes);
};

export const writeSeed = (directory: string, text: string): Promise<void> =>
  writeFile(join(directory, "seed"), padded(text), { mode: 0o600, flush: true });

/** Leaves the name alone: the passwords and the key in it are with the machine now. In place, since QEMU has it open. */
export async function blankSeed(directory: string): Promise<void> {
  const path = join(directory, "seed");
  if (!existsSync(path)) return;
  const file = await open(path, "r+");
  try {
    const text = await file.readFile("utf8");
    const end = text.indexOf("\n") + 1;
    if (text.slice(end).trim() === "") return;
    await file.write(Buffer.alloc(Buffer.byteLength(text) - end, "\n"), 0, undefined, end);
    await file.sync();
  } finally {
    await file.close();
  }
}
