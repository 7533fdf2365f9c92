// AWS on loopback: moto's server, an emulator of its API that keeps state. Installed once, from PyPI, into the cache of this user.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheFolder, checkout } from "../../setup/paths.cjs";
import { startGaps } from "./aws-gaps.ts";
import { start } from "./fleet.ts";
import { freePort } from "./sshd.ts";

const require = createRequire(import.meta.url);
const { install } = require("../../setup/tools.cjs") as {
  install(cache: string, name: string, build: (work: string) => Promise<string>): Promise<string>;
};
const { withLock } = require("../../setup/lock.cjs") as {
  withLock<T>(file: string, onWait: (pid: number) => void, work: () => Promise<T>): Promise<T>;
};

const requirements = join(checkout, "test/aws-provider/requirements.txt");

async function run(program: string, args: readonly string[], next: string): Promise<void> {
  const { code, said } = await start(program, args).done;
  if (code !== 0)
    throw new Error(`the emulator of AWS can't be had: \`${program} ${args.join(" ")}\` ended with ${code}; next: ${next}\n${said}`);
}

/** The Python that has moto; builds it where it is not there yet (half a minute). Fails with what is missing: no test is left out. */
export async function emulatorPython(): Promise<string> {
  const cache = cacheFolder(process.env);
  const name = `moto-${createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12)}`;
  const python = join(cache, name, "bin", "python");
  if (existsSync(python)) return python;
  mkdirSync(cache, { recursive: true });
  await withLock(
    // Set-up's own: whoever holds it sweeps half-made folders away.
    join(cache, "lock"),
    () => {},
    async () => {
      if (existsSync(python)) return;
      await install(cache, name, async (work) => {
        const folder = join(work, "venv");
        await run("python3", ["-m", "venv", folder], "apt-get install python3-venv");
        const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
        await run(join(folder, "bin", "python"), args, "let this computer reach PyPI, or its mirror");
        return folder;
      });
    },
  );
  return python;
}

export interface Emulator {
  /** What the AWS SDK, Pulumi and `fleet` need to talk to it, and to nothing else. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the AWS CLI is. */
  readonly bin: string;
  /** What the account is granted, by code: see aws-gaps.ts. */
  readonly quotas: Map<string, number>;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

export const region = "ap-northeast-1";

/** On a free port. Its state is gone when it stops. */
export async function startEmulator(): Promise<Emulator> {
  const python = await emulatorPython();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "aws-emulator-"));
  const log = join(folder, "log");
  const output = openSync(log, "w");
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { stdio: ["ignore", output, output] });
  const ended = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  const address = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await answers(address)); tries++) {
    if (child.exitCode !== null || tries > 3000) throw new Error(`the emulator of AWS did not start:\n${readFileSync(log, "utf8")}`);
    await sleep(100);
  }
  const gaps = await startGaps();
  const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  // Whatever this computer knows of a real account stays out of it.
  const own = {
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PROFILE: "",
  };
  return {
    env: { ...own, ...credentials, AWS_ENDPOINT_URL: address, ...gaps.env, AWS_REGION: region },
    bin: dirname(python),
    quotas: gaps.quotas,
    pid: child.pid,
    async stop() {
      await gaps.stop();
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(`${address}/moto-api/`)).ok;
  } catch {
    return false;
  }
}
