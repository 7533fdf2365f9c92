// Questions to a server: those of one moment are one command.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask } from "../../provisioners/engine/ask.ts";
import { readFacts } from "../../provisioners/engine/facts.ts";
import type { Shell } from "../../provisioners/engine/shell.ts";
import { sh } from "../../provisioners/engine/shell-quote.ts";

let folder: string;
let runs: string[];
let shell: Shell;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-ask-"));
  writeFileSync(join(folder, "one"), "1\n");
  writeFileSync(join(folder, "two"), "22\n");
  runs = [];
  const run = (text: string) => {
    runs.push(text);
    return new Promise<{ code: number; stdout: Buffer; stderr: string }>((resolve) =>
      execFile("sh", ["-c", text], { encoding: "buffer" }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr: stderr.toString() }),
      ),
    );
  };
  shell = { host: "isu1", close: async () => {}, run: (command) => run(command.text) };
});
afterEach(() => rmSync(folder, { recursive: true }));

const content = (name: string) =>
  ask(shell, (look) => {
    const file = look.path(join(folder, name), { content: true });
    return () => file().content?.toString();
  });

test("what several ask at once is one command, and each gets its own answer", async () => {
  const answers = await Promise.all([
    content("one"),
    content("two"),
    content("one"),
    content("missing"),
    readFacts(shell).then(({ packageManager }) => packageManager),
  ]);
  expect(answers).toEqual(["1\n", "22\n", "1\n", undefined, "apt"]);
  expect(runs).toHaveLength(1);
});

test("what comes after the answer is another command, and sees what changed", async () => {
  expect(await content("one")).toBe("1\n");
  writeFileSync(join(folder, "one"), "changed\n");
  expect(await content("one")).toBe("changed\n");
  expect(runs).toHaveLength(2);
});

test("an answer that makes no sense fails who asked for it alone", async () => {
  const broken = ask(shell, () => () => {
    throw new Error("no sense");
  });
  const [bad, good] = await Promise.allSettled([broken, content("one")]);
  expect([bad.status, good.status]).toEqual(["rejected", "fulfilled"]);
});

test("a command that can't be run fails all of them", async () => {
  shell = { ...shell, run: async () => ({ code: 3, stdout: Buffer.alloc(0), stderr: "no" }) };
  for (const each of await Promise.allSettled([content("one"), content("two")]))
    expect(each).toMatchObject({ status: "rejected", reason: { message: "isu1: the look ended with exit code 3: no" } });
});

test("a file that grew under the look is looked at again", async () => {
  const real = shell.run;
  let grown = false;
  shell = {
    ...shell,
    async run(command) {
      const answer = await real(command);
      if (grown) return answer;
      grown = true;
      return { ...answer, stdout: Buffer.concat([answer.stdout, Buffer.from("more")]) };
    },
  };
  expect(await content("one")).toBe("1\n");
  expect(runs).toHaveLength(2);
});

test("commands and files go together", async () => {
  const [said, text] = await Promise.all([
    ask(shell, (look) => {
      const answer = look.command(sh`echo hello; exit 4`);
      return () => answer();
    }),
    content("two"),
  ]);
  expect([said, text]).toEqual([{ code: 4, stdout: "hello\n" }, "22\n"]);
  expect(runs).toHaveLength(1);
});
