// fleet edit: a server's file in the editor here; what was saved becomes the stack's own file, and is made so by an up.

import { basename } from "node:path";
import { chosen, placeOf, taken, tellsSecret, type Wish, wishIn, write } from "../../operations/edit/place.ts";
import { fetchScript, type RemoteFile, remoteFile } from "../../operations/edit/remote-file.ts";
import { type FleetUp, fleetUp, maskOf } from "../../operations/fleet-up.ts";
import { onServers } from "../../operations/on-servers.ts";
import { planOf } from "../../provisioners/stack.ts";
import { choice } from "../../spec/messages.ts";
import { UserError } from "../../spec/problem.ts";
import { typed } from "../../spec/typed.ts";
import { stackOption } from "../behind-dashes.ts";
import type { Register } from "../command.ts";
import { edited } from "../editor.ts";
import { waiting } from "../progress.ts";
import { stackInMind } from "../stack-in-mind.ts";
import { isTerminal, styled } from "../terminal.ts";

export const edit: Register = (program, done) =>
  program
    .command("edit")
    .description("a server's file in your editor; what you save becomes the stack's own file, is checked and applied")
    .argument("<file>", "isu1:/etc/nginx/nginx.conf: a server, and the path of a text file on it; one that is not there yet is new")
    .option(...stackOption)
    .option("--all", "for all servers (common/ of the stack's files), not for this one alone", false)
    .option("--from-server", "the server's file also where the stack's own says otherwise, which is edited else", false)
    .option("-y, --yes", "do not ask before the up", false)
    .option("--anyway", "also a file that holds secrets: it then stands in the clear among the stack's files", false)
    .addHelpText(
      "after",
      `
Examples:
  fleet edit isu1:/etc/nginx/nginx.conf
  fleet edit isu1:/etc/sysctl.d/90-contest.conf --all
  EDITOR='code --wait' fleet edit isu1:/etc/mysql/my.cnf

The editor is $VISUAL, else $EDITOR, else vi. What was saved lies below stacks/, in files/isu1/ or files/common/ (files: in the stack file), where git sees it, and counts there instead of a role's own. Then comes an ordinary fleet up: what is refused (nginx -t, visudo -c …) does not land.
Exit codes: those of up; 0 where nothing was changed in the editor.`,
    )
    .action((word: string, options: Options) => done(run(wishIn(word), options)));

interface Options {
  readonly stack?: string;
  readonly all: boolean;
  readonly fromServer: boolean;
  readonly yes: boolean;
  readonly anyway: boolean;
}

async function run(wish: Wish, options: Options): Promise<number> {
  if (!options.yes && !isTerminal()) throw new UserError("edit: expected a terminal, to ask before the up, got none; next: add --yes");
  const stack = options.stack ?? (await stackInMind());
  const plan = planOf(stack);
  const fleet = await fleetUp(stack);
  const there = await fetched(fleet, wish);
  const place = placeOf(plan, { ...wish, path: there.path }, options.all);
  const said = `${wish.server}:${there.path}`;
  const secretIn = (text: string) => (options.anyway || place.template ? undefined : tellsSecret(text, there.mode, maskOf(fleet)));
  const refused = (why: string) =>
    `edit: ${said}: expected a file without secrets, got ${why}; next: --anyway, or a template (${place.shown}.tmpl) with {{ "secrets.name" | secret }} in their place`;
  const { text, notes } = chosen(place, there, options);
  const before = secretIn(text);
  if (before !== undefined) throw new UserError(refused(before));
  const names = options.all ? plan.servers.map(({ name }) => name) : [wish.server];
  const takes = taken(plan, names, there.path, (name) => fleet.servers.find((each) => each.name === name)?.facts);
  if (there.path !== wish.path) tell(`${wish.path} leads to ${there.path}: edits that`);
  for (const note of [...place.notes, ...notes, ...(place.before === undefined ? takes : [])]) tell(note);
  const saved = await edited(basename(place.file), text);
  if (saved.text === text) {
    saved.done();
    console.log(`${said}: unchanged; nothing was written`);
    return 0;
  }
  const now = secretIn(saved.text);
  if (now !== undefined) throw new UserError(`${refused(now)}; what you saved is in ${saved.keep()}`);
  write(place, saved.text, there.mode);
  saved.done();
  console.log(`${place.shown}: ${place.before === undefined ? "new" : "changed"}`);
  return await applied(stack, place.shown, options);
}

const tell = (note: string): void => console.error(styled("dim", note));

async function fetched(fleet: FleetUp, { server, path }: Wish): Promise<RemoteFile> {
  const names = fleet.servers.map(({ name }) => name);
  if (!names.includes(server)) throw new UserError(`edit: ${server}: expected a server that is up${choice(server, names)}`);
  const ask = () =>
    onServers(
      fleet,
      [server],
      async (_, shell, signal) => await shell.run(fetchScript(path), { signal, deadline: 30_000, onAbort: "end" }),
    );
  const [outcome] = await waiting(() => `fetches ${path} of ${server}`, ask);
  if (!outcome || "error" in outcome) throw outcome?.error ?? new UserError(`edit: ${server}: expected an answer, got none`);
  const { code, stdout, stderr } = outcome.value;
  if (code !== 0) throw new UserError(`edit: ${server}:${path}: expected a file, got: ${stderr.trim()}`);
  return remoteFile(`${server}:${path}`, stdout);
}

/** What was typed is never taken away again: whoever says no, or meets a refusal, goes on from it. */
async function applied(stack: string, shown: string, { yes }: Options): Promise<number> {
  const { upOne } = await import("./up.ts");
  const next = `\`${shown}\` stays; next: ${typed()} edit it again, or ${typed()} up ${stack}; git checkout or rm takes it back`;
  try {
    const code = await upOne(stack, { yes });
    if (code !== 0) console.error(next);
    return code;
  } catch (error) {
    console.error(next);
    throw error;
  }
}
