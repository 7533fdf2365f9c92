// What a deploy asks and tells a checkout, as its owner.
import { type Command, withInput } from "../../provisioners/engine/shell-quote.ts";
import { asOwner, type GitWant, shortLength } from "../../provisioners/resources/git.ts";
import { builtFrom } from "./build-here.ts";
import { type Deployed, recordsIn } from "./records.ts";

export interface CheckoutSeen {
  /** Undefined where there is no checkout. */
  readonly head?: string;
  /** The commit from which it was built here, where it was. */
  readonly source?: string;
  /** The subject of what runs. */
  readonly runs: string;
  /** Tracked files with local edits. */
  readonly edited: readonly string[];
  /** Commits of the server's own. */
  readonly own: number;
  /** What the repository's server said instead of an answer. */
  readonly silent?: string;
  /** The commit that is to be deployed, as far as it is known there. */
  readonly target?: string;
  readonly subject: string;
  /** Commits that run now, and that the target does not have. */
  readonly lost: readonly string[];
  /** The commit that the stack's own ref stands for. */
  readonly follows?: string;
  readonly records: readonly Deployed[];
}

const resolve = `resolve() {
  [ -n "$1" ] || return 0
  for each in "refs/remotes/origin/$1" "refs/tags/$1" "$1"; do git rev-parse -q --verify "$each^{commit}" && return 0; done
  return 0
}`;

/** $1 path, $2 ref or empty, $3 the stack's ref, $4 `fetch` or empty. */
const lookText = `cd -- "$1"
[ -e .git ] || exit 0
${resolve}
printf 'head\\t%s\\n' "$(git rev-parse HEAD)"
source=$(git --no-pager log -1 --format='%(trailers:key=${builtFrom},valueonly,separator=)')
printf 'source\\t%s\\n' "$source"
git --no-pager log -1 --format='runs%x09%s'
git --no-optional-locks status --porcelain --untracked-files=no | sed 's/^.../edited\\t/'
if [ "$4" = fetch ] && ! said=$(timeout 60 git fetch -q --tags --force origin 2>&1); then
  printf '%s\\n' "\${said:-no answer within 60 s}" | sed 's/^/silent\\t/'
fi
printf 'own\\t%s\\n' "$(git rev-list --count HEAD --not --remotes=origin --tags $(git rev-parse -q --verify refs/fleet/deployed))"
target=$(resolve "$2")
if [ -n "$target" ]; then
  printf 'target\\t%s\\n' "$target"
  git --no-pager log -1 --format='subject%x09%s' "$target"
  git --no-pager log -n 20 --abbrev=${shortLength} --format='lost%x09%h %s' "\${source:-HEAD}" --not "$target"
fi
printf 'follows\\t%s\\n' "$(resolve "$3")"
records=$(git rev-parse --git-path fleet-deploys)
[ ! -f "$records" ] || tail -n 500 "$records" | sed 's/^/record\\t/'`;

export const lookScript = (git: GitWant, ref: string, fetches: boolean): Command =>
  asOwner(git, lookText, [git.path, ref, git.ref, fetches ? "fetch" : ""]);

/** Pure. */
export function checkoutIn(text: string): CheckoutSeen {
  const all = (name: string) => text.split("\n").flatMap((line) => (line.startsWith(`${name}\t`) ? [line.slice(name.length + 1)] : []));
  const some = <Name extends string>(name: Name) => {
    const value = all(name)[0];
    return (value ? { [name]: value } : {}) as { readonly [K in Name]?: string };
  };
  return {
    ...some("head"),
    ...some("source"),
    ...(all("silent").length > 0 && { silent: all("silent").join("\n") }),
    ...some("target"),
    ...some("follows"),
    ...{
      edited: all("edited"),
      own: Number(all("own")[0] ?? 0),
      runs: all("runs")[0] ?? "",
      subject: all("subject")[0] ?? "",
      lost: all("lost"),
    },
    records: recordsIn(all("record")),
  };
}

/** Objects that the server has not, in a thin pack; the last line says whether all of the commit is there now. */
export const receiveScript = (git: GitWant, commit: string, pack: Buffer): Command =>
  withInput(
    asOwner(git, `cd -- "$1"\ngit index-pack --stdin --fix-thin >/dev/null\ngit rev-list --objects -n 1 "$2" >/dev/null`, [
      git.path,
      commit,
    ]),
    pack,
  );

export const recordScript = (git: GitWant, record: Deployed): Command =>
  asOwner(git, `cd -- "$1"\nprintf '%s\\n' "$2" >> "$(git rev-parse --git-path fleet-deploys)"`, [git.path, JSON.stringify(record)]);
