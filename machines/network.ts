// The network of a stack: a bridge with this computer as the gateway, and NAT out in an nftables table of its own.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { locked } from "./lock.ts";
import { type MachineContext, MachineError, type MachineSpec } from "./machine.ts";
import { bridgeName, patterns, stateRoot, tableName } from "./names.ts";
import { platform } from "./platform.ts";
import { installed, root, run } from "./run.ts";
import { gateway, overlap, parseNetwork, parseSubnet } from "./subnet.ts";

interface Route {
  readonly dst: string;
  readonly dev?: string;
}

/** The route that already leads to a part of the subnet, if there is one. */
export function collision(routes: readonly Route[], subnet: string, bridge: string): Route | undefined {
  const own = parseSubnet(subnet)!;
  return routes.find(({ dst, dev }) => {
    const network = parseNetwork(dst);
    return dev !== bridge && network !== undefined && network.prefix > 0 && overlap(own, network);
  });
}

/** Out through NAT, not across to another stack's machines; segments fit the narrowest link on the way. Replaces itself in one step. */
export function ruleset(stack: string, subnet: string): string {
  const [table, bridge] = [tableName(stack), bridgeName(stack)];
  return `table ip ${table} {}
delete table ip ${table}
table ip ${table} {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname "fb-*" oifname != "${bridge}" drop
    iifname "${bridge}" tcp flags syn tcp option maxseg size set rt mtu
    oifname "${bridge}" tcp flags syn tcp option maxseg size set rt mtu
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
}
`;
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

/** Of `nft -j list chains`: what drops whatever it does not know on its way through this computer, as Docker's and firewalls' chains do. */
export function droppingChain(json: string): string | undefined {
  const { nftables } = JSON.parse(json) as { nftables: { chain?: Chain }[] };
  const drops = (chain?: Chain) => chain?.hook === "forward" && chain.policy === "drop" && ["ip", "inet"].includes(chain.family);
  const chain = nftables.find((each) => drops(each.chain))?.chain;
  return chain && `${chain.family} ${chain.table} ${chain.name}`;
}

/** Only the owner of a firewall may open it: says how. */
async function warn(stack: string, log: (line: string) => void): Promise<void> {
  const chain = droppingChain(await run("nft", ["-j", "list", "chains"]));
  const [rule, bridge] = [`nft insert rule ${chain}`, bridgeName(stack)];
  if (!chain) return;
  log(`${stack}: this computer's firewall drops what it forwards (chain \`${chain}\`), so machines may not reach the package mirror;`);
  log(`  open it with \`${rule} iifname ${bridge} accept; ${rule} oifname ${bridge} accept\``);
}

const forwarding = "/proc/sys/net/ipv4/ip_forward";
const previous = join(stateRoot, "ip_forward");

/** Turns forwarding on; what it was before is kept until the last stack goes. */
async function forward(): Promise<void> {
  const value = (await readFile(forwarding, "utf8")).trim();
  if (!existsSync(previous)) {
    await mkdir(stateRoot, { recursive: true, mode: 0o700 });
    await writeFile(`${previous}.new`, value);
    await rename(`${previous}.new`, previous);
  }
  if (value !== "1") await writeFile(forwarding, "1");
}

const linkExists = (name: string): boolean => existsSync(join("/sys/class/net", name));

/** Lock of all stacks: forwarding is the whole computer's. */
const host = "network of this computer";

export async function ensureNetwork({ stack, subnet }: MachineSpec, { log }: MachineContext = {}): Promise<void> {
  const bridge = bridgeName(stack);
  await locked(host, async () => {
    const routes = JSON.parse(await run("ip", ["-json", "-4", "route", "show"])) as Route[];
    const taken = collision(routes, subnet, bridge);
    if (taken) {
      throw new MachineError(
        `${stack}: subnet \`${subnet}\` meets \`${taken.dst}\` on link \`${taken.dev}\` of this computer; choose another one in the stack file`,
      );
    }
    const address = `${gateway(parseSubnet(subnet)!)}/${parseSubnet(subnet)!.prefix}`;
    if (!linkExists(bridge) && log) await warn(stack, log);
    if (!linkExists(bridge)) await run("ip", ["link", "add", bridge, "type", "bridge"]);
    const [link] = JSON.parse(await run("ip", ["-json", "-4", "address", "show", "dev", bridge])) as {
      addr_info: { local: string; prefixlen: number }[];
    }[];
    const old = (link?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    for (const each of old.filter((other) => other !== address)) await run("ip", ["address", "delete", each, "dev", bridge]);
    if (!old.includes(address)) await run("ip", ["address", "add", address, "dev", bridge]);
    await run("ip", ["link", "set", bridge, "up"]);
    await run("nft", ["-f", "-"], { input: ruleset(stack, subnet) });
    await forward();
  });
}

/** Whether a machine's link hangs on its bridge: two looks at /sys. */
export const connected = (link: string, bridge: string): boolean => existsSync(join("/sys/class/net", bridge, "brif", link));

/** Hangs a running machine's link on its bridge again. One that is just booting brings its link along. */
export async function attach(link: string, bridge: string): Promise<void> {
  if (linkExists(link)) await run("ip", ["link", "set", link, "master", bridge, "up"]);
}

export const links = async (name: RegExp): Promise<string[]> =>
  platform.containers ? (await readdir("/sys/class/net")).filter((each) => name.test(each)) : [];

/** None where we can't have made one. */
export async function tables(name: RegExp): Promise<string[]> {
  if (!root || !(await installed("nft"))) return [];
  const { nftables } = JSON.parse(await run("nft", ["-j", "list", "tables"])) as { nftables: { table?: { name: string } }[] };
  return nftables.flatMap(({ table }) => (table && name.test(table.name) ? [table.name] : []));
}

/** Removes a stack's links and tables; where `last` then says so, forwarding gets the value that it had before the first stack. */
export async function removeNetwork(stack: string, last: () => Promise<boolean>): Promise<void> {
  const { link, table } = patterns(stack);
  await locked(host, async () => {
    for (const name of await links(link)) {
      // The link of a machine that was just killed may go by itself meanwhile.
      await run("ip", ["link", "delete", name]).catch((error: unknown) => {
        if (linkExists(name)) throw error;
      });
    }
    for (const name of await tables(table)) await run("nft", ["delete", "table", "ip", name]);
    if (!existsSync(previous) || !(await last())) return;
    await writeFile(forwarding, await readFile(previous));
    await rm(previous);
  });
}
