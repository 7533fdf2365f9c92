// What a server gathered, as it comes: a tar on standard output, unpacked by this computer's own tar.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { HostError, type Shell } from "../../../provisioners/engine/shell.ts";
import type { Command } from "../../../provisioners/engine/shell-quote.ts";
import { gist } from "../../../provisioners/ssh/output.ts";

/** Milliseconds. */
const longest = 600_000;

/** Into `folder`, which is made. Rejects with a HostError. */
export async function fetchTar(shell: Shell, script: Command, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Names in it are a server's word: no way up, no link, no owner of its own.
  const tar = spawn("tar", ["-xf", "-", "--no-same-owner", "--no-same-permissions", "-C", folder], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  tar.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const closed = once(tar, "close");
  tar.stdin.on("error", () => {});
  const { code, stderr } = await shell.run(script, { onBytes: (bytes) => void tar.stdin.write(bytes), deadline: longest });
  tar.stdin.end();
  const [unpacked] = await closed;
  if (code !== 0) throw new HostError(shell.host, "lost", `expected its logs, got exit code ${code}: ${gist(stderr)}`);
  if (unpacked !== 0) throw new HostError(shell.host, "lost", `expected logs as a tar, got ${gist(said)}`);
}
