// One look: every resource of a role says what it wants to know, one script answers it all. What is asked twice is looked at once.
// The script costs a handful of processes on the host however many resources there are (one stat, one cat, one dpkg-query, one systemctl).
import { randomBytes } from "node:crypto";
import { missing } from "../resources/kind.ts";
import {
  type Answers,
  type CommandSeen,
  contentLimit,
  type KernelSeen,
  kernelIn,
  kernelMark,
  missingPath,
  type PathSeen,
  parseAnswers,
  rowsOf,
  type SysctlSeen,
  text,
  type UnitSeen,
  type UserSeen,
  userIn,
} from "./probe-results.ts";
import { type Command, quote } from "./shell-quote.ts";

export {
  type CommandSeen,
  contentLimit,
  halfDone,
  type KernelSeen,
  LookMoved,
  missingPath,
  type PathSeen,
  type SysctlSeen,
  type UnitSeen,
  type UserSeen,
} from "./probe-results.ts";

type Answer<T> = () => T;

/** In place of a version: no package of this name is installed, but one that provides it. */
export const provided = "(provided)";

/** Collects questions, makes the script, and reads its answers. Use it once. */
export class Look {
  readonly #paths = new Set<string>();
  readonly #contents = new Set<string>();
  readonly #whole = new Set<string>();
  readonly #sums = new Set<string>();
  readonly #packages = new Set<string>();
  readonly #rpms = new Set<string>();
  readonly #units = new Set<string>();
  readonly #sysctls = new Set<string>();
  readonly #commands = new Map<string, Command>();
  #kernel = false;
  readonly #nonce = `@${randomBytes(9).toString("base64url")}`;
  #answers: Answers | undefined;

  /** @param content `whole`: however large it is */
  path(path: string, { content = false }: { content?: boolean | "whole" } = {}): Answer<PathSeen> {
    this.#paths.add(path);
    if (content) this.#contents.add(path);
    if (content === "whole") this.#whole.add(path);
    return () => this.#told.paths.get(path) ?? missingPath;
  }

  /** Hex, or `missing`. For files that may be larger than `contentLimit`. */
  sha256(path: string): Answer<string> {
    this.#sums.add(path);
    return () => this.#told.sums.get(path) ?? missing;
  }

  /**
   * The installed version, with `halfDone` where dpkg did not end; or `missing` (also for one removed with its configuration kept).
   * @param manager without it, apt's
   */
  package(name: string, manager?: "dnf"): Answer<string> {
    (manager === "dnf" ? this.#rpms : this.#packages).add(name);
    return () => this.#told.packages.get(name) ?? missing;
  }

  unit(name: string): Answer<UnitSeen> {
    this.#units.add(name);
    return () => this.#told.units.get(name) ?? { load: "not-found", active: "inactive", enabled: "", needsReload: false };
  }

  sysctl(key: string): Answer<SysctlSeen> {
    this.#sysctls.add(key);
    return () => this.#told.sysctls.get(key) ?? { value: missing, writable: false };
  }

  user(name: string): Answer<UserSeen | undefined> {
    const [passwd, group, shadow] = ["/etc/passwd", "/etc/group", "/etc/shadow"].map((file) => this.path(file, { content: true }));
    return () => userIn(name, text(passwd!()), text(group!()), text(shadow!()));
  }

  group(name: string): Answer<{ readonly gid: number; readonly members: readonly string[] } | undefined> {
    const group = this.path("/etc/group", { content: true });
    return () => {
      const row = rowsOf(text(group())).find(([each]) => each === name);
      return row && { gid: Number(row[2]), members: (row[3] ?? "").split(",").filter(Boolean) };
    };
  }

  /** What the kernel says of the computer: read with the contents, at no process of its own. */
  kernel(): Answer<KernelSeen> {
    this.#kernel = true;
    return () => this.#told.kernel;
  }

  /** Costs a process or more each: only for what none of the others tells. Must not change the host. */
  command(command: Command): Answer<CommandSeen> {
    this.#commands.set(command.text, command);
    return () => {
      const seen = this.#told.commands.get(command.text);
      if (!seen) throw new Error(`the look gave no answer to \`${command.masked}\``);
      return seen;
    };
  }

  get #told(): Answers {
    if (!this.#answers) throw new Error("the look was read before the host answered");
    return this.#answers;
  }

  script(): Command {
    const text = [
      "LC_ALL=C; export LC_ALL",
      ...pathScript(this.#nonce, [...this.#paths], [...this.#contents], [...this.#whole]),
      ...section(this.#nonce, "sums", this.#sums, (all) => `sha256sum -- ${all} 2>/dev/null`),
      ...section(
        this.#nonce,
        "packages",
        this.#packages,
        (all) =>
          `seen=$(dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}|\${Version}\\n' -- ${all} 2>/dev/null)
seen="$?
$seen"
printf '%s\\n' "$seen"
case $seen in [!0]*|*"
un "*)
${providedScript([...this.#packages])} ;;
esac`,
      ),
      ...section(this.#nonce, "rpms", this.#rpms, rpmScript),
      ...section(
        this.#nonce,
        "units",
        this.#units,
        (all) => `systemctl show -p Id,Names,LoadState,ActiveState,UnitFileState,NeedDaemonReload,Result,NRestarts -- ${all}`,
      ),
      ...section(this.#nonce, "sysctls", [...this.#sysctls].map(sysctlPath), sysctlScript),
      ...[...this.#commands.values()].flatMap(({ text }, index) => [
        `printf '%s command ${index}\\n' ${this.#nonce}`,
        `( ${text}\n) </dev/null 2>/dev/null; printf '\\n%s code %s\\n' ${this.#nonce} "$?"`,
      ]),
      `printf '%s contents\\n' ${this.#nonce}`,
      this.#kernel ? kernelScript(this.#nonce) : '[ "$#" = 0 ] || cat -- "$@"',
      "exit 0",
    ].join("\n");
    return { text, masked: "look" };
  }

  /** Instead of a host's answer, for one that nobody has looked at: nothing is there, no guard holds, every kernel setting can be made. */
  assumeBlank(): void {
    const [commands, sysctls] = [[...this.#commands.keys()], [...this.#sysctls]];
    this.#answers = {
      ...{ paths: new Map(), sums: new Map(), packages: new Map(), units: new Map() },
      sysctls: new Map(sysctls.map((key) => [key, { value: "unknown", writable: true }])),
      commands: new Map(commands.map((command) => [command, { code: 1, stdout: "" }])),
      kernel: kernelIn(""),
    };
  }

  /** Takes the script's standard output; after it the answers may be read. */
  hear(stdout: Buffer): void {
    this.#answers = parseAnswers(stdout, this.#nonce, { contents: this.#contents, whole: this.#whole, kernel: this.#kernel }, [
      ...this.#commands.keys(),
    ]);
  }
}

/** Only where a name is that of no installed package: one that another provides (`libz-dev`) is there too. */
const providedScript = (names: readonly string[]): string =>
  `awk -v wanted=${quote(` ${names.join(" ")} `)} 'BEGIN { RS = "" }
/\\nStatus: [a-z]+ ok installed/ && match($0, /\\nProvides: [^\\n]*/) {
  count = split(substr($0, RSTART + 11, RLENGTH - 11), each, /, */)
  for (at = 1; at <= count; at++) { split(each[at], word, " "); if (index(wanted, " " word[1] " ")) print "ii |" word[1] "|${provided}" }
}' /var/lib/dpkg/status 2>/dev/null`;

/** In dpkg's form: of a name that no package has, rpm says so in a sentence, and then who provides it is asked. */
const rpmScript = (all: string): string =>
  `for name in ${all}; do
  rpm -q --qf 'ii |%{NAME}|%{EVR}\\n' -- "$name" 2>/dev/null | grep '^ii ' || ! rpm -q --whatprovides -- "$name" >/dev/null 2>&1 || printf 'ii |%s|${provided}\\n' "$name"
done`;

const sysctlPath = (key: string): string => `/proc/sys/${key.replaceAll(".", "/")}`;

function section(nonce: string, name: string, wanted: Iterable<string>, command: (all: string) => string): string[] {
  const all = [...wanted].map(quote).join(" ");
  return all ? [`printf '%s ${name}\\n' ${nonce}`, command(all)] : [];
}

/** Not the built-in `read`: dash reads a byte at a time, and the kernel gives a number's first byte alone to such a reader. */
const sysctlScript = (all: string): string =>
  `for key in ${all}; do if [ -w "$key" ]; then printf '%s\\n' "$key"; fi; done\ngrep -sH -m 1 '' -- ${all}`;

/** Files whose size the file system does not know: behind a mark. Not the built-in `read` here either: a process costs less than its many small reads. */
const kernelScript = (nonce: string): string =>
  `cat -- "$@" - /proc/meminfo /proc/self/status <<FLEET_KERNEL\n${kernelMark(nonce)}FLEET_KERNEL`;

/**
 * Leaves the files whose contents follow at the end as the positional parameters. What stat said is taken apart word by word, since `read` in
 * dash is a system call a byte.
 */
function pathScript(nonce: string, paths: readonly string[], contents: readonly string[], whole: readonly string[]): string[] {
  const unique = [...new Set(paths)].map(quote).join(" ");
  if (!unique) return ["set --"];
  return [
    `seen=$(QUOTING_STYLE=c stat -c '%F|%s|%n|%a|%U|%G|%u|%g|%N' -- ${unique} 2>/dev/null)`,
    `printf '%s paths\\n%s\\n' ${nonce} "$seen"`,
    "set -f --",
    `wanted=${quote(`|${contents.join("|")}|`)} whole=${quote(`|${whole.join("|")}|`)}`,
    "IFS='\n'",
    "for line in $seen; do",
    "  case $line in 'regular file|'*) ;; *) continue ;; esac",
    "  line=${line#*|}; size=${line%%|*}; line=${line#*|}; name=${line%%|*}",
    `  case $wanted in *"|$name|"*) ;; *) continue ;; esac`,
    `  if [ "$size" -gt ${contentLimit} ]; then case $whole in *"|$name|"*) ;; *) continue ;; esac; fi`,
    `  set -- "$@" "$name"`,
    "done",
    "unset IFS",
    "set +f",
  ];
}
