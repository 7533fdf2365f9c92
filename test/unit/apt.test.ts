// What packages.sh remembers around an install, for real under sh: dpkg-query is a stand-in that prints a file.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { apt as manager, refused } from "../../provisioners/resources/managers.ts";

const functions = manager.functions.text;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleet-apt-"));
  for (const folder of ["bin", "state", "state/originals", "etc", "etc/app", "var", "var/lib", "var/log"]) mkdirSync(join(root, folder));
  for (const file of ["passwd", "group"]) writeFileSync(join(root, "etc", file), "root:x:0:0::/root:/bin/sh\n");
  const stub = { "dpkg-query": `cat ${root}/packages`, "apt-get": `rm -rf ${root}/etc/app`, dpkg: "exit 1", "apt-mark": ":" };
  for (const [name, text] of Object.entries(stub)) writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const packages = (...rows: readonly string[]): void => writeFileSync(join(root, "packages"), rows.map((row) => `${row}\n`).join(""));

function run(body: string): string {
  const text = `set -eu\nstate=${root}/state\ntell() { echo "@$*"; }\n${functions.replaceAll("/etc", `${root}/etc`).replace("/var/lib /var/log /var/spool /srv /opt", `${root}/var/lib ${root}/var/log`)}\n${body}`;
  const env = { PATH: `${root}/bin:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input: text, encoding: "utf8", env });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("a package that an install replaced by a newer one is named when the last of what came goes, with the version that it had first", () => {
  packages("ii |libx 1.0", "ii |other 5");
  run("fleet_etc_before");
  packages("ii |appx 1", "ii |libx 2.0", "ii |other 5");
  run("fleet_etc_after\nfleet_etc_before");
  packages("ii |appx 1", "ii |libx 3.0", "ii |other 5");
  expect(run("fleet_etc_after\nfleet_tell_upgraded")).toMatch(
    /^@note libx was 1\.0, is 3\.0 .*`apt-get install --allow-downgrades libx=1\.0`.*\n$/,
  );
  packages("ii |libx 1.0", "ii |other 5");
  expect(run("fleet_tell_upgraded")).toBe("");
});

test("what stood in /etc before a package came outlives its purge, and what came with it does not", () => {
  packages("ii |other 5");
  writeFileSync(join(root, "etc/app/theirs.conf"), "theirs\n", { mode: 0o640 });
  run("fleet_etc_before");
  writeFileSync(join(root, "etc/app/app.conf"), "ours\n");
  run("fleet_etc_after");
  writeFileSync(join(root, "etc/app/later.conf"), "theirs too\n");
  run("fleet_etc_before");
  run("fleet_purge_beside app");
  const list = spawnSync("find", [join(root, "etc"), "-type", "f", "-printf", "%P %m\n"], { encoding: "utf8" }).stdout;
  expect(
    list
      .split("\n")
      .filter((line) => line.startsWith("app/"))
      .sort(),
  ).toEqual(["app/later.conf 644", "app/theirs.conf 640"]);
});

test("what can not be had stops nothing else, and is told by its own step with apt's words; so is a package of somebody's that never ends", () => {
  packages("ii =1|app", "iF =1|theirs");
  const query = `case $* in *'\${Version}'' '*) ;; *' app') echo 'ii =1' ;; *' held'|*' typo'|*' virtual') [ -e ${root}/has-"\${3##* }" ] && echo 'ii =2' || exit 1 ;; *) cat ${root}/packages ;; esac`;
  writeFileSync(join(root, "bin/dpkg-query"), `#!/bin/sh\n${query}\n`, { mode: 0o755 });
  writeFileSync(join(root, "bin/apt-mark"), `#!/bin/sh\nif [ "$*" = "showhold held" ]; then echo held; fi\n`, { mode: 0o755 });
  writeFileSync(join(root, "bin/apt-cache"), "#!/bin/sh\n", { mode: 0o755 });
  const apt = `fleet_apt() { while [ "$1" != -- ]; do shift; done; shift; echo "apt $*"; case $* in *held*) echo 'E: held'; return 100 ;; *typo*) echo 'E: no typo'; return 100 ;; esac; }
fleet_providers() { [ "$1" != virtual ] || echo real; }
fleet_repair() { return 1; }`;
  const install = (...specs: string[]) => run(`${apt}\nfleet_install lean ${specs.join(" ")} || echo "code $?"`);
  const after = (spec: string) => spawnSync("sh", ["-s"], { input: `state=${root}/state\n${refused(spec).text}`, encoding: "utf8" });
  expect(install("app", "held", "typo", "virtual")).not.toContain("code");
  expect(after("held")).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^apt held\nE: held\nsomebody holds held .*`apt-mark unhold held`/),
  });
  expect(after("typo")).toMatchObject({ status: 1, stdout: "apt typo\nE: no typo\n" });
  expect(after("virtual")).toMatchObject({ status: 0, stdout: "" });
  expect(install("held", "app")).toMatch(/somebody holds held .*\ncode 100\n$/);
});

test("where no lists can be had, the install itself says what is not known, and nobody who came along counts as done", () => {
  packages("ii =1|other");
  for (const name of ["apt-cache", "apt-get"])
    writeFileSync(join(root, `bin/${name}`), `#!/bin/sh\necho "E: $*"; exit 100\n`, { mode: 0o755 });
  const query = `case $* in *' appx' | *' libx') exit 1 ;; *) cat ${root}/packages ;; esac`;
  writeFileSync(join(root, "bin/dpkg-query"), `#!/bin/sh\n${query}\n`, { mode: 0o755 });
  const lone = `(set -e\nfleet_repair() { :; }\nfleet_install lean appx libx\n)\necho "code $?"`;
  expect(run(`set +e\n${lone}`)).toMatch(/E: .* install .* appx\ncode 100\n$/);
  const after = spawnSync("sh", ["-s"], { input: `state=${root}/state\n${refused("libx").text}`, encoding: "utf8" });
  expect(after).toMatchObject({ status: 1, stdout: expect.stringMatching(/^E: .* install .* libx\n$/) });
});

test("an apt that was killed behind its packages leaves no triggers owed; what came to its end is not looked at again", () => {
  const repair = "fleet_repair() { code=0; echo repaired; }";
  expect(run(`${repair}\nfleet_apt() { return 137; }\nfleet_bring lean app || echo "code $?"`)).toBe("repaired\ncode 137\n");
  expect(run(`${repair}\nfleet_apt() { :; }\nfleet_bring lean app`)).toBe("");
});

test("a unit that a purge leaves running, and nothing knows any more, is stopped; one that was so before is not", () => {
  const units = join(root, "units");
  const list = (...lines: string[]) => writeFileSync(units, lines.map((line) => `${line}\n`).join(""));
  packages("ii |app 1");
  list("old.service not-found active running old.service");
  const systemctl = `case $1 in list-units) cat ${units} ;; *) echo "$*" ;; esac`;
  writeFileSync(join(root, "bin/systemctl"), `#!/bin/sh\n${systemctl}\n`, { mode: 0o755 });
  const after = ["app.service not-found active running app.service", "app.timer not-found failed failed app.timer"];
  const others = ["db.service loaded active running db", "gone.service not-found inactive dead gone.service"];
  const add = [...after, ...others].map((line) => `echo '${line}' >> ${units}`).join("\n");
  expect(run(`fleet_etc_before\nfleet_apt() {\n${add}\n}\nfleet_purge_beside app`)).toBe(
    ["stop -- app.service", "reset-failed -- app.service", "stop -- app.timer", "reset-failed -- app.timer", ""].join("\n"),
  );
});

test("what packages made and a purge leaves is named, and nothing that others made", () => {
  packages("ii |other 5");
  run("fleet_etc_before");
  packages("ii |appx 1", "ii |other 5");
  for (const file of ["passwd", "group"]) writeFileSync(join(root, "etc", file), "root:x:0:\nappx:x:104:\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nappx:x:104:\nssl:x:105:\n");
  for (const made of ["var/lib/appx", "var/lib/purged"]) mkdirSync(join(root, made));
  writeFileSync(join(root, "etc/aliases"), "");
  run("fleet_etc_after");
  mkdirSync(join(root, "var/lib/theirs"));
  rmSync(join(root, "var/lib/purged"), { recursive: true });
  writeFileSync(join(root, "bin/dpkg-query"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const path = (name: string) => `${root}/${name} (rm -r)`;
  expect(run("fleet_tell_made")).toBe(
    `@note packages made what stays after their purge: appx (account), ssl (group), ${path("etc/aliases")}, ${path("var/lib/appx")}\n`,
  );
  for (const file of ["passwd", "group"]) writeFileSync(join(root, "etc", file), "root:x:0:\n");
  for (const gone of ["etc/aliases", "var/lib/appx"]) rmSync(join(root, gone), { recursive: true });
  expect(run("fleet_tell_made")).toBe("");
});

test("alternatives that came with a package, and lead nowhere after its purge, go; those that lead somewhere, and others', stay", () => {
  packages("ii |other 5");
  mkdirSync(join(root, "etc/alternatives"));
  const at = (name: string) => join(root, "etc/alternatives", name);
  symlinkSync(`${root}/gone`, at("theirs"));
  run("fleet_etc_before");
  symlinkSync(`${root}/fleet.sock`, at("app.sock"));
  symlinkSync(`${root}/packages`, at("tool"));
  run("fleet_etc_after");
  const query = `case $* in
  '--query app.sock') printf 'Name: app.sock\nValue: ${root}/fleet.sock\n'; echo 'removing from list' >&2 ;;
  '--query tool') printf 'Name: tool\nValue: ${root}/packages\n\nAlternative: ${root}/packages\nPriority: 1\n' ;;
  '--quiet --remove app.sock ${root}/fleet.sock') rm ${at("app.sock")} ;;
  *) echo "$*"; exit 2 ;;
esac`;
  writeFileSync(join(root, "bin/update-alternatives"), `#!/bin/sh\n${query}\n`, { mode: 0o755 });
  writeFileSync(join(root, "bin/dpkg-query"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  expect(run("fleet_tell_made")).toBe(`@note packages made what stays after their purge: ${at("tool")} (rm -r)\n`);
  expect(readdirSync(join(root, "etc/alternatives")).sort()).toEqual(["theirs", "tool"]);
});

const removed = 'fleet_apt() { echo apt "$@"; }\nfleet_repair() { :; }\nfleet_purge appx';
const originals = (name: string, ...lines: readonly string[]): void =>
  writeFileSync(join(root, "state/originals", name), lines.map((line) => `${line}\n`).join(""));

test("a removal that was cut short ends in the next one, though apt has forgotten what came along", () => {
  packages("pi |libx", "ii |liby");
  originals("packages.added", "appx", "libx", "liby");
  originals("packages.added.going", "appx", "libx");
  expect(run(removed)).toBe("apt purge --allow-change-held-packages -- libx\n");
});

test("what an install that was cut short brought along is marked so, and what was named is not", () => {
  packages("ii |appx", "ii |libx", "ii |other");
  originals("packages.before", "other");
  writeFileSync(join(root, "bin/apt-mark"), `#!/bin/sh\necho "$@" >> ${root}/marks\n`, { mode: 0o755 });
  run("fleet_providers() { :; }\nfleet_settle appx=1.0");
  expect(readFileSync(join(root, "marks"), "utf8")).toBe("-q auto libx\n");
});
