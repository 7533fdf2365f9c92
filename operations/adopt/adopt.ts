// From servers that answer to a stack of them: look, describe, prove, write. The servers are read alone.
import { writeFileSync } from "node:fs";
import { type Commit, commitOf } from "./commit.ts";
import { type Adopted, describe, type Way } from "./describe.ts";
import { lookAtServer } from "./look.ts";
import { pageOf } from "./page.ts";
import { factsOf } from "./parse.ts";
import { type Proof, prove, type Reached } from "./prove.ts";
import { type Encryption, stackText } from "./stack-file.ts";
import { alreadyThere, placesOf, writeTrees } from "./write.ts";

export interface Wish {
  readonly stack: string;
  readonly ways: readonly Way[];
  readonly members: readonly string[];
  readonly encryption: Encryption;
  readonly commit: boolean;
}

export interface Outcome {
  readonly proof: Proof;
  readonly page: string;
  readonly commit: Commit | undefined;
}

/** Throws HostError, and a UserError for what can't be described without a change. Nothing is written then. */
export async function adopt({ stack, ways, members, encryption, commit }: Wish, reached: readonly Reached[]): Promise<Outcome> {
  const from = Math.floor(Date.now() / 1000);
  const answers = await Promise.all(reached.map(({ shell }) => lookAtServer(shell)));
  const looked = { from, to: Date.now() / 1000 };
  const servers = ways.map((way, index) => ({ way, facts: factsOf(way.name, answers[index]!) }));
  const adopted: Adopted = { stack, servers, members };
  const proof = await prove(describe(adopted), reached, (of) => stackText(of, ways, encryption));
  const page = pageOf(adopted, proof, looked);
  const places = placesOf(stack);
  writeTrees(stack, proof.description.layers);
  writeFileSync(places.stackFile, stackText(proof.description, ways, encryption), { mode: 0o600 });
  writeFileSync(places.page, page);
  const made = alreadyThere(stack);
  return {
    proof,
    page,
    commit: commit ? await commitOf(made, `Adopt ${stack}: ${ways.map(({ name }) => name).join(", ")} as they are`) : undefined,
  };
}
