// What a server that nobody pushes to is told at its first boot: its plan, whom to report to, how to leave.
import { readFileSync } from "node:fs";
import { quote } from "../../../provisioners/engine/shell-quote.ts";
import type { Distribution } from "./image.ts";
import type { BootFile } from "./instance-store.ts";
import { cloudConfig, type FirstBoot, fits, sha256 } from "./user-data.ts";

export interface WorkerBoot {
  readonly region: string;
  readonly group: string;
  readonly launchHook: string;
  readonly drainHook: string;
  /** POSIX sh text that makes a blank server right, and ends with 0 where it may serve. */
  readonly plan: string;
  /** Where the plan lies, if not in the user data: an https address of the bucket. */
  readonly planUrl?: string | undefined;
  /** Command line that stops taking work and returns when the work in hand is done. */
  readonly drain: string;
  /** Seconds without network after which the server powers itself off. 0: never. */
  readonly fence: number;
  /** What the only server of a pool takes over. */
  readonly allocation?: string | undefined;
  readonly volume?: string | undefined;
  /** For the plan and the pool's services, in `/etc/fleet/environment`. No secrets: user data can be read on the server by anyone. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

const environmentText = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment)
    .map(([key, value]) => `${key}=${quote(value)}\n`)
    .join("");

const planPath = "/var/lib/fleet/plan.sh";
const scriptPath = "/usr/local/sbin/fleet-worker";
const body = ["boot/aws.sh", "boot/worker.sh"].map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("\n");

/** Seconds between two looks, as the script has it. */
const interval = 5;
/** Tries, ten seconds apart, to attach a volume that the server before still holds. */
const patience = 60;

/** The script as it lies on the server. `imds` and `plan` are paths of a test. */
export function workerScript(boot: WorkerBoot, at: { readonly imds?: string; readonly plan?: string } = {}): string {
  const settings: Readonly<Record<string, string | number>> = {
    imds: at.imds ?? "http://169.254.169.254",
    region: boot.region,
    group: boot.group,
    launch_hook: boot.launchHook,
    drain_hook: boot.drainHook,
    plan: at.plan ?? planPath,
    plan_url: boot.planUrl ?? "",
    plan_sha256: sha256(boot.plan),
    drain: boot.drain,
    fence: Math.ceil(boot.fence / interval),
    allocation: boot.allocation ?? "",
    volume: boot.volume ?? "",
    device: "/dev/sdj",
    patience,
  };
  const head = ["#!/bin/sh", "# Managed by fleet (worker pool).", "set -u", "export LC_ALL=C"];
  return [...head, ...Object.entries(settings).map(([key, value]) => `${key}=${quote(value)}`), body].join("\n");
}

const watchUnit = `# Managed by fleet (worker pool).
[Unit]
Description=Leaves the pool in good order
After=network.target

[Service]
ExecStart=${scriptPath} watch
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

/** The files of a worker. Without the plan where it is fetched. */
export function workerFiles(boot: WorkerBoot): readonly BootFile[] {
  const plan: BootFile = { path: planPath, mode: "0700", content: boot.plan };
  return [
    { path: scriptPath, mode: "0755", content: workerScript(boot) },
    { path: "/etc/systemd/system/fleet-worker-watch.service", mode: "0644", content: watchUnit },
    { path: "/etc/fleet/environment", mode: "0644", content: environmentText(boot.environment ?? {}) },
    ...(boot.planUrl === undefined ? [plan] : []),
  ];
}

/** A worker makes its own host key: nobody connects to it first. */
export type WorkerFirst = Omit<FirstBoot, "hostKey"> & { readonly distribution: Distribution };

/** User data of a pool's servers: its own disks first, then the worker. */
export function workerUserData(first: WorkerFirst, boot: WorkerBoot): string {
  const { distribution, files = [], packages = [], commands = [], ...rest } = first;
  const run = ["systemctl daemon-reload", `${scriptPath} boot`];
  return cloudConfig({
    ...rest,
    // Amazon's image has a curl of its own, beside which the whole one can't be installed.
    packages: [...(distribution === "debian" ? ["curl"] : []), ...packages],
    files: [...files, ...workerFiles(boot)],
    commands: [...commands, ...run],
  });
}

/** Room for what is not known when the number of resources is decided: a key, ids of an address and a volume, a bucket's address. */
const allowance = 1024;

/** Whether the plan can travel in the user data itself. */
export const planFits = (first: WorkerFirst, boot: WorkerBoot): boolean => fits(`${workerUserData(first, boot)}${"x".repeat(allowance)}`);
