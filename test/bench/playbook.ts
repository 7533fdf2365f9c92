// The workload in Ansible's words. A play in JSON is a play in YAML. One task a kind with a loop over its items, as people write it.

export type Sourced =
  | { readonly kind: "user"; readonly name: string; readonly comment: string }
  | { readonly kind: "directory"; readonly path: string; readonly mode: string; readonly owner: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: string;
      readonly owner: string;
      readonly source: string;
      readonly template: boolean;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "package"; readonly name: string }
  | { readonly kind: "check"; readonly name: string; readonly command: string };

const owned = { owner: "{{ item.owner }}", group: "{{ item.owner }}", mode: "{{ item.mode }}" };

export function playbook(items: readonly Sourced[]): object {
  const of = (kind: Sourced["kind"]) => items.filter((item) => item.kind === kind);
  const files = items.filter((item) => item.kind === "file");
  const each = (name: string, module: string, args: object, loop: readonly object[]) => ({ name, [module]: args, loop });
  const user = { name: "{{ item.name }}", comment: "{{ item.comment }}", shell: "/bin/bash", create_home: true };
  const send = { src: "{{ item.source }}", dest: "{{ item.path }}", ...owned };
  const tasks = [
    each("users", "ansible.builtin.user", user, of("user")),
    // One module call, as its manual advises: the kindest form.
    { name: "packages", "ansible.builtin.apt": { name: of("package").map((item) => "name" in item && item.name), state: "present" } },
    each("directories", "ansible.builtin.file", { path: "{{ item.path }}", state: "directory", ...owned }, of("directory")),
    each(
      "files",
      "ansible.builtin.copy",
      send,
      files.filter(({ template }) => !template),
    ),
    each(
      "templates",
      "ansible.builtin.template",
      send,
      files.filter(({ template }) => template),
    ),
    each("links", "ansible.builtin.file", { src: "{{ item.target }}", dest: "{{ item.path }}", state: "link" }, of("link")),
    { ...each("checks", "ansible.builtin.shell", { cmd: "{{ item.command }}" }, of("check")), changed_when: false },
  ];
  return [{ hosts: "all", gather_facts: false, tasks }];
}
