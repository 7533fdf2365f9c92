// What is done to a server beside its roles (a measured run, a drain) is remembered on the server too: the way back as shell text, which
// `down` runs whatever any state knows of it.
import type { Address } from "../resources/kind.ts";
import type { ApplyOptions } from "./apply.ts";
import type { Question } from "./ask.ts";
import { memoryDirectory, storeKey } from "./prelude.ts";
import type { Result } from "./report.ts";
import type { Shell } from "./shell.ts";
import { type Command, lines, raw, sh, withInput } from "./shell-quote.ts";

/** Root's alone: a file each, and beside it whatever it needs (`NAME.kept`). Its first line says who left what it takes back. */
const folder = `${memoryDirectory}/.undo`;

export interface WayBack {
  /** Of one operation, or of one thing that it changed: `bench`, `drain-3f9c0a1b2c3d4e5f`. */
  readonly name: string;
  /** `fleet bench` */
  readonly title: string;
}

/** Of one thing among several. */
export const wayBackOf = (operation: string, thing: string): string => `${operation}-${storeKey(`${operation}[${thing}]`)}`;

/** Itself, and what belongs beside it. */
export const wayBackFile = (name: string, suffix?: string): string => `${folder}/${name}${suffix === undefined ? "" : `.${suffix}`}`;

/**
 * Before the change that it takes back. `text` runs as root under `sh -e`, must bear to run twice, and holds no secret. What it prints is told. `first`: one
 * that is there stays, since it knows what was there before.
 */
export function keepWayBack({ name, title }: WayBack, text: string, { first = false } = {}): Command {
  const file = `${folder}/${name}`;
  const write = withInput(
    sh`( umask 077 && mkdir -p -- ${folder} && cat > ${`${file}.new`} ) && sync -- ${`${file}.new`} && mv -fT -- ${`${file}.new`} ${file} || exit 4`,
    `# ${title}\n${text}\n`,
  );
  return first ? lines([sh`if [ ! -e ${file} ]; then`, write, sh`fi`]) : write;
}

/** After what it takes back is gone. */
export const dropWayBack = (name: string): Command => sh`rm -f -- ${`${folder}/${name}`} ${`${folder}/${name}`}.*
rmdir -- ${folder} ${memoryDirectory} 2>/dev/null || :`;

export const waysBackOn: Question<readonly WayBack[]> = (look) => {
  const answer = look.command(
    raw(`cd ${folder} && for each in $(ls -tr); do
  case $each in *.*) continue ;; esac
  if [ -f "$each" ] && IFS= read -r title < "$each"; then printf '%s %s\\n' "$each" "$title"; fi
done`),
  );
  return () =>
    answer()
      .stdout.split("\n")
      .flatMap((line) => {
        const [, name, title] = /^(\S+) # (.*)$/.exec(line) ?? [];
        return name !== undefined && title !== undefined ? [{ name, title }] : [];
      });
};

/**
 * The last one that came first. One that fails stops nothing, and stays. `given`: paths that go back to what they were anyway, as
 * `$fleet_given` in the text. Throws HostError.
 */
export async function takeBack(
  shell: Shell,
  ways: readonly WayBack[],
  given: readonly string[],
  { onProgress, ...run }: ApplyOptions = {},
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, title } of ways.toReversed()) {
    const [file, change] = [`${folder}/${name}`, "take back what it left"];
    const of = { address: `operation[${title}]` satisfies Address, changes: [change] };
    onProgress?.(of.address, change);
    const { code, stdout } = await shell.run(
      sh`fleet_given=${given.join("\n")}\nexport fleet_given\nsh -e -- ${file} 2>&1 </dev/null || exit $?\nrm -f -- ${file} ${file}.*`,
      run,
    );
    const said = stdout.toString("utf8").split("\n").filter(Boolean);
    const told = said.length > 0 ? { said } : {};
    results.push(
      code === 0
        ? { ...of, outcome: "changed", ...told }
        : { ...of, outcome: "failed", reason: [`\`${change}\` ended with exit code ${code}`, ...said].join("\n") },
    );
  }
  return results;
}
