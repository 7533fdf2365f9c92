// fleet:index:TeamKeys: the members' SSH keys, fetched once and frozen in the state. `pulumi refresh` fetches again and shows who changed.
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../spec/problem.ts";
import { judgeKeyLine } from "../ssh/authorized-key.ts";
import { fingerprint, parseHostKey } from "../ssh/host-key.ts";
import { difference } from "./difference.ts";
import type { Call, Resource } from "./resource.ts";

export interface Member {
  /** The user's name on the servers. */
  readonly name: string;
  readonly github?: string;
  /** Given in the stack file: used as they are, beside the fetched ones. */
  readonly keys?: readonly string[];
}

export interface TeamKeysInputs {
  readonly members: readonly Member[];
  /** `{user}` is the GitHub id. */
  readonly keyUrl: string;
}

export interface TeamKeysOutputs extends TeamKeysInputs {
  /** By user name: lines of authorized_keys, sorted. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** By user name: what `ssh-keygen -l` prints of them. */
  readonly fingerprints: Readonly<Record<string, readonly string[]>>;
}

/** As the contest portals fetch them: 5 tries, 10 s each. */
const tries = 5;
const timeout = 10_000;
/** More keys than a person has, or a longer answer, is not a list of keys. */
const limits = { keys: 20, bytes: 64 * 1024 };

export const teamKeysResource: Resource<TeamKeysInputs, TeamKeysOutputs> = {
  diff: ({ inputs, outputs }, news) => ({
    ...difference("members", outputs.members, news.members),
    ...difference("keyUrl", inputs.keyUrl, news.keyUrl),
  }),
  create: async (inputs, call) => ({ id: "team-keys", outputs: await gather(inputs, call) }),
  async read(_id, old, call) {
    try {
      return { inputs: old.inputs, outputs: await gather(old.inputs, call) };
    } catch (error) {
      call.log("warning", `keeps the keys as they are frozen in the state: ${(error as Error).message}`);
      return old;
    }
  },
  update: async (_id, _olds, news, call) => await gather(news, call),
  delete: async () => {},
};

async function gather(inputs: TeamKeysInputs, call: Call): Promise<TeamKeysOutputs> {
  const fetched = await Promise.all(inputs.members.map((member) => keysOf(member, inputs.keyUrl, call).catch((error: Error) => error)));
  const problems = fetched.filter((each) => each instanceof Error);
  if (problems.length > 0) throw new UserError(problems.map(({ message }) => message).join("\n"));
  const keys = inputs.members.map(({ name }, index) => [name, fetched[index] as string[]] as const);
  const fingerprints = keys.map(([name, lines]) => [name, lines.map((line) => fingerprint(parseHostKey(line)!))] as const);
  return { ...inputs, keys: Object.fromEntries(keys), fingerprints: Object.fromEntries(fingerprints) };
}

async function keysOf({ name, github, keys = [] }: Member, keyUrl: string, call: Call): Promise<string[]> {
  const fetched = github === undefined ? [] : await fetchKeys(github, keyUrl, call);
  if (github !== undefined && fetched.length === 0 && keys.length === 0)
    throw new UserError(
      `members: expected SSH keys of \`${github}\`, got none; ask for one to be added, or give it as \`keys:\` in the stack file`,
    );
  return [...new Set([...keys, ...fetched])].map((line) => `${line.split(/\s+/).slice(0, 2).join(" ")} ${github ?? name}`).sort();
}

/** What sshd would ignore is left out and said: one key of one member must not keep the others from their servers. */
async function fetchKeys(github: string, keyUrl: string, call: Call): Promise<string[]> {
  const lines = keyLines(await fetchText(keyUrl.replaceAll("{user}", encodeURIComponent(github)), call), github);
  return lines.flatMap((line) => {
    const judged = judgeKeyLine(line);
    if ("key" in judged) return [judged.key];
    if ("useless" in judged) call.log("warning", `members: leaves out \`${line.slice(0, 60)}…\` of \`${github}\`: ${judged.useless}`);
    return [];
  });
}

/** Refuses what is not a list of keys: an error page must not land in authorized_keys, nor options before a key. */
function keyLines(text: string, github: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const bad = lines.find((line) => "noKey" in judgeKeyLine(line));
  if (text.length > limits.bytes || lines.length > limits.keys)
    throw new UserError(`members: expected at most ${limits.keys} keys of \`${github}\`, got ${lines.length}`);
  if (bad !== undefined)
    throw new UserError(
      `members: expected SSH keys of \`${github}\`, got \`${bad.slice(0, 40)}\`; take \`github:\` out and give them as \`keys:\` in the stack file`,
    );
  return lines;
}

async function fetchText(url: string, call: Call): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, { signal: AbortSignal.any([call.signal, AbortSignal.timeout(timeout)]), redirect: "error" }).catch(
      (error: Error) => error,
    );
    if (!(answer instanceof Error) && answer.ok) return await answer.text();
    const got = answer instanceof Error ? String(answer.cause ?? answer.message) : `status ${answer.status}`;
    // What the server refuses it will refuse again; only its own trouble, and the network's, pass.
    const final = !(answer instanceof Error) && answer.status < 500 && answer.status !== 429;
    if (attempt === tries || final || call.signal.aborted)
      throw new UserError(`members: expected keys from \`${url}\`, got ${got}; give them as \`keys:\` in the stack file`);
    call.log("info", `fetching \`${url}\` again, try ${attempt + 1} of ${tries}: ${got}`, true);
    await sleep(250 * 2 ** attempt, undefined, { signal: call.signal });
  }
}
