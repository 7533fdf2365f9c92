// A guarded command: it runs where its guard says that it has not. The last resort, for what no other kind does.
import { z } from "zod";
import { AbsolutePath, EnvName, UserName } from "../../spec/scalars.ts";
import { asUser } from "../engine/as-user.ts";
import { type Command, lines, Secret, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, type Kept, missing, type Step } from "./kind.ts";

const ShellText = z.string().min(1).max(65536);

export const CommandWant = z
  .strictObject({
    ...common,
    name: z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,99}$/, { error: "expected a name such as `initial-data`" }),
    /** Shell text, under `sh -e` with empty standard input. It shows in the process list: a secret belongs into `environment`. */
    run: ShellText,
    /** A path: where it is, the command has run. */
    creates: AbsolutePath.optional(),
    /** Shell text that changes nothing: where it succeeds, the command need not run. */
    unless: ShellText.optional(),
    /** For `run` and `unless`. Its values are shown nowhere, and the server does not remember them: `undo` has none of them. */
    environment: z.record(EnvName, z.string()).optional(),
    user: UserName.default("root"),
    /** The working directory. @default the user's home */
    directory: AbsolutePath.optional(),
    /** Seconds for `run` and `undo`, after which it is ended. `unless` has at most 10. @default 600 */
    timeout: z.int().min(1).max(86400).default(600),
    /**
     * After a change of what it stands on (`after`) in this run its guard is asked anew, and where that change is rolled back it runs again: an
     * application is built from another commit, and from the one that ran. @default false
     */
    again: z.boolean().optional(),
    /** Shell text that takes back what `run` did. Without it the command can't be undone. */
    undo: ShellText.optional(),
    /** `undo` is right whatever was there: it runs also where the guard held at first, and a later want of this name ran. @default false */
    undoAlways: z.boolean().optional(),
  })
  .refine(({ creates, unless }) => (creates === undefined) !== (unless === undefined), {
    error: "expected either `creates` or `unless`, so that the command runs only where it must",
  });
export type CommandWant = z.infer<typeof CommandWant>;

export interface CommandHave {
  readonly done: boolean;
}

type Remembered = Kept<CommandWant, "environment">;

/** `timeout` ends what the text started too, first asking, ten seconds later not. */
function inPlace(want: Remembered & Pick<Partial<CommandWant>, "environment">, text: string, seconds: number): Command {
  const { environment = {}, user, directory } = want;
  const set = Object.entries(environment).map(([name, value]) => sh`export ${name}=${new Secret(value)}`);
  const script = `cd -- "$1"\nexec timeout --verbose --kill-after=10 "$2" sh -ec "$3"`;
  const run = asUser(user, directory === undefined ? script.replace('"$1"', '"$HOME"') : script, [directory ?? "", seconds, text]);
  return lines([sh`(`, ...set, run, sh`)`]);
}

function guard(want: Remembered & Pick<Partial<CommandWant>, "environment">): Command {
  return want.creates !== undefined ? sh`[ -e ${want.creates} ]` : inPlace(want, want.unless ?? "false", Math.min(want.timeout, 10));
}

const oneLine = (text: string): string => (text.length > 80 || text.includes("\n") ? `${text.split("\n")[0]?.slice(0, 76)} …` : text);

/** The guard must say so afterwards, or the command would run at every converge. */
function runStep(want: CommandWant): Step {
  const expected =
    want.creates !== undefined ? `it ran, but \`${want.creates}\` is still not there` : "it ran, but its `unless` still fails";
  const check = sh`if ! ${guard(want)}; then printf '%s\n' ${expected}; exit 1; fi`;
  const work = inPlace(want, want.run, want.timeout);
  const keep = want.again ? [withInput(sh`fleet_keep_by ${want.name}`, `${work.text}\n`)] : [];
  const once = want.again ? sh`if ${guard(want)}; then exit 0; fi` : sh``;
  return { change: `run \`${oneLine(want.run)}\``, property: "run", run: lines([once, ...keep, work, check]) };
}

export const command = defineKind<CommandWant, CommandHave, "environment">({
  kind: "command",
  rank: 220,
  schema: CommandWant,
  address: ({ name }) => `command[${name}]`,
  touches: ({ creates }) => ({ paths: creates === undefined ? [] : [creates] }),
  leans: ({ user }) => ({ users: [user] }),
  sensitive: ({ environment }) => (environment ? ["environment"] : []),
  read(want, look) {
    if (want.creates !== undefined) {
      const seen = look.path(want.creates);
      return () => ({ done: seen().type !== missing });
    }
    const seen = look.command(guard(want));
    return () => ({ done: seen().code === 0 });
  },
  plan(want, { done }, { changed }) {
    if (!done) return [runStep(want)];
    const moved = want.again && want.after?.some((address) => changed.has(address));
    return moved ? [runStep(want)] : [];
  },
  seen: (want, { done }) => (done ? want : undefined),
  undo(want, original) {
    if (original.done && !want.undoAlways) return [];
    if (want.undo === undefined) return `what \`${oneLine(want.run)}\` did is not known; give it an \`undo\``;
    return [{ change: `run \`${oneLine(want.undo)}\``, property: "undo", run: inPlace(want, want.undo, want.timeout) }];
  },
});
