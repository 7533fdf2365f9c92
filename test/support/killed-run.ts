// A test run that is killed: takes what a test file may take, says so on one line, and waits for its end.
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bridgeName } from "../../machines/names.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { run } from "../../machines/run.ts";
import { own, ownNetwork, ownStack } from "./own.ts";

const [authorizedKey = ""] = process.argv.slice(2);
const [stack, network] = [ownStack("killed-run"), ownNetwork()];
const place = { address: `${network}.11`, subnet: `${network}.0/24` };
await nspawn.ensure({ stack, name: "isu1", driver: "nspawn", cores: 1, memoryMiB: 256, release: "bookworm", authorizedKey, ...place });
const table = `metadata_${bridgeName(stack).replace("-", "_")}`;
await run("nft", ["add", "table", "ip", table]);
const { pid } = spawn("sleep", ["3600"], { detached: true, stdio: "ignore" });
console.log(JSON.stringify({ owner: basename(own), stack, network, table, pid }));
await sleep(3_600_000);
