// The preview of one stack as a person reads it at a terminal.
import { describe, expect, test } from "vitest";
import { exitCodeOf, failedPreview, type Item, refusedPreview, type StackPreview } from "../../cli/preview/model.ts";
import { text } from "../../cli/preview/text.ts";

const preview = (more: Partial<StackPreview>): StackPreview => {
  const { failure: _, ...none } = failedPreview("team-a", "", "servers");
  return { ...none, price: { perHour: 0, change: 0 }, ...more };
};
const item = (more: Partial<Item>): Item => ({
  ...{ address: "file[/etc/motd]", role: "base", operation: "update", cause: "planned", lines: [] },
  ...more,
});

test("a preview of stack files with problems alone ends as any command does there: 2", () => {
  const [right, refused, failed] = [preview({}), refusedPreview("a", "1 problem", "servers"), failedPreview("b", "no answer", "servers")];
  expect([[right], [right, refused], [refused, failed], [failed]].map(exitCodeOf)).toEqual([0, 2, 1, 1]);
});

describe("a preview at a terminal", () => {
  test("says by server and role what changes, why, and how much it is", () => {
    const isu1 = [
      item({ lines: [" content:", "@@ -1 +1 @@", "-old", "+new"] }),
      item({ address: "package[curl]", operation: "create", lines: ["+recommends: false"] }),
      item({ address: "sysctl[base]", cause: "drift", lines: ["-settings.vm.swappiness: 60", "+settings.vm.swappiness: 1"] }),
      item({ address: "file[/etc/old]", operation: "delete" }),
    ];
    const shared = [item({ address: "aws:ec2/vpc:Vpc net", operation: "create", lines: ["+cidrBlock: 10.0.0.0/16"] })].map(
      ({ role: _, ...rest }) => rest,
    );
    const all = preview({
      servers: [
        { name: "isu1", items: isu1 },
        { name: "isu2", items: [], unreachable: "isu2: no answer from `10.0.0.2:22`\nafter 3 tries" },
      ],
      shared,
      notes: ["isu1: type `c5.large` → `c5.xlarge` stops and starts the server"],
      flows: "in  22/tcp  from 0.0.0.0/0  SSH",
      counts: { create: 2, update: 3, replace: 0, delete: 1 },
      price: { perHour: 0.25, change: 0.1 },
    });
    expect(text(all)).toBe(`isu1
  ~ file[/etc/motd]  base
       content:
      @@ -1 +1 @@
      -old
      +new
  + package[curl]  base  recommends: false
  ~ sysctl[base]  base  drifted, is put right
      -settings.vm.swappiness: 60
      +settings.vm.swappiness: 1
  - file[/etc/old]  base

isu2
  not looked at, shown as the state remembers it: isu2: no answer from \`10.0.0.2:22\`
    after 3 tries

shared by all
  + aws:ec2/vpc:Vpc net

isu1: type \`c5.large\` → \`c5.xlarge\` stops and starts the server

who may reach what
  in  22/tcp  from 0.0.0.0/0  SSH

team-a: 2 to create, 3 to update, 1 to delete; 0.2500 USD an hour (+0.1000)`);
  });

  test("shows what is the same on several servers once, and what is one's own below it", () => {
    const same = item({ lines: ["-old", "+new"] });
    const host = (name: string): Item => ({
      address: `fleet:index:Host team-a-${name}`,
      operation: "create",
      cause: "planned",
      lines: [`+name: ${name}`],
    });
    const own = item({ address: "file[/etc/hostname]", lines: ["+isu2"] });
    const servers = [
      { name: "isu1", items: [host("isu1"), same] },
      { name: "isu2", items: [host("isu2"), same, own] },
      { name: "isu3", items: [host("isu3")], unreachable: "no answer" },
      { name: "isu4", items: [same] },
    ];
    expect(text(preview({ servers }))).toBe(`isu1, isu2, isu4
  ~ file[/etc/motd]  base
      -old
      +new

isu1, isu2
  + fleet:index:Host team-a-isu1, fleet:index:Host team-a-isu2

isu2
  ~ file[/etc/hostname]  base
      +isu2

isu3
  not looked at, shown from the stack file alone: no answer
  + fleet:index:Host team-a-isu3

team-a: nothing to change`);
  });

  test("says in words what stands for a value that is no eye's", () => {
    const lines = ["+content:", "+  ⟦authorized-keys:ada⟧", "+  ⟦secret|shell:params.app.environment.TOKEN⟧", "+  ⟦text:⟧x"];
    const said = text(preview({ servers: [{ name: "isu1", items: [item({ operation: "create", lines })] }] }));
    expect(said).toContain("      +  (ada's public keys)\n      +  (secret: params.app.environment.TOKEN)\n      +  ⟦x\n");
  });

  test("shows what is new whole where it has lines of its own, however few", () => {
    const lines = ["+content:", "+  one", "+mode: 0644"];
    expect(text(preview({ servers: [{ name: "isu1", items: [item({ operation: "create", lines })] }] }))).toContain(
      "  + file[/etc/motd]  base\n      +content:\n      +  one\n      +mode: 0644\n",
    );
  });

  test("lets nothing from a server steer the terminal", () => {
    const lines = ["-\u001b[2J\u009bgone\ttab", "+new"];
    expect(text(preview({ servers: [{ name: "isu1", items: [item({ lines })] }] }))).toContain("      -·[2J·gone\ttab\n      +new\n");
  });

  test("says that there is nothing to do, or why it can't say", () => {
    expect(text(preview({}))).toBe("team-a: nothing to change");
    expect(text(preview({ price: { perHour: null, change: null } }))).toBe("team-a: nothing to change; not all of it has a known price");
    expect(text(failedPreview("team-a", "stacks/Pulumi.team-a.yaml: 1 problem", "servers"))).toBe(
      "team-a: no preview\nstacks/Pulumi.team-a.yaml: 1 problem",
    );
  });

  test("a new file is its number of lines, unless all of it is wanted", () => {
    const lines = Array.from({ length: 9 }, (_, index) => `+  line ${index}`);
    const shown = preview({ servers: [{ name: "isu1", items: [item({ operation: "create", lines }), item({ lines })] }] });
    expect(text(shown, { full: false })).toMatch(/^isu1\n {2}\+ \S+ {2}\S+ {2}new, 9 lines \(--full\)\n {2}~ \S+.*\n {6}\+ {2}line 0\n/);
    expect(text(shown).match(/line 8/g)).toHaveLength(2);
  });
});
