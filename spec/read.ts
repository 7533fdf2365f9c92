// A stack file to a FleetSpec, or every problem at once.
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { checkMarked, checkPlaceholders } from "./check-annotations.ts";
import { checkFleet } from "./checks.ts";
import { didYouMean, explain, type Finding, findingsIn } from "./messages.ts";
import { checkParams } from "./params.ts";
import { isMap, type Path, pathText, withValue } from "./path.ts";
import { type Problem, refusal, type UserError } from "./problem.ts";
import { RelativePath } from "./scalars.ts";
import { fleetKey, hideSecrets, secretRefsIn } from "./secrets.ts";
import { type Choices, type FleetSpec, fleetOn, StackFile } from "./spec.ts";
import { textIn } from "./text-file.ts";
import { typed } from "./typed.ts";
import { readYaml } from "./yaml-source.ts";

export interface Stack {
  /** Valid, with defaults. `params` of a server or pool holds what each of its roles gets: merged, checked, with the role's own defaults. */
  readonly spec: FleetSpec;
  /** The file as problems name it. */
  readonly file: string;
  /** The overlay folder: absolute. One that the file names exists; the default one need not. */
  readonly files: string;
  /** Paths of the secrets that the fleet holds, for `lookupSecret`. */
  readonly secrets: readonly string[];
}

/** Reads `file` (a path). Throws a UserError with every problem in it, or that it can't be read. */
export function readStack(file: string, choices: Choices): Stack {
  const name = relative(process.cwd(), file).startsWith("..") ? file : relative(process.cwd(), file);
  const text = textIn(file, { name, what: "a stack file", next: `${typed()} docs stack-file` });
  return parseStack(text, name, choices, dirname(resolve(file)));
}

/** The same from text. `name` is what problems call it; overlay folders stand in `folder`, and need not exist where none is given (a file to be). */
export function parseStack(text: string, name: string, choices: Choices, folder?: string): Stack {
  const source = readYaml(text);
  const problems: Problem[] = source.problems.map(({ offset, reason }) => ({ at: `${name}:${source.line(offset)}`, path: "yaml", reason }));
  if (!source.sound || !isMap(source.value)) {
    const got = source.value === null ? "nothing" : "something else";
    const noMap = {
      at: `${name}:1:1`,
      path: "yaml",
      reason: `expected a map with \`config\`, got ${got}; next: ${typed()} docs stack-file`,
    };
    throw failure(name, problems.length > 0 ? problems : [noMap]);
  }
  const { config } = source.value;
  const fleet = isMap(config) ? config[fleetKey] : undefined;
  const depth = (path: Path): number => Math.max(0, source.depth([...fleetPath, ...path]) - fleetPath.length);
  const { spec, secrets, findings } = fleet === undefined ? nothing : checkAll(fleet, { choices, stack: stackOf(name), depth });
  const place = (base: Path) => (finding: Finding) => {
    const path = [...base, ...finding.path];
    const at = finding.key ? source.keyAt(path) : source.at(path);
    return { at: `${name}:${at}`, path: pathText(finding.path) || "fleet", reason: finding.reason };
  };
  const overlay = folder === undefined ? [] : checkOverlay(fleet, folder);
  problems.push(...checkFile(source.value).map(place([])), ...[...findings, ...overlay].map(place(fleetPath)));
  if (problems.length > 0 || !spec) throw failure(name, problems);
  return { spec, file: name, files: resolve(folder ?? dirname(resolve(name)), spec.files), secrets };
}

/** A mistyped name would be an empty folder: the next up takes the team's files off every server. */
function checkOverlay(fleet: unknown, folder: string): readonly Finding[] {
  const named = RelativePath.safeParse(isMap(fleet) ? fleet.files : undefined);
  if (!named.success) return [];
  const path = join(folder, named.data);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return [];
  const near = didYouMean(
    named.data,
    foldersIn(folder, dirname(named.data)),
    "; make it, with `common/` or `<server>/` in it, or leave `files` out",
  );
  return [{ path: ["files"], reason: `expected a folder beside the stack file, got ${found ? "a file" : "no such folder"}${near}` }];
}

function foldersIn(folder: string, below: string): readonly string[] {
  try {
    const there = readdirSync(join(folder, below), { withFileTypes: true });
    return there.flatMap((each) => (each.isDirectory() ? [join(below, each.name)] : []));
  } catch {
    return [];
  }
}

/** `stacks/Pulumi.team-a.yaml` is of the stack `team-a`. */
const stackOf = (file: string): string => /^Pulumi\.(.+)\.yaml$/.exec(basename(file))?.[1] ?? "";

const fleetPath: Path = ["config", fleetKey];

/** Sorted by place in the file, each once. */
function failure(name: string, problems: readonly Problem[]): UserError {
  const place = ({ at }: Problem): readonly number[] => at.split(":").slice(-2).map(Number);
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  const sorted = [...once.values()].sort((a, b) => {
    const [[rowA = 0, colA = 0], [rowB = 0, colB = 0]] = [place(a), place(b)];
    return rowA - rowB || colA - colB;
  });
  return refusal(name, sorted);
}

/** The keys around the fleet. */
function checkFile(value: unknown): readonly Finding[] {
  const parsed = StackFile.safeParse(value, { reportInput: true, error: explain });
  const findings: Finding[] = parsed.success ? [] : [...findingsIn(parsed.error)];
  const config = isMap(value) ? value.config : undefined;
  if (!isMap(config)) return findings;
  const [namespace] = fleetKey.split(":");
  const strays = Object.keys(config).filter((key) => key !== fleetKey && (!key.includes(":") || key.startsWith(`${namespace}:`)));
  findings.push(
    ...strays.map((key) => ({
      path: ["config", key],
      key: true,
      reason: `unknown key${didYouMean(key, [fleetKey], `; the fleet stands under \`${fleetKey}\``)}`,
    })),
  );
  if (!(fleetKey in config) && strays.length === 0)
    findings.push({ path: ["config"], reason: `expected \`${fleetKey}\`, got nothing; put the fleet under it` });
  return findings;
}

interface Outcome {
  readonly findings: readonly Finding[];
  readonly spec?: FleetSpec;
  readonly secrets: readonly string[];
}

const nothing: Outcome = { findings: [], secrets: [] };

interface Around {
  readonly choices: Choices;
  /** For what is to be typed. */
  readonly stack: string;
  readonly depth: (path: Path) => number;
}

function checkAll(written: unknown, { choices, stack, depth }: Around): Outcome {
  const forged = checkPlaceholders(written, []);
  const { fleet, findings: marked } = checkMarked(hideSecrets(written), { choices, stack });
  const parsed = fleetOn(choices.targets).safeParse(fleet, { reportInput: true, error: explain });
  const shape = parsed.success ? [] : findingsIn(parsed.error);
  const { findings: params, params: merged } = checkParams(fleet, choices, depth);
  const findings = [...forged, ...marked, ...shape, ...checkFleet(fleet, stack, choices.targets, Object.keys(choices.roles)), ...params];
  if (!parsed.success || findings.length > 0) return { findings, secrets: [] };
  const spec = merged.reduce<unknown>((under, { path, params: own }) => withValue(under, [...path, "params"], own), parsed.data);
  return { findings, spec: spec as FleetSpec, secrets: secretRefsIn(JSON.stringify(fleet)) };
}
