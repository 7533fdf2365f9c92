// A git checkout, at a commit, a tag or the tip of a branch. Local edits are never destroyed unless the want says so.

import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { AbsolutePath, GitRef, GitUrl, Owner, UserName } from "../../spec/scalars.ts";
import { asUser } from "../engine/as-user.ts";
import type { PathSeen } from "../engine/probe.ts";
import { type Command, lines, sh, withInput } from "../engine/shell-quote.ts";
import { common, defineKind, type Kept, missing, purgeFolder, refusing, type Step } from "./kind.ts";
import { placeOf, removeTree } from "./undo-path.ts";

/** Characters of a commit's id wherever one is shown; git's own `--abbrev` is told it. */
export const shortLength = 8;
export const short = (commit: string): string => commit.slice(0, shortLength);

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
  /** A folder that holds files without git becomes a checkout, and keeps them. @default false: they are an error */
  adopt: z.boolean().optional(),
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
  /** Submodules whose folders are empty. */
  readonly absent?: readonly string[];
  /** Commits of the server's own: neither `origin` has them, nor did the fleet check them out. */
  readonly own?: number;
  /** What the repository's server said instead of an answer; empty where it answered, or was not asked. */
  readonly silent?: string;
  /** Where there is no checkout: how much lies in the folder. */
  readonly files?: number;
  /** Of a checkout that is to go: files and commits that are nowhere else. */
  readonly work?: readonly string[];
}

const isCommit = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);

/** The commit that the fleet checked out last: what a rewritten branch no longer has is not the server's own work. */
const deployed = "refs/fleet/deployed";
/** What the files of a folder were that became a checkout: what they go back to. */
const adopted = "refs/fleet/adopted";
/** The one before it, which counts again where the new one goes back. */
const before = "refs/fleet/before";
const submodules = "if [ -e .gitmodules ]; then git submodule -q update --init --recursive; fi";
const remember = `${submodules}
git update-ref ${deployed} HEAD`;

/**
 * $1 path, $2 repository, $3 ref or empty, $4 whether what is nowhere else is asked for.
 * What the last fetch knew of the ref (`known`) counts where the repository's server is silent.
 */
const lookText = `cd -- "$1"
if [ ! -e .git ]; then printf 'files %s\\n' "$(ls -A | wc -l)"; exit 1; fi
# A run that was killed while it made the folder a checkout: no commit is there yet, and none can be lost.
if [ -z "$(git rev-parse -q --verify HEAD)" ] && [ -d .git ] && [ -z "$(git for-each-ref --count=1 refs/heads)" ]; then
  printf 'files %s\\n' "$(ls -A | grep -c -v -x -F .git)"; exit 1
fi
printf 'head %s\\n' "$(git rev-parse HEAD)"
printf 'branch %s\\n' "$(git branch --show-current)"
printf 'repository %s\\n' "$(git remote get-url origin)"
git --no-optional-locks status --porcelain --untracked-files=no | sed 's/^.../edited /'
if [ -e .gitmodules ]; then git submodule status --recursive | sed -n 's/^-[0-9a-f]* /absent /p'; fi
printf 'own %s\\n' "$(git rev-list --count HEAD --not --remotes=origin --tags $(git rev-parse -q --verify ${deployed}))"
if [ -n "$4" ]; then
  git --no-optional-locks status --porcelain --untracked-files=normal --ignored | sed -n -e 's/^?? /work file /p' -e 's/^!! /work file /p'
  git log -n 20 --abbrev=${shortLength} --format='work commit %h %s' --branches HEAD --not --remotes --tags $(git rev-parse -q --verify ${deployed})
fi
[ -n "$3" ] || exit 0
if said=$(timeout 10 git ls-remote -- "$2" "refs/heads/$3" "refs/tags/$3" "refs/tags/$3^{}" 2>&1); then
  printf '%s\\n' "$said" | sed -n 's/^[0-9a-f]\\{40\\}\t/answer &/p'
else
  printf 'silent %s\\n' "$(printf '%s\\n' "\${said:-no answer within 10 s}" | grep -i -m 1 -e fatal -e error || printf '%s\\n' "\${said:-no answer within 10 s}" | tail -n 1)"
fi
for each in "refs/remotes/origin/$3" "refs/tags/$3" "$3"; do
  git rev-parse --quiet --verify "$each^{commit}" | sed 's/^/known /'
done`;

/** $1 temporary, $2 repository, $3 ref. */
const cloneText = `git clone -q -- "$2" "$1"
cd -- "$1"
git -c advice.detachedHead=false checkout -q "$3"
${remember}`;

/** A branch follows its tip, also one that was rewritten: what is lost so is nobody's on the server. */
const goTo = `if git show-ref --verify --quiet "refs/remotes/origin/$3"; then
  git checkout -q -B "$3" "origin/$3"
else
  git -c advice.detachedHead=false checkout -q "$3"
fi`;

/** $1 path, $2 repository, $3 ref, $4 force. */
const updateText = `cd -- "$1"
before=$(git rev-parse HEAD)
if [ "$4" != force ]; then
  own=$(git rev-list $before $(git rev-parse -q --verify "refs/heads/$3") --not --remotes=origin --tags $(git rev-parse -q --verify ${deployed}))
  if [ -n "$own" ]; then
    git --no-pager log --no-walk --oneline $own | head -n 10
    echo 'expected no commits of the server alone, got these; push them, or set force'
    exit 1
  fi
fi
git remote set-url origin "$2"
# A whole commit id that is there already asks nobody.
if [ \${#3} != 40 ] || ! git cat-file -e "$3^{commit}" 2>/dev/null; then git fetch -q --tags --force origin; fi
case $4 in force) git reset -q --hard ;; esac
${goTo}
gone=$(git rev-list --max-count=10 "$before" --not HEAD)
if was=$(git rev-parse -q --verify ${deployed}); then git update-ref ${before} "$was"; fi
if [ -n "$gone" ]; then echo 'no longer in the history of what is checked out now:'; git --no-pager log --no-walk --oneline $gone; fi
${remember}`;

/**
 * $1 path, $2 repository, $3 ref, $4 force. Files that are there stay; those that the commit has and the folder has not come; where the two
 * differ, they are shown.
 */
const adoptText = `cd -- "$1"
new=
[ -e .git ] || new=.git
refused() { [ -z "$new" ] || rm -rf -- "$new"; exit "$1"; }
git init -q
git remote add origin "$2" 2>/dev/null || git remote set-url origin "$2"
git fetch -q --tags origin || refused $?
if ! commit=$(git rev-parse -q --verify "refs/remotes/origin/$3^{commit}" || git rev-parse -q --verify "$3^{commit}"); then
  echo "expected $2 to have a branch, a tag or a commit $3, got none of that name; push it first, or name another as ref"
  refused 1
fi
if git show-ref --verify --quiet "refs/remotes/origin/$3"; then
  git symbolic-ref HEAD "refs/heads/$3"
  git update-ref "refs/heads/$3" "$commit"
  git branch -q --set-upstream-to "origin/$3"
else
  git update-ref --no-deref HEAD "$commit"
fi
git reset -q
git ls-files -z --deleted | xargs -0 -r git checkout -q --
case $4 in force) git reset -q --hard ;; esac
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
  git --no-pager diff --stat | tail -n 20
  echo 'expected the files that the repository has, got these differences; commit or discard them on the server, or set force'
  exit 1
fi
git update-ref ${adopted} HEAD
${remember}`;

/** $1 path. Files that the repository never had stay whatever they are. */
const gitOutText = `cd -- "$1"
if git rev-parse -q --verify ${adopted} >/dev/null; then git -c advice.detachedHead=false checkout -q --detach ${adopted}; fi
rm -rf .git`;

/** $1 path, $2 commit, $3 branch or empty, $4 repository. */
const returnText = `cd -- "$1"
git update-ref -d ${deployed}
git update-ref -d ${before}
git remote set-url origin "$4"
if [ -n "$3" ]; then git checkout -q -B "$3" "$2"; else git -c advice.detachedHead=false checkout -q "$2"; fi
${submodules}`;

/** Nothing asks a question, and no unknown host is trusted. */
export function asOwner({ owner, deployKey, knownHosts }: GitWant, text: string, args: readonly string[]): Command {
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
    absent: all("absent"),
    own: Number(all("own")[0] ?? 0),
    silent: all("silent")[0] ?? "",
    files: Number(all("files")[0] ?? 0),
    work: all("work"),
  };
}

/** Of `<commit>\t<ref>` lines: a branch before a tag, and of an annotated tag the commit that it names. */
function targetIn(answers: readonly string[], known: string): string {
  const rank = (answer: string) => ["refs/heads/", "^{}", ""].findIndex((mark) => answer.includes(mark));
  return answers.toSorted((a, b) => rank(a) - rank(b))[0]?.split("\t")[0] ?? known;
}

export const git = defineKind<GitWant, GitHave>({
  kind: "git",
  rank: 150,
  schema: GitWant,
  address: ({ path }) => `git[${path}]`,
  touches: ({ path }) => ({ paths: [path] }),
  parents: ({ path }) => path,
  leans: ({ owner, group }) => ({ users: [owner], groups: [group] }),
  read(want, look, undo) {
    const path = look.path(want.path);
    const seen = look.command(
      asOwner(want, lookText, [want.path, want.repository, isCommit(want.ref) ? "" : want.ref, undo ? "work" : ""]),
    );
    return () => parse(path().type, want, seen().code, seen().stdout);
  },
  plan(want, have) {
    if (have.head === missing) return [have.files ? foundFiles(want, have.files) : cloneStep(want, have)];
    if (have.edited.length > 0 && !want.force) return [refuseEdited(want, have)];
    if (have.own && !want.force) return [refuseOwn(want, have.own)];
    if (have.silent) return [askAgain(want, have)];
    const sentence = difference(want, have);
    return sentence ? [{ change: sentence, property: "ref", run: update(want, have) }] : [];
  },
  seen(want, have) {
    if (have.head === missing) return undefined;
    const but = [
      ...(have.edited.length > 0 ? [" with local edits"] : []),
      ...(have.own ? [` with ${counted(have.own, "commit")} of its own`] : []),
      ...(have.absent?.length ? [` without ${named(have.absent)}`] : []),
      ...(have.silent ? [", its repository does not answer"] : []),
    ].join("");
    return { ...want, repository: have.repository, ref: atTarget(have) && !but ? want.ref : `${have.head}${but}` };
  },
  purge(want, original, have) {
    if (original.type !== missing || have.head === missing) return undefined;
    return typeof goBack(want, original, have) === "string" ? purgeFolder(want.path, removeTree(want.path), true) : undefined;
  },
  undo: goBack,
});

function goBack(want: Kept<GitWant>, original: Kept<GitHave>, have: GitHave): readonly Step[] | string {
  if (have.head === missing) return [];
  if (have.edited.length > 0 && !want.force) return `${want.path} has local edits: ${named(have.edited)}`;
  if (original.type === missing) return removal(want, have);
  if (original.head === missing && original.files) return gitOut(want, have);
  if (original.head === missing) return `${want.path} was there before the checkout, without git`;
  const args = [want.path, original.head, original.branch, original.repository];
  return [{ change: `go back to \`${short(original.head)}\``, run: asOwner(want, returnText, args) }];
}

/** Where the run fails after it, the commit that ran comes back: what was built or edited since is the run's own. */
function update(want: GitWant, { head, branch }: GitHave): Command {
  const { path, repository, ref, force } = want;
  const back = asOwner(
    want,
    `cd -- "$1"\ngit reset -q --hard\nif [ -n "$3" ]; then git checkout -q -B "$3" "$2"; else git -c advice.detachedHead=false checkout -q "$2"; fi\nif was=$(git rev-parse -q --verify ${before}); then git update-ref ${deployed} "$was"; fi\n${submodules}`,
    [...[path, head, branch]],
  );
  return lines([
    withInput(sh`fleet_keep_by ${path}`, `${back.text}\n`),
    asOwner(want, updateText, [path, repository, ref, force ? "force" : ""]),
  ]);
}

function foundFiles(want: GitWant, files: number): Step {
  const { path, repository, ref, adopt, force } = want;
  if (adopt) {
    const run = asOwner(want, adoptText, [path, repository, ref, force ? "force" : ""]);
    return { change: `make the folder a checkout of \`${repository}\` at \`${ref}\`; its files stay`, property: "ref", run };
  }
  const sentence = `${path}: expected a checkout, or nothing, got a folder of ${counted(files, "entry", "entries")} without git; set \`adopt: true\` to make it a checkout that keeps them, or move it away`;
  return {
    change: `${refusing}the folder holds ${counted(files, "entry", "entries")} without git; \`adopt: true\` makes it a checkout that keeps them`,
    property: "path",
    run: sh`printf '%s\n' ${sentence}\nexit 1`,
  };
}

function refuseOwn({ path }: GitWant, own: number): Step {
  const sentence = `${path}: expected no commits of the server alone, got ${own}; push them, or set \`force\``;
  return {
    change: `${refusing}${counted(own, "commit")} that \`origin\` does not have`,
    property: "ref",
    run: sh`printf '%s\n' ${sentence}\nexit 1`,
  };
}

/** What runs is not known to be what is wanted: said, and asked once more before it fails. */
function askAgain(want: GitWant, have: GitHave): Step {
  const { repository, path } = want;
  const sentence = `expected an answer from ${repository}, got none; ${path} stays at ${short(have.head)}. Try again, or pin \`ref\` to that commit`;
  const ask = asOwner(want, `timeout 20 git ls-remote -q -- "$1" HEAD > /dev/null`, [repository]);
  return {
    change: `ask \`${repository}\` for \`${want.ref}\` again: ${have.silent?.replace(/\.+$/, "")}`,
    property: "ref",
    run: lines([sh`if ! ${ask}; then printf '%s\n' ${sentence}; exit 1; fi`, update(want, have)]),
  };
}

function removal(want: Kept<GitWant>, have: GitHave): readonly Step[] | string {
  const work = workIn(want, have);
  if (work.length === 0) return [{ change: "remove the checkout", run: removeTree(want.path) }];
  return `${want.path} holds what is nowhere else: ${named(work)}; save it, and \`rm -r ${want.path}\` on the server removes it`;
}

/** What a build marks is the role's own; `force` gives commits away, and no files. */
function workIn({ force }: Kept<GitWant>, { work = [] }: GitHave): readonly string[] {
  const left = work.filter((each) => !each.startsWith("file .fleet-") && !(force && each.startsWith("commit ")));
  return left.map((each) => (each.startsWith("file ") ? each.slice(5) : each));
}

/** Of a folder that was there before, with files: they stay whatever they are. */
function gitOut(want: Kept<GitWant>, have: GitHave): readonly Step[] | string {
  const commits = workIn(want, have).filter((each) => each.startsWith("commit "));
  if (commits.length > 0)
    return `${want.path} has commits that are nowhere else: ${named(commits)}; push them, or \`rm -r ${want.path}/.git\` on the server`;
  return [{ change: "take git out of the folder; its files stay, as they were found", run: asOwner(want, gitOutText, [want.path]) }];
}

const atTarget = ({ head, target }: GitHave): boolean => head === target;
const named = (files: readonly string[]): string =>
  `${files.slice(0, 5).join(", ")}${files.length > 5 ? ` and ${files.length - 5} more` : ""}`;

function difference(want: GitWant, have: GitHave): string | undefined {
  if (have.repository !== want.repository) return `repository \`${have.repository}\` → \`${want.repository}\`, at \`${want.ref}\``;
  if (have.target === missing) return `\`${short(have.head)}\` → \`${want.ref}\``;
  if (!atTarget(have)) return `\`${short(have.head)}\` → \`${short(have.target)}\`${isCommit(want.ref) ? "" : ` (${want.ref})`}`;
  if (have.absent?.length) return `check out the submodules ${named(have.absent)}`;
  return have.edited.length > 0 ? `throw away local edits of ${named(have.edited)}` : undefined;
}

/** Complete or not there at all: it is cloned beside, and renamed. */
function cloneStep(want: GitWant, have: GitHave): Step {
  const { path, repository, ref, owner, group } = want;
  const temporary = `${path}.fleet-new`;
  const [folder, name] = placeOf(path);
  const [, beside] = placeOf(temporary);
  const run = lines([
    sh`fleet_parents ${path}`,
    sh`fleet_enter ${folder}`,
    sh`rm -rf -- ${beside}`,
    sh`mkdir -- ${beside}`,
    sh`chown -h ${`${owner}:${group}`} ${beside}`,
    asOwner(want, cloneText, [temporary, repository, ref]),
    ...(have.type === "directory" ? [sh`rmdir -- ${name}`] : []),
    sh`mv -T -- ${beside} ${name}`,
  ]);
  return { change: `clone \`${repository}\` at \`${ref}\``, property: "ref", run };
}

function refuseEdited({ path }: GitWant, { edited }: GitHave): Step {
  const sentence = `${path}: expected no local edits, got ${named(edited)}; commit or discard them on the server, or set \`force\``;
  return { change: `${refusing}local edits of ${named(edited)}`, property: "ref", run: sh`printf '%s\n' ${sentence}\nexit 1` };
}
