// The fleet's own commands that a watch runs, each in a process of its own: what a run needs in memory goes with it.
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { codeFile, project } from "../provisioners/project.ts";
import { changes, stopsWithUs } from "../pulumi/interruption.ts";

/** What `fleet preview --around --json` prints. Throws an Error. */
export async function lookAround(stack: string, signal: AbortSignal): Promise<string> {
  const args = [codeFile("cli/main"), "preview", stack, "--around", "--json"];
  const options = { cwd: project, env: { ...process.env, NO_COLOR: "1" }, signal, maxBuffer: 64 * 1024 * 1024, timeout: aroundTime };
  try {
    return (await promisify(execFile)(process.execPath, args, options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    // It says why there is no preview in its own words.
    if (stdout.startsWith("{")) return stdout;
    throw new Error(stderr.trim().split("\n").at(-1) || (error as Error).message);
  }
}

/** Milliseconds for a look at AWS. */
const aroundTime = 300_000;
/** Characters of what an up says that are kept. */
const tail = 1500;

export async function upOf(stack: string, urns: readonly string[] | "all"): Promise<{ readonly code: number; readonly said: string }> {
  changes();
  const targets = urns === "all" ? [] : urns.flatMap((urn) => ["--target", urn]);
  const child = spawn(process.execPath, [...process.execArgv, codeFile("cli/main"), "up", stack, "--yes", ...targets], {
    cwd: project,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stopsWithUs(child, "SIGINT");
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-tail);
    });
  const code = await new Promise<number>((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (status) => resolve(status ?? 130));
  });
  return { code, said: said.trim() };
}
