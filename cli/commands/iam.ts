// fleet iam: the rights on AWS that a person or a job needs, as policies to create.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Persona, personas, policiesOf, type Scope } from "../../iam/policies.ts";
import { UserError } from "../../spec/problem.ts";
import type { Register } from "../command.ts";

interface Options {
  readonly region: string;
  readonly account: string;
  readonly prefix?: string;
  readonly team?: string;
  readonly state?: string;
  readonly boundary?: string;
  readonly image: readonly string[];
  readonly defaultNetwork: boolean;
  readonly out?: string;
}

const several = (value: string, all: readonly string[]): readonly string[] => [...all, value];

export const iam: Register = (program, done) =>
  program
    .command("iam")
    .description("print the rights on AWS that looking, bringing up or taking down needs")
    .argument("[persona]", `${personas.join(", ")}; all without`)
    .requiredOption("--region <region>", "region that they hold for")
    .option("--account <id>", "account that they hold for, twelve digits", "*")
    .option("--team <team>", "for the things of one team alone")
    .option("--prefix <text>", "for the things whose names begin so; default those of every team: `*-aws-`")
    .option("--state <bucket>", "bucket of the state backend: rights to read it, or to write it")
    .option("--boundary <arn>", "policy that bounds every role that an operator makes")
    .option("--image <parameter>", "SSM parameter of your own that names an image, such as /own/image; may be repeated", several, [])
    .option("--default-network", "servers in the account's default network (`vpc: default`)", false)
    .option("--out <folder>", "write each policy to a file there: fleet-look.json, …")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet iam look --region ap-northeast-1\n  fleet iam --region ap-northeast-1 --team team-a --state event-state --out rights",
    )
    .action((persona: string | undefined, options: Options) => done(run(persona, options)));

function run(persona: string | undefined, options: Options): number {
  const asked = persona === undefined ? personas : [known(persona)];
  const all = Object.assign({}, ...asked.map((each) => policiesOf(each, scopeOf(options)))) as Readonly<Record<string, object>>;
  const text = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  if (options.out === undefined) {
    const [only, ...more] = Object.values(all);
    process.stdout.write(text(more.length > 0 ? all : only!));
    return 0;
  }
  mkdirSync(options.out, { recursive: true });
  for (const [name, policy] of Object.entries(all)) {
    const file = join(options.out, `fleet-${name}.json`);
    writeFileSync(file, text(policy));
    console.log(`aws iam create-policy --policy-name fleet-${name} --policy-document file://${file}`);
  }
  return 0;
}

function known(persona: string): Persona {
  const found = personas.find((each) => each === persona);
  if (!found) throw new UserError(`fleet iam: expected ${personas.join(", ")}, got \`${persona}\``);
  return found;
}

function scopeOf({ region, account, team, prefix, state, boundary, image, defaultNetwork }: Options): Scope {
  if (!/^(?:\d{12}|\*)$/.test(account)) throw new UserError(`--account: expected twelve digits, got \`${account}\``);
  if (team !== undefined && prefix !== undefined) throw new UserError("--team: expected no `--prefix` beside it; remove one of the two");
  const names = prefix ?? (team === undefined ? "*-aws-" : `${team}-aws-`);
  return { region, account, prefix: names, defaultNetwork, images: image, ...(state && { state }), ...(boundary && { boundary }) };
}
