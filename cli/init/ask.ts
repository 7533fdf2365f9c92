// The questions of fleet init: one for each thing that no option says.
import { input, select } from "@inquirer/prompts";
import { UserError } from "../../spec/problem.ts";
import { GitHubId, TeamName } from "../../spec/scalars.ts";
import { type Ask, each, is, words } from "./asker.ts";
import type { StackOptions } from "./options.ts";
import type { Part, Place } from "./place.ts";
import { aws } from "./places/aws.ts";
import { handedOut } from "./places/handed-out.ts";
import { practice } from "./places/practice.ts";

const places: readonly Place[] = [practice, handedOut, aws];

export interface Answers {
  /** Also the stack's name. */
  readonly team: string;
  /** GitHub ids. */
  readonly members: readonly string[];
  readonly place: Place;
  readonly part: Part;
}

/** @param folder of which the team is called, where nobody says otherwise */
export async function answersFor(folder: string, options: StackOptions, ask: Ask): Promise<Answers> {
  const place = await placeFor(options, ask);
  const proposed = teamFrom(folder);
  const named = () => input({ message: "Team?", default: proposed, validate: is(TeamName) });
  const team = options.team ?? (await ask("", "", named, proposed));
  const whose = "GitHub ids of the members, whose keys the servers get?";
  const typed = () => input({ message: whose, validate: each(is(GitHubId)) });
  const members = options.member.length > 0 ? options.member : words(await ask("", "", typed, ""));
  return { team, members, place, part: await place.ask(options, ask) };
}

/** With --yes, and nothing that says otherwise, on this computer. */
async function placeFor(options: StackOptions, ask: Ask): Promise<Place> {
  const [said, ...others] = places.filter((place) => place.said(options));
  if (others.length > 0) throw new UserError("init: expected one of --practice, --server and --aws, got several; leave out the others");
  const choices = places.map((value) => ({ value, name: value.title }));
  const question = () => select({ message: "Where are the servers?", choices });
  const next = "add --practice, --server isu1=ADDRESS, --aws, or --no-stack";
  return said ?? (await ask("where the servers are", next, question, options.yes ? practice : undefined));
}

/** A team's name made of a folder's: `/home/ada/Our Servers` → `our-servers`. */
const teamFrom = (folder: string): string =>
  folder
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32)
    .replace(/-+$/, "") || "team";
