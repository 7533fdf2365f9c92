// From a stack's spec to its plan: what a fleet must not do to itself, and what an overlay file replaces.
import { describe, expect, test } from "vitest";
import type { Facts } from "../../provisioners/engine/facts.ts";
import { expandRole, planFleet } from "../../provisioners/expand.ts";
import { choices } from "../../provisioners/stack.ts";
import type { OverlayFile } from "../../spec/overlay.ts";
import { parseStack } from "../../spec/read.ts";

const facts: Facts = {
  distribution: "debian",
  version: "12",
  architecture: "amd64",
  cores: 1,
  memoryMiB: 1024,
  container: false,
  packageManager: "apt",
  cloudInit: false,
};

function plan(server: string, overlay: readonly OverlayFile[] = [], roles = "[base]", user = "isucon") {
  const text = `config:
  contest-fleet:fleet:
    team: t
    target: inventory
    servers:
      isu1:
        roles: ${roles}
        address: 192.0.2.1
        user: ${user}
${server.replace(/^/gm, "        ")}
`;
  const { spec } = parseStack(text, "stacks/Pulumi.t.yaml", choices);
  return planFleet(spec, { stack: "t", cores: 1, architecture: "amd64", overlays: { isu1: overlay } });
}

const password = "password: { secure: v1:x }";
const shut = "params: { base: { sshd: {} } }";

test("what a team names itself is held against nothing", () => {
  const service = "{ command: [/bin/work], workingDirectory: /tmp, user: isucon }";
  const named = plan(
    `${password}\nparams: { app: { services: { work: ${service} } }, php-fpm: { extensions: [imagick] } }`,
    [],
    "[app, php-fpm]",
  );
  expect(named.servers[0]?.spec.params.app).toMatchObject({ services: { work: { command: ["/bin/work"] } } });
});

describe("a fleet that logs in by password", () => {
  test("must not shut that door behind itself", () => {
    expect(() => plan(`${password}\n${shut}`)).toThrow(
      /t: 1 problem\n {2}stacks\/Pulumi\.t\.yaml servers\.isu1\.params\.base\.sshd\.passwords: expected `true` while the fleet logs in by password/,
    );
  });

  test.each([
    ["leaves it open", `${password}\nparams: { base: { sshd: { passwords: true } } }`],
    ["has a key too", `${password}\nprivateKey: { secure: v1:y }\n${shut}`],
    ["leaves sshd alone", password],
  ])("is fine where it %s", (_what, server) => {
    expect(plan(server).servers).toHaveLength(1);
  });
});

describe("a fleet that logs in as root", () => {
  const key = "privateKey: { secure: v1:y }";
  const word = "password: { secure: v1:y }";
  const asRoot = (server: string) => plan(server, [], "[base]", "root");
  const sshd = (text: string) => `params: { base: { sshd: { ${text} } } }`;

  test.each([
    ["nobody may", key, 'rootLogin: "no"', "expected `prohibit-password` while the fleet logs in as root, got `no`"],
    [
      "a key is asked for",
      word,
      "passwords: true, rootLogin: prohibit-password",
      "expected `yes` while the fleet logs in as root by password",
    ],
    ["a key is asked for, by default", word, "passwords: true", "expected `yes` while the fleet logs in as root by password"],
  ])("must not shut that door behind itself: %s", (_what, login, text, reason) => {
    expect(() => asRoot(`${login}\n${sshd(text)}`)).toThrow(`servers.isu1.params.base.sshd.rootLogin: ${reason}`);
  });

  test.each([
    ["with its key", key, sshd("passwords: false")],
    ["by password where that is open", word, sshd('passwords: true, rootLogin: "yes"')],
    ["where sshd stays as it is", word, ""],
  ])("is fine %s", (_what, login, more) => {
    expect(asRoot(`${login}\n${more}`).servers).toHaveLength(1);
  });
});

test("an overlay file brings its folders along, which keep what they have where they are there", () => {
  const fleet = plan(password, [{ path: "/srv/shop/conf.d/a.conf", content: "a\n", mode: "0644" }]);
  const wants = expandRole(fleet, fleet.servers[0]!, "files", facts);
  expect(Object.keys(wants)).toEqual(["directory[/srv/shop]", "directory[/srv/shop/conf.d]", "file[/srv/shop/conf.d/a.conf]"]);
  expect(wants["directory[/srv/shop]"]).toMatchObject({ keep: true });
});

test("an overlay file replaces the content of a role's own, which keeps its mode and validator", () => {
  const fleet = plan(password, [{ path: "/etc/sudoers.d/zz-fleet", content: "isucon ALL=(ALL) ALL\n", mode: "0644" }]);
  const wants = expandRole(fleet, fleet.servers[0]!, "base", facts);
  expect(wants["file[/etc/sudoers.d/zz-fleet]"]).toMatchObject({
    content: "isucon ALL=(ALL) ALL\n",
    mode: "0440",
    validate: "visudo -cf %s",
  });
});
