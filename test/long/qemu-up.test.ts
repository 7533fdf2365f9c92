// A fleet of virtual machines, as a person without root has it: what only a kernel of its own can show, kept over a restart.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { leftovers } from "../../machines/sweep.ts";
import { checkout } from "../../provisioners/stack.ts";
import { start, Trial } from "../support/fleet.ts";

const trial = new Trial("qemu-up", {
  target: { kind: "practice", driver: "qemu" },
  servers: { isu1: { roles: ["base", "nginx"], cores: 2, memory: "1GiB", disks: ["1GiB"] } },
  params: {
    base: { packages: ["curl"], sysctl: { overrides: { "vm.swappiness": 7, "fs.file-max": 654321 } } },
    nginx: { sites: [{ name: "front", root: "/var/www/html", routes: [{ kind: "return", path: "/", status: 204 }] }] },
  },
});
const on = (script: string) => start(join(checkout, "fleet"), ["ssh", "isu1", "--stack", trial.stack, script], { env: trial.env }).done;
/** Vm.* and fs.* are a kernel's own: no container may set them. */
const settings = "cat /proc/sys/vm/swappiness /proc/sys/fs/file-max; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1/";

afterAll(() => trial.remove());

test("comes up, and says how this computer reaches it", async () => {
  const { code, said } = await trial.up();
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  expect(said).toMatch(/^isu1 {2}127\.0\.0\.1:\d+ {2}base nginx$/m);
  expect(said).toContain(`./fleet ssh isu1 --stack ${trial.stack} -L 8080:127.0.0.1:80`);
  expect(said).not.toContain("not applicable");
  expect((await on(settings)).stdout).toBe("7\n654321\n204\n");
});

test("is right after a restart, without anybody's help", async () => {
  const boot = "cat /proc/sys/kernel/random/boot_id";
  const before = (await on(boot)).stdout;
  await on("sudo systemctl reboot");
  const end = Date.now() + 600_000;
  for (let now = before; now === before || now === ""; now = (await on(boot)).stdout) {
    if (Date.now() > end) throw new Error("isu1: expected another boot within 600 s, got none");
    await sleep(5_000);
  }
  expect((await on("systemctl is-system-running --wait")).stdout).toBe("running\n");
  expect((await on(settings)).stdout).toBe("7\n654321\n204\n");
  const { code, said } = await trial.run("verify");
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
});

test("leaves nothing", async () => {
  const { code, said } = await trial.run("down", ["--yes"]);
  expect([code, code === 0 ? "" : said]).toEqual([0, ""]);
  expect(await leftovers(trial.stack)).toEqual([]);
});
