// A stack file that calls things otherwise than the state knows them is told so, unless it says what they were called.
import { describe, expect, test } from "vitest";
import { planFleet } from "../../provisioners/expand.ts";
import { type Known, renamesIn } from "../../provisioners/renames.ts";
import { choices } from "../../provisioners/stack.ts";
import { knownIn } from "../../pulumi/known-names.ts";
import { pathText } from "../../spec/path.ts";
import { parseStack } from "../../spec/read.ts";

const secret = '{ secure: "v1:x" }';
const lent = (address: string, more = "") => `{ roles: [base], address: ${address}, user: isucon, password: ${secret}${more} }`;
const made = "{ roles: [memcached] }";

function problems(known: Known, fleet: readonly string[], servers: readonly string[]): readonly string[] {
  const lines = [...fleet, "servers:", ...servers.map((line) => `  ${line}`)].map((line) => `    ${line}\n`).join("");
  const { spec } = parseStack(`config:\n  contest-fleet:fleet:\n${lines}`, "stacks/Pulumi.x.yaml", choices);
  const plan = planFleet(spec, { stack: "x", cores: 2, architecture: "amd64", overlays: {} });
  return renamesIn(plan, known).map(({ path, reason }) => `${pathText(path)}: ${reason}`);
}

const core: Known = { teams: ["core"], servers: [{ name: "isu1", place: "203.0.113.11 22" }] };
const inventory = ["team: core", "target: inventory"];

describe("the team", () => {
  const renamed = ["team: kernel", "target: inventory"];

  test("of a stack that was never up may be called anything", () => {
    expect(problems({ teams: [], servers: [] }, renamed, [`isu1: ${lent("203.0.113.11")}`])).toEqual([]);
  });

  test("renamed is refused, with what to type; with its former name it is followed", () => {
    expect(problems(core, renamed, [`isu1: ${lent("203.0.113.11")}`])).toEqual([
      "team: expected `core`, by whose name what is up was made, got `kernel`; write `was: core` beside it to keep what is up, or, to begin anew, `./fleet down x` first",
    ]);
    expect(problems(core, [...renamed, "was: core"], [`isu1: ${lent("203.0.113.11")}`])).toEqual([]);
    expect(problems(core, [...renamed, "was: other"], [`isu1: ${lent("203.0.113.11")}`])).toHaveLength(1);
  });

  test("that an older version renamed half-way is two teams with one server: neither may be undone", () => {
    const both = { ...core, teams: ["core", "kernel"] };
    for (const fleet of [inventory, renamed, [...renamed, "was: core"]])
      expect(problems(both, fleet, [`isu1: ${lent("203.0.113.11")}`])).toEqual([
        expect.stringMatching(
          /^team: expected one team in the state of x, got `core`, `kernel`, .* pulumi state delete --target-dependents -s x 'urn:/,
        ),
      ]);
  });
});

describe("a server that was handed out", () => {
  test("is known by its place: another name there is refused, its former name followed", () => {
    expect(problems(core, inventory, [`web1: ${lent("203.0.113.11")}`])).toEqual([
      "servers.web1: expected `isu1`, by whose name the server at `203.0.113.11` was made, got `web1`; write `was: isu1` in it to keep what is there, or, to begin anew, `./fleet down x` first",
    ]);
    expect(problems(core, inventory, [`web1: ${lent("203.0.113.11", ", was: isu1")}`])).toEqual([]);
  });

  test("may leave, may move, and others may come", () => {
    expect(problems(core, inventory, [`isu2: ${lent("203.0.113.12")}`])).toEqual([]);
    expect(problems(core, inventory, [`isu1: ${lent("203.0.113.99")}`])).toEqual([]);
    expect(problems(core, inventory, [`isu2: ${lent("203.0.113.11", ", port: 2222")}`])).toEqual([]);
  });

  test("behind a jump host is not the one that has this address elsewhere", () => {
    const behind = `{ address: 198.51.100.1, user: x, password: ${secret} }`;
    expect(problems(core, inventory, [`isu2: ${lent("203.0.113.11", `, jump: ${behind}`)}`])).toEqual([]);
  });

  test("can't swap its name with another's", () => {
    const two = { ...core, servers: [...core.servers, { name: "isu2", place: "203.0.113.12 22" }] };
    const swapped = [`isu1: ${lent("203.0.113.12")}`, `isu2: ${lent("203.0.113.11")}`];
    expect(problems(two, inventory, swapped)).toEqual([
      expect.stringMatching(/^servers\.isu1: .* which is another one there; give it a name that is new to the stack$/),
      expect.stringMatching(/^servers\.isu2: /),
    ]);
  });
});

describe("a machine", () => {
  const known = { teams: ["core"], servers: [{ name: "isu1" }, { name: "isu2" }] };
  const practice = ["team: core", "target: practice"];

  test("may go or come, but not in one step: that is what a rename looks like", () => {
    expect(problems(known, practice, [`isu1: ${made}`])).toEqual([]);
    expect(problems(known, practice, [`isu1: ${made}`, `isu2: ${made}`, `isu3: ${made}`])).toEqual([]);
    expect(problems(known, practice, [`isu1: ${made}`, `web2: ${made}`])).toEqual([
      "servers.web2: expected `isu2` too, got `web2` in its place; a machine keeps its name: call it so, or, to destroy it, leave it out, `./fleet up x`, and add `web2` afterwards",
    ]);
  });

  test("stays where only its team is called otherwise", () => {
    expect(problems(known, ["team: seed", "target: practice"], [`isu1: ${made}`, `isu2: ${made}`])).toHaveLength(1);
    expect(problems(known, ["team: seed", "was: core", "target: practice"], [`isu1: ${made}`, `isu2: ${made}`])).toEqual([]);
  });
});

describe("what a state knows", () => {
  const urn = (type: string, name: string) => `urn:pulumi:x::contest-fleet::${type}::${name}`;
  const team = { urn: urn("fleet:index:TeamFleet", "core"), type: "fleet:index:TeamFleet" };
  const below = (type: string, name: string, inputs: object) => {
    const token = `fleet:index:${type}`;
    return { urn: urn(`fleet:index:TeamFleet$${token}`, name), type: token, inputs: inputs as Readonly<Record<string, unknown>> };
  };

  test("of lent servers is where they are; of machines their names; what is on its way out is nobody", () => {
    const connection = { address: "203.0.113.11", port: 22, user: "isucon", password: { ciphertext: "v1:x" } };
    const known = knownIn([
      team,
      { ...team, urn: urn("fleet:index:TeamFleet", "gone"), delete: true },
      below("HostKey", "core-isu1-host-key", { name: "isu1", address: "203.0.113.11", port: 22 }),
      below("Host", "core-isu1", { name: "isu1", connection }),
      below("Machine", "core-isu2-machine", { name: "isu2", address: "10.64.0.12" }),
      below("TeamKeys", "core-keys", { members: [] }),
    ]);
    expect(known).toEqual({
      teams: ["core"],
      servers: [
        { name: "isu1", place: "203.0.113.11 22" },
        { name: "isu2", place: undefined },
      ],
    });
  });
});
