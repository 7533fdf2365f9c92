// A server's clock is set while something is waited for there, hours forth or back: what waits counts by a clock that nobody sets.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { converge } from "../../provisioners/engine/converge.ts";
import { want } from "../../provisioners/resources/want.ts";
import { wantsOf } from "../support/kind-contract.ts";
import { localShell } from "../support/local-shell.ts";

test("a check waits as long as it may though the clock goes a day ahead", async () => {
  const shell = localShell();
  const path = process.env.PATH;
  onTestFinished(async () => {
    process.env.PATH = path;
    await shell.close();
  });
  const [bin, tries] = [join(shell.root, "bin"), join(shell.root, "tries")];
  mkdirSync(bin);
  const days = `echo >>"${shell.root}/days"; exec /bin/date -d "$(wc -l <"${shell.root}/days") days" "$@"`;
  writeFileSync(join(bin, "date"), `#!/bin/sh\n${days}\n`, { mode: 0o755 });
  process.env.PATH = `${bin}:${path}`;
  const third = want.check({ name: "up", command: `echo >>${tries}; [ "$(wc -l <${tries})" -gt 3 ]`, deadline: 600 });
  const { results } = await converge(shell, "app", wantsOf([third]));
  expect(results.map(({ outcome }) => outcome)).toEqual(["changed"]);
  expect(readFileSync(tries, "utf8")).toHaveLength(4);
});
