// The sentence of an interrupted command, and what users read of Pulumi.
import { describe, expect, test } from "vitest";
import { interruption } from "../../cli/interruption.ts";
import { readable, readableLines } from "../../pulumi/words.ts";

describe("an interrupted command", () => {
  test("says what is done, what is not, and what to type", () => {
    expect(interruption(["up", "team-a", "--yes"], true)).toBe(
      "up: interrupted; what is done stays done, the rest was not begun; next: ./fleet up team-a --yes, which goes on from there",
    );
    expect(interruption(["down", "team-*"], false)).toBe("down: interrupted before anything was changed; next: ./fleet down 'team-*'");
    expect(interruption(["--cwd", "/srv/event", "check"], false)).toBe(
      "check: interrupted before anything was changed; next: ./fleet --cwd /srv/event check",
    );
    expect(interruption(["run", "--", "make"], true)).toBe("run: interrupted; what it ran on the servers was ended there");
    expect(interruption(["retest", "--yes"], true)).toContain("a reboot that was asked for goes on");
    expect(interruption(["ssh", "isu1", "sleep 9"], false)).toBe("ssh: interrupted; what it ran there may go on without it");
  });
});

const noisy = `Diagnostics:
  pulumi:pulumi:Stack (contest-fleet-x):
    error: resource x-isu1-base failed
        at /home/me/node_modules/@pulumi/pulumi/runtime/resource.js:619:32
        at process.processTicksAndRejections (node:internal/process/task_queues:104:5)
    error: connect at 10.0.0.1 port 22
The resources in the stack have been deleted, but the history and configuration associated with the stack are still maintained.
If you want to remove the stack completely, run \`pulumi stack rm x\`.
error: 'x' still has resources; removal rejected. Possible actions:
- Run \`pulumi stack rm --force\` to delete the stack
done`;
const quiet = `Diagnostics:
  pulumi:pulumi:Stack (contest-fleet-x):
    error: resource x-isu1-base failed
    error: connect at 10.0.0.1 port 22
error: 'x' still has resources; removal rejected. Possible actions:
done`;

describe("what users read of Pulumi", () => {
  test("has no stack traces, and no advice that would lose something", () => {
    expect(readable(noisy)).toBe(quiet);
  });

  test("has names as they are written, without the joiner that hides them from the engine", () => {
    expect(readable("remove /home/i\u2060sucon")).toBe("remove /home/isucon");
    const shown: string[] = [];
    const lines = readableLines((text) => shown.push(text));
    lines.take("a i\u2060sucon\nb i\u2060su");
    lines.end();
    expect(shown).toEqual(["a isucon\n", "b isu"]);
  });

  test("is the same in whatever pieces it comes", () => {
    for (const size of [1, 7, 64, 10_000]) {
      let shown = "";
      const lines = readableLines((text) => {
        shown += text;
      });
      for (let at = 0; at < noisy.length; at += size) lines.take(noisy.slice(at, at + size));
      lines.end();
      expect(shown).toBe(quiet);
    }
  });
});
