// The plan from a blank host as one script: what it refuses, and that it is plain POSIX text.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { bootScript, refuseSecrets } from "../../provisioners/boot-script.ts";
import { late } from "../../provisioners/engine/placeholders.ts";
import { want } from "../../provisioners/resources/want.ts";
import { wantsOf } from "../support/kind-contract.ts";

const file = (path: string, content: string) => want.file({ path, content });

test("a shell takes it, whatever the files hold", () => {
  const wants = wantsOf([
    want.package({ name: "nginx" }),
    file("/etc/odd", "`ls` $HOME '\nFLEET_INPUT\n"),
    want.user({ name: "alice", groups: ["adm"] }),
    want.sysctl({ name: "net", settings: { "net.core.somaxconn": 4096 } }),
    want.command({ name: "once", run: "echo 'a  b'", creates: "/x" }),
    want.check({ name: "open", port: { port: 80 } }),
  ]);
  const script = bootScript([{ role: "all", wants }]);
  expect(spawnSync("sh", ["-n"], { input: script, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  expect(bootScript([{ role: "all", wants }])).toBe(script);
});

test("roles come in their order, each under its own name; one without resources leaves no trace", () => {
  const script = bootScript([
    { role: "second", wants: wantsOf([file("/b", "b")]) },
    { role: "none", wants: {} },
    { role: "first", wants: wantsOf([file("/a", "a")]) },
  ]);
  expect(script.match(/^\d+\) echo .* ;;$/gm)).toEqual([
    "0) echo 'second: file[/b]: create with 1 byte' ;;",
    "0) echo 'first: file[/a]: create with 1 byte' ;;",
  ]);
});

describe("secrets", () => {
  test("are refused, all at once, with the role that wants them", () => {
    const roles = [
      { role: "app", wants: wantsOf([file("/env", late("secret", "params.app.environment.TOKEN"))]) },
      { role: "web", wants: wantsOf([file("/key", late("mesh-private-key"))]) },
    ];
    expect(() => refuseSecrets("target.pools.thumbs", roles)).toThrow(
      "target.pools.thumbs: expected roles without secrets, which every process on such a server could read, got: " +
        "`app` wants `secret:params.app.environment.TOKEN`, `web` wants `mesh-private-key:`; next: ",
    );
  });

  test("are not what everybody may know", () => {
    const wants = wantsOf([file("/keys", `${late("mesh-public-key")}\n${late("authorized-keys", "alice")}\n`)]);
    expect(() => refuseSecrets("a pool", [{ role: "base", wants }])).not.toThrow();
  });
});
