// A program that waits for an engine which is gone: the command has said why, and ends.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const module = join(import.meta.dirname, "../../pulumi/open-calls.ts");

test("what waits for an engine that is gone keeps no process", async () => {
  const script = `import { OpenCalls } from ${JSON.stringify(module)};
void new OpenCalls([]).race(new Promise(() => {}), () => false);
console.log("said why");`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 60_000 });
  expect((await run).stdout).toBe("said why\n");
}, 90_000);
