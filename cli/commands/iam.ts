// fleet iam: the rights on AWS that a person or a job needs, as policies to create.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Persona, personas, policiesOf, type Scope, type Worker, workers } from "../../iam/policies.ts";
import { oidcProvider, type Trusted, trustOf } from "../../iam/trust.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";
import { several } from "../several.ts";

interface Options {
  readonly region: string;
  readonly account: string;
  readonly prefix?: string;
  readonly team?: string;
  readonly state?: string;
  readonly boundary?: string;
  readonly image: readonly string[];
  readonly zone: readonly string[];
  readonly defaultNetwork: boolean;
  readonly out?: string;
  readonly github?: string;
  readonly trusted?: string;
  readonly externalId?: string;
}

export const iam: Register = (program, done) =>
  program
    .command("iam")
    .description("print the AWS permissions that a preview, an up or a down needs")
    .argument("[persona]", `${personas.join(", ")}; default all of fleets: ${workers.join(", ")}`)
    .requiredOption("--region <region>", "region that they hold for")
    .option("--account <id>", "account that they hold for, twelve digits", "*")
    .option("--team <team>", "for the things of one team alone")
    .option("--prefix <text>", "for the things whose names begin so; default those of every team: `*-aws-`")
    .option("--state <bucket>", "bucket of the state backend: rights to read it, or to write it")
    .option("--boundary <arn>", "policy that bounds every role that an operator makes")
    .option("--image <parameter>", "SSM parameter of your own that names an image, such as /own/image; may be repeated", several, [])
    .option("--zone <id>", "zone of Route 53 for the names of balancers, such as Z0123456789ABC; may be repeated", several, [])
    .option("--default-network", "servers in the account's default network (`vpc: default`)", false)
    .option("--github <owner/repository>", "roles for this repository's workflows: who may take them, by GitHub's own tokens; needs --out")
    .option("--trusted <account>", "roles for an account, or a role or user by its ARN, such as an organiser's; needs --out")
    .option("--external-id <text>", "with --trusted: what has to be said with it (`externalId` of a stack file)")
    .option("--out <folder>", "write each policy to a file there: fleet-look.json, …")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet iam look --region ap-northeast-1\n  fleet iam --region ap-northeast-1 --team team-a --state event-state --out rights\n" +
        "  fleet iam backend --region ap-northeast-1 --account 123456789012\n" +
        "  fleet iam look --region ap-northeast-1 --account 123456789012 --github event/servers --out rights",
    )
    .action((persona: string | undefined, options: Options) => done(run(persona, options)));

function run(persona: string | undefined, options: Options): number {
  refuseTrust(options);
  if (persona === "backend" && (options.github ?? options.trusted) !== undefined)
    throw new UserError("fleet iam backend: expected no `--github` and no `--trusted`: it is made once, by a person; remove it");
  const asked: readonly Persona[] = persona === undefined ? workers : [known(persona)];
  const all = Object.assign({}, ...asked.map((each) => policiesOf(each, scopeOf(options)))) as Readonly<Record<string, object>>;
  const text = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  if (options.out === undefined) {
    const [only, ...more] = Object.values(all);
    process.stdout.write(text(more.length > 0 ? all : only!));
    return 0;
  }
  mkdirSync(options.out, { recursive: true });
  const write = (name: string, document: object): string => {
    const file = join(options.out!, `fleet-${name}.json`);
    writeFileSync(file, text(document));
    return `file://${file}`;
  };
  for (const [name, policy] of Object.entries(all))
    console.log(`aws --region ${options.region} iam create-policy --policy-name fleet-${name} --policy-document ${write(name, policy)}`);
  if (options.github !== undefined) console.log(oidcProvider(options.region));
  for (const each of workers.filter((worker) => asked.includes(worker))) for (const line of roleOf(each, options, write)) console.log(line);
  return 0;
}

/** Commands that make a persona's role and give it its policies; none where nobody is named who may take it. */
function roleOf(persona: Worker, options: Options, write: (name: string, document: object) => string): readonly string[] {
  const trusted = trustedBy(persona, options);
  if (!trusted) return [];
  const [role, aws] = [`fleet-${persona}`, `aws --region ${options.region} iam`];
  const names = [...new Set(["look", ...Object.keys(policiesOf(persona, scopeOf(options)))])];
  return [
    // A destroy waits for last snapshots and databases: as long as GitHub lets a job be.
    `${aws} create-role --role-name ${role} --max-session-duration 21600 --assume-role-policy-document ${write(`${persona}-trust`, trustOf(options.account, trusted))}`,
    ...names.map(
      (name) => `${aws} attach-role-policy --role-name ${role} --policy-arn arn:aws:iam::${options.account}:policy/fleet-${name}`,
    ),
  ];
}

function trustedBy(persona: Worker, { github, trusted, externalId }: Options): Trusted | undefined {
  if (github !== undefined) return { repository: github, persona };
  return trusted === undefined ? undefined : { principal: trusted, externalId };
}

/** Who is let in is no place for a guess. */
function refuseTrust({ github, trusted, externalId, account, out }: Options): void {
  if (github !== undefined && !/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(github))
    throw new UserError(`--github: expected a repository such as \`event/servers\`, got \`${github}\``);
  if (trusted !== undefined && !/^(?:\d{12}|arn:aws:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]+)$/.test(trusted))
    throw new UserError(`--trusted: expected an account, or the ARN of a role or user, got \`${trusted}\``);
  if (github !== undefined && trusted !== undefined)
    throw new UserError("--github: expected no `--trusted` beside it; remove one of the two");
  if (externalId !== undefined && trusted === undefined) throw new UserError("--external-id: expected `--trusted` beside it, got none");
  if ((github ?? trusted) === undefined) return;
  if (out === undefined) throw new UserError("--out: expected a folder for the roles' files, got none");
  if (account === "*") throw new UserError("--account: expected the account that the roles are in, twelve digits, got none");
}

function known(persona: string): Persona {
  const found = personas.find((each) => each === persona);
  if (!found) throw new UserError(`fleet iam: expected ${personas.join(", ")}, got \`${persona}\``);
  return found;
}

function scopeOf({ region, account, team, prefix, state, boundary, image, zone, defaultNetwork }: Options): Scope {
  if (!/^(?:\d{12}|\*)$/.test(account)) throw new UserError(`--account: expected twelve digits, got \`${account}\``);
  if (team !== undefined && prefix !== undefined) throw new UserError("--team: expected no `--prefix` beside it; remove one of the two");
  const names = prefix ?? (team === undefined ? "*-aws-" : `${team}-aws-`);
  return {
    region,
    account,
    prefix: names,
    defaultNetwork,
    images: image,
    zones: zone,
    ...(state && { state }),
    ...(boundary && { boundary }),
  };
}
