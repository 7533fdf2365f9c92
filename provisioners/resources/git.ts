// A git checkout, at a commit, a tag or the tip of a branch. Local edits are never destroyed unless the want says so.
import { z } from "zod";
import { AbsolutePath, GitRef, GitUrl, Owner, UserName } from "../../spec/scalars.ts";
import { asUser } from "../engine/as-user.ts";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, lines, sh } from "../engine/shell-quote.ts";
import { common, defineKind, missing, type Step } from "./kind.ts";

export const GitWant = z.strictObject({
  ...common,
  path: AbsolutePath,
  /** Over https or ssh; or a repository on the server itself. */
  repository: z.union([GitUrl, AbsolutePath]),
  /** A branch follows its tip, which costs each look a question to the repository's server; a whole commit id costs nothing. */
  ref: GitRef,
  /** Everything is done as this user: hooks too. */
  owner: UserName.default("root"),
  group: Owner.default("root"),
  /** A private key on the server that `owner` may read. */
  deployKey: AbsolutePath.optional(),
  /** @default the owner's and the system's known_hosts: a host that is in neither is refused */
  knownHosts: AbsolutePath.optional(),
  /** Throw local edits and commits away. @default false: they are an error */
  force: z.boolean().default(false),
});
export type GitWant = z.infer<typeof GitWant>;

export interface GitHave {
  readonly type: PathSeen["type"];
  /** Full commit id; `missing` where there is no checkout. */
  readonly head: string;
  /** Empty where HEAD is detached. */
  readonly branch: string;
  readonly repository: string;
  /** The commit that the want's ref stands for now; `missing` where that can't be told. */
  readonly target: string;
  /** Tracked files with local edits. */
  readonly edited: readonly string[];
}

const isCommit = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);

/** $1 path, $2 repository, $3 ref or empty. What the last fetch knew of the ref (`known`) counts where the repository's server is silent. */
const lookText = `cd -- "$1"
[ -e .git ]
printf 'head %s\\n' "$(git rev-parse HEAD)"
printf 'branch %s\\n' "$(git branch --show-current)"
printf 'repository %s\\n' "$(git remote get-url origin)"
git --no-optional-locks status --porcelain --untracked-files=no | sed 's/^.../edited /'
[ -n "$3" ] || exit 0
timeout 10 git ls-remote -- "$2" "refs/heads/$3" "refs/tags/$3" "refs/tags/$3^{}" | sed 's/^/answer /'
for each in "refs/remotes/origin/$3" "refs/tags/$3" "$3"; do
  git rev-parse --quiet --verify "$each^{commit}" | sed 's/^/known /'
done`;

/** $1 temporary, $2 repository, $3 ref. */
const cloneText = `git clone -q -- "$2" "$1"
cd -- "$1"
git -c advice.detachedHead=false checkout -q "$3"`;

/** $1 path, $2 repository, $3 ref, $4 force. FETCH_HEAD is what the ref stands for, be it branch, tag or commit. */
const updateText = `cd -- "$1"
git remote set-url origin "$2"
git fetch -q --tags --force origin
case $4 in force) git reset -q --hard ;; esac
if git show-ref --verify --quiet "refs/remotes/origin/$3"; then
  git checkout -q "$3"
  case $4 in
    force) git reset -q --hard "origin/$3" ;;
    *) git merge -q --ff-only "origin/$3" ;;
  esac
else
  git -c advice.detachedHead=false checkout -q "$3"
fi`;

/** $1 path, $2 commit, $3 branch or empty, $4 repository. */
const returnText = `cd -- "$1"
git remote set-url origin "$4"
if [ -n "$3" ]; then git checkout -q -B "$3" "$2"; else git -c advice.detachedHead=false checkout -q "$2"; fi`;

/** Nothing asks a question, and no unknown host is trusted. */
function asOwner({ owner, deployKey, knownHosts }: GitWant, text: string, args: readonly string[]): Command {
  const options = [
    ...(deployKey ? [`-i ${deployKey} -o IdentitiesOnly=yes`] : []),
    ...(knownHosts ? [`-o UserKnownHostsFile=${knownHosts}`] : []),
  ];
  const ssh = ["ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10", ...options].join(" ");
  return lines([sh`(`, sh`export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND=${ssh}`, asUser(owner, text, args), sh`)`]);
}

function parse(type: PathSeen["type"], want: GitWant, code: number, stdout: string): GitHave {
  const all = (word: string) => stdout.split("\n").flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const one = (word: string) => all(word)[0] || missing;
  const gone = code !== 0 && one("head") === missing;
  return {
    type,
    head: gone ? missing : one("head"),
    branch: all("branch")[0] ?? "",
    repository: one("repository"),
    target: isCommit(want.ref) ? want.ref : targetIn(all("answer"), one("known")),
    edited: all("edited"),
  };
}

/** Of `<commit>\t<ref>` lines: a branch before a tag, and of an annotated tag the commit that it names. */
function targetIn(answers: readonly string[], known: string): string {
  const rank = (answer: string) => ["refs/heads/", "^{}", ""].findIndex((mark) => answer.includes(mark));
  return answers.toSorted((a, b) => rank(a) - rank(b))[0]?.split("\t")[0] ?? known;
}

export const git = defineKind<GitWant, GitHave>({
  kind: "git",
  schema: GitWant,
  address: ({ path }) => `git[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  read(want, look) {
    const path = look.path(want.path);
    const seen = look.command(asOwner(want, lookText, [want.path, want.repository, isCommit(want.ref) ? "" : want.ref]));
    return () => parse(path().type, want, seen().code, seen().stdout);
  },
  plan(want, have) {
    if (have.head === missing) return [cloneStep(want, have)];
    if (have.edited.length > 0 && !want.force) return [refuseEdited(want, have)];
    const sentence = difference(want, have);
    if (!sentence) return [];
    const args = [want.path, want.repository, want.ref, want.force ? "force" : ""];
    return [{ change: sentence, property: "ref", run: asOwner(want, updateText, args) }];
  },
  seen(want, have) {
    if (have.head === missing) return undefined;
    const edits = have.edited.length > 0 ? " with local edits" : "";
    return { ...want, repository: have.repository, ref: atTarget(have) && !edits ? want.ref : `${have.head}${edits}` };
  },
  undo(want, original, have) {
    if (have.head === missing) return [];
    if (have.edited.length > 0 && !want.force) return `${want.path} has local edits: ${named(have.edited)}`;
    if (original.type === missing) return [{ change: "remove the checkout", run: sh`rm -rf -- ${want.path}` }];
    if (original.head === missing) return `${want.path} was there before the checkout, without git`;
    const args = [want.path, original.head, original.branch, original.repository];
    return [{ change: `go back to \`${short(original.head)}\``, run: asOwner(want, returnText, args) }];
  },
});

const short = (commit: string): string => commit.slice(0, 8);
const atTarget = ({ head, target }: GitHave): boolean => head === target;
const named = (files: readonly string[]): string =>
  `${files.slice(0, 5).join(", ")}${files.length > 5 ? ` and ${files.length - 5} more` : ""}`;

function difference(want: GitWant, have: GitHave): string | undefined {
  if (have.repository !== want.repository) return `repository \`${have.repository}\` → \`${want.repository}\`, at \`${want.ref}\``;
  if (have.target === missing) return `\`${short(have.head)}\` → \`${want.ref}\``;
  if (!atTarget(have)) return `\`${short(have.head)}\` → \`${short(have.target)}\`${isCommit(want.ref) ? "" : ` (${want.ref})`}`;
  return have.edited.length > 0 ? `throw away local edits of ${named(have.edited)}` : undefined;
}

/** Complete or not there at all: it is cloned beside, and renamed. */
function cloneStep(want: GitWant, have: GitHave): Step {
  const { path, repository, ref, owner, group } = want;
  const temporary = `${path}.fleet-new`;
  const run = lines([
    sh`rm -rf -- ${temporary}`,
    sh`mkdir -p -- "$(dirname -- ${path})"`,
    sh`install -d -o ${owner} -g ${group} -- ${temporary}`,
    asOwner(want, cloneText, [temporary, repository, ref]),
    ...(have.type === "directory" ? [sh`rmdir -- ${path}`] : []),
    sh`mv -T -- ${temporary} ${path}`,
  ]);
  return { change: `clone \`${repository}\` at \`${ref}\``, property: "ref", run };
}

function refuseEdited({ path }: GitWant, { edited }: GitHave): Step {
  const sentence = `${path}: expected no local edits, got ${named(edited)}; commit or discard them on the server, or set \`force\``;
  return { change: `refuse: local edits of ${named(edited)}`, property: "ref", run: sh`printf '%s\n' ${sentence}\nexit 1` };
}
