// Whether a unit runs now and after a boot, and that it hears of the changes that concern it.

import { z } from "zod";
import { counted } from "../../spec/counted.ts";
import { FilePath, UnitName } from "../../spec/scalars.ts";
import { storeKey } from "../engine/prelude.ts";
import type { UnitSeen } from "../engine/probe.ts";
import { type Command, sh } from "../engine/shell-quote.ts";
import { isBelow, pathOfAddress } from "./address-path.ts";
import { type Address, AddressSchema, common, defineKind, type Kept, type PlanContext, refusing, type Step } from "./kind.ts";

export const ServiceWant = z.strictObject({
  ...common,
  unit: UnitName,
  /** Starts at boot. What can't be enabled (a static unit) counts as right. */
  enabled: z.boolean().default(true),
  running: z.boolean().default(true),
  /** Whether it runs, now and after a boot, is somebody else's: where it runs it hears of changes, and that is all. @default false */
  keep: z.boolean().optional(),
  /** Can't be started by anything, or may be again. @default what it is; one that is masked and wanted is refused */
  masked: z.boolean().optional(),
  /** Resources of the role after whose change the service restarts. They are done before it. */
  restartOn: z.array(AddressSchema).readonly().default([]),
  /** Those after whose change it reloads; a restart makes a reload needless. */
  reloadOn: z.array(AddressSchema).readonly().default([]),
  /** Of what the role no longer wants, the service hears where it lay below one of these. @default all of it */
  below: z.array(FilePath).readonly().optional(),
  /** Shell text that must succeed before the service is touched: `nginx -t`. Where it fails, the files it hears of go back. */
  validate: z.string().optional(),
  /**
   * A reload counts once the main process has a new worker: nginx says yes to a reload, and goes on as it was where a port is taken.
   * @default false
   */
  freshWorkers: z.boolean().optional(),
  /** Where the service says why it did not come up, beside its journal. */
  log: FilePath.optional(),
  /** Seconds for which the service must stay up to count as up. Each costs the run a second. @default 1 */
  settle: z.int().min(0).max(300).default(1),
});
export type ServiceWant = z.infer<typeof ServiceWant>;

export interface ServiceHave extends UnitSeen {
  /** Its socket, where it has one: while that listens, the service counts as running and as enabled. */
  readonly socket?: UnitSeen | undefined;
}

const watched = ({ restartOn, reloadOn }: ServiceWant): readonly Address[] => [...restartOn, ...reloadOn];

/** Neither `systemctl enable` nor `disable` changes these. */
const fixed = ["static", "indirect", "generated", "alias", "transient"];
const isEnabled = (want: ServiceWant, { enabled, socket }: ServiceHave): boolean =>
  fixed.includes(enabled) ? want.enabled : enabled === "enabled" || socket?.enabled === "enabled";
/** A crash loop shows as `activating`. */
const runs = ({ active }: UnitSeen): boolean => active === "active" || active === "reloading";
const isRunning = (have: ServiceHave): boolean => runs(have) || listens(have);
const isMasked = ({ load }: UnitSeen): boolean => load === "masked";
const listens = ({ socket }: ServiceHave): boolean => socket !== undefined && runs(socket);

export const service = defineKind<ServiceWant, ServiceHave>({
  kind: "service",
  rank: 180,
  schema: ServiceWant,
  address: ({ unit }) => `service[${unit}]`,
  after: watched,
  watches: watched,
  touches: ({ unit }) => ({ units: [unit] }),
  leans: ({ unit, enabled, running, keep, masked }) => ((enabled || running) && !keep && !masked ? { units: [unit] } : {}),
  read({ unit }, look) {
    if (!unit.endsWith(".service")) return look.unit(unit);
    const [seen, socket] = [look.unit(unit), look.unit(unit.replace(/\.service$/, ".socket"))];
    return () => ({ ...seen(), ...(socket().load === "loaded" && { socket: socket() }) });
  },
  plan(want, have, context) {
    if (want.keep) return keptSteps(want, have, context);
    if (want.masked) return isMasked(have) ? stopSteps(want, have) : maskSteps(want, have);
    if (isMasked(have) && want.masked === false) return [unmaskStep(want), ...afterUnmask(want)];
    if (isMasked(have) && (want.enabled || want.running)) return [refuseMasked(want)];
    if (!want.enabled && !want.running && have.load === "not-found")
      return [...offSteps(want, context), ...checkSteps(want, have, context)];
    return [
      ...enableSteps(want, have),
      ...installSteps(want, have, context),
      ...(want.running ? runSteps(want, have, context) : [...stopSteps(byOwnName(want, have), have), ...checkSteps(want, have, context)]),
    ];
  },
  seen(want, have) {
    if (want.keep) return want;
    if (have.load === "not-found" && (want.enabled || want.running)) return undefined;
    // One that is wanted, and masked by somebody, is refused.
    const masked = (want.masked !== undefined || (isMasked(have) && (want.enabled || want.running))) && { masked: isMasked(have) };
    // Its socket is a unit of its own: a service that is to be off is, where that goes on listening.
    const off = { enabled: isEnabled(want, { ...have, socket: undefined }), running: runs(have) };
    return { ...want, ...(want.running || want.enabled ? { enabled: isEnabled(want, have), running: isRunning(have) } : off), ...masked };
  },
  undo(want, original, have) {
    if (have.load === "not-found") return original.id === undefined ? [] : nameless(byOwnName(want, original), original);
    if (isMasked(original)) return isMasked(have) ? [] : maskSteps(want, have);
    if (isMasked(have)) {
      const steps = [unmaskStep(want), ...afterUnmask({ ...want, enabled: original.enabled === "enabled", running: runs(original) })];
      return steps.map((step) => ({ ...step, late: true }));
    }
    if (want.keep) return runs(have) ? wakeSteps(want, have) : [];
    // One that could not be enabled was not: its unit had nothing to say of it then.
    const was = { ...want, enabled: original.enabled !== "static" && isEnabled(want, original), running: isRunning(original) };
    return [...enableSteps(was, have), ...(was.running ? wakeSteps(was, have) : stopSteps(was, have))];
  },
  heard: heardSteps,
  notes: (want, have) =>
    want.running && !isRunning(have) && have.result !== undefined ? [`does not run: ${saidOf(want.unit, have)}`] : [],
});

/** systemd keeps the result of the last try where it gives up: the count of its own restarts tells. */
function saidOf(unit: string, { active, result, restarts = 0 }: UnitSeen): string {
  const gaveUp = active === "failed" && (restarts > 0 || result === "start-limit-hit");
  const tried = restarts > 0 ? `, started again ${restarts === 1 ? "once" : counted(restarts, "time")}` : "";
  return `${result}${tried}${gaveUp ? ", and systemd starts it no more by itself" : ""}; \`journalctl -u ${unit} -n 50\` says why`;
}

function refuseMasked({ unit }: ServiceWant): Step {
  const sentence = `${unit}: expected a unit that may run, got one that somebody masked on the server; \`systemctl unmask ${unit}\` there if that was not meant`;
  return { change: `${refusing}\`${unit}\` is masked on the server`, property: "running", run: sh`printf '%s\n' ${sentence}\nexit 1` };
}

/** Switched off, it may lose its other names, and with them whoever asked for it by one. */
const byOwnName = <Want extends Pick<ServiceWant, "unit">>(want: Want, { id }: Pick<UnitSeen, "id">): Want => ({
  ...want,
  unit: id ?? want.unit,
});

/** Its other name is a part of being enabled. */
const nameless = ({ unit }: Pick<ServiceWant, "unit">, original: Kept<ServiceHave>): Step[] =>
  afterUnmask({ unit, enabled: original.enabled === "enabled", running: runs(original) }).map((step) => ({ ...step, late: true }));

/** A masked unit is stopped without its own words (KillMode, ExecStop): first the stop; but what can't be masked is not stopped either. */
function maskSteps(want: ServiceWant, have: UnitSeen): Step[] {
  const { unit } = want;
  const stop = stopSteps(want, have).map((step) => ({ ...step, run: sh`fleet_maskable ${unit}\n${step.run}` }));
  return [...stop, { change: "mask: nothing starts it", property: "masked", run: sh`fleet_mask ${unit}` }];
}
const unmaskStep = ({ unit }: Pick<ServiceWant, "unit">): Step => ({
  change: "unmask",
  property: "masked",
  run: sh`fleet_unmask ${unit}`,
});
/** One that failed too often within its time is refused, whatever has been put right since. */
const startAgain = (unit: string): Command => sh`systemctl reset-failed -- ${unit} 2>/dev/null || :\nsystemctl start -- ${unit}`;
/** What a masked unit would do was hidden by the mask. */
const afterUnmask = ({ unit, enabled, running }: Pick<ServiceWant, "unit" | "enabled" | "running">): Step[] => [
  ...(enabled ? [{ change: "enable at boot", property: "enabled", run: sh`unit_enable ${unit}` }] : []),
  ...(running ? [{ change: "start", property: "running", run: startAgain(unit) }] : []),
];

/** A package of the same run brings it, enabled and running as Debian has it. */
const offSteps = ({ unit }: ServiceWant, context: PlanContext): Step[] =>
  packageComes(context)
    ? [
        {
          change: "disable and stop it where its package starts it",
          property: "enabled",
          run: sh`fleet_disable ${unit} 2>/dev/null || :\nsystemctl stop -- ${unit} 2>/dev/null || :`,
        },
      ]
    : [];

const packageComes = ({ changed }: Pick<PlanContext, "changed">): boolean => [...changed].some((address) => address.startsWith("package["));

/** A static unit whose file changes in this run may be one that can be enabled by now. */
function installSteps({ unit, enabled }: ServiceWant, have: ServiceHave, { changed }: PlanContext): Step[] {
  if (!enabled || have.enabled !== "static" || !changed.has(`unit[${unit}]`)) return [];
  return [{ change: "enable at boot, as far as its new file says how", property: "enabled", run: sh`unit_enable ${unit}` }];
}

function enableSteps(want: ServiceWant, have: ServiceHave): Step[] {
  const { unit, enabled } = want;
  if (isEnabled(want, have) === enabled) return [];
  if (!enabled)
    return have.enabled.startsWith("enabled")
      ? [{ change: "disable at boot", property: "enabled", run: sh`fleet_disable ${byOwnName({ unit }, have).unit}` }]
      : [];
  return [{ change: "enable at boot", property: "enabled", run: sh`unit_enable ${unit}` }];
}

const stopSteps = ({ unit }: ServiceWant, { active }: UnitSeen): Step[] =>
  ["inactive", "failed"].includes(active) ? [] : [{ change: "stop", property: "running", run: sh`systemctl stop -- ${unit}` }];

/** One that does not run only has its files checked: what it would choke on does not land either. */
function keptSteps(want: ServiceWant, have: ServiceHave, context: PlanContext): Step[] {
  if (have.load !== "loaded") return [];
  return runs(have) ? runSteps(want, have, context) : checkSteps(want, have, context);
}

/** What it would choke on once it is switched on does not land either. */
function checkSteps(want: ServiceWant, have: ServiceHave, context: PlanContext): Step[] {
  if (have.load !== "loaded" && !packageComes(context)) return [];
  const news = [...watched(want).filter((address) => context.changed.has(address)), ...goneFor(want, context)];
  if (want.validate === undefined || (news.length === 0 && !context.pending)) return [];
  return [{ change: "check its files: it does not run", property: "running", run: serviceCommand(want, "check", news, context) }];
}

const goneFor = ({ below, ...want }: ServiceWant, { gone }: Pick<PlanContext, "gone">): readonly Address[] => {
  const isUnit = (address: Address) => isBelow(pathOfAddress(address), unitFolder);
  const listens = watched(want).length > 0;
  return gone.filter((address) => {
    const lies = below?.some((folder) => isBelow(pathOfAddress(address), folder)) ?? (listens || isUnit(address));
    return lies && (!isUnit(address) || isUnitOf(want, address));
  });
};

const unitFolder = "/etc/systemd/system";

/** Its own unit file or drop-in, or one that it shares with others: `app@.service`, `app-.service.d`, `service.d`. */
function isUnitOf({ unit }: Pick<ServiceWant, "unit">, address: Address): boolean {
  const [, file = ""] = pathOfAddress(address).slice(unitFolder.length).split("/");
  const [name, type] = [unit.slice(0, unit.lastIndexOf(".")), unit.slice(unit.lastIndexOf("."))];
  const of = file.replace(/\.d$/, "");
  const stem = of.endsWith(type) ? of.slice(0, -type.length) : undefined;
  const shared = stem?.endsWith("@") || (stem?.endsWith("-") && of !== file);
  return of === unit || (of !== file && of === type.slice(1)) || (shared === true && name.startsWith(stem!));
}

function serviceCommand(want: ServiceWant, action: string, news: readonly Address[], context: PlanContext): Command {
  // What an earlier run changed is not known one by one: `owed` stands for it, and can't be put back.
  const keys = [...(context.pending ? ["owed"] : []), ...news.map(storeKey)].join(" ");
  const heard = [...watched(want), ...goneFor(want, context)].map(storeKey);
  const log = want.log === undefined ? sh`` : sh`fleet_log=${want.log}\n`;
  return sh`${log}fleet_service ${want.unit} ${action} ${want.validate ?? ""} ${want.settle} ${keys} ${heard}`;
}

function runSteps(want: ServiceWant, have: ServiceHave, context: PlanContext): Step[] {
  const { changed } = context;
  const left = goneFor(want, context);
  const news = [...watched(want).filter((address) => changed.has(address)), ...left];
  const [action, said] = actionFor(want, have, { ...context, gone: left });
  if (!action) return [];
  const sentence = action === "reload" && listens(have) ? `${said.replace(/^reload/, "restart")}: its socket holds the port` : said;
  return [{ change: sentence, property: "running", run: serviceCommand(want, howTo(want, have, action), news, context) }];
}

/** What listens through its socket can't reload: it would open the port anew, which the socket holds. */
function howTo({ freshWorkers }: ServiceWant, have: ServiceHave, action: "restart" | "reload"): "restart" | "reload" | "renew" {
  if (action === "restart" || listens(have)) return "restart";
  return freshWorkers ? "renew" : "reload";
}

function actionFor(
  want: ServiceWant,
  have: ServiceHave,
  { changed, gone, pending }: PlanContext,
): readonly ["restart" | "reload", string] | readonly [undefined, ""] {
  // Its package may have started it since the look, with other files than these: a restart is right either way.
  if (!isRunning(have)) return ["restart", `start: it is \`${have.load === "not-found" ? have.load : have.active}\`${whyNot(have)}`];
  const heard = (addresses: readonly Address[]) => addresses.filter((address) => changed.has(address));
  const because = (addresses: readonly Address[]) =>
    ` after the change of ${addresses.slice(0, 3).join(", ")}${addresses.length > 3 ? " …" : ""}`;
  if (heard(want.restartOn).length > 0) return ["restart", `restart${because(heard(want.restartOn))}`];
  const [unit] = gone.filter((address) => isBelow(pathOfAddress(address), unitFolder));
  // Limits and environment are what the process was started with.
  if (unit) return ["restart", `restart: ${unit} is no longer wanted`];
  const action = want.restartOn.length > 0 ? "restart" : "reload";
  if (pending && watched(want).length > 0) return [action, `${action}: an earlier run was cut short before it`];
  if (gone.length > 0)
    return [
      want.reloadOn.length > 0 ? "reload" : "restart",
      `${want.reloadOn.length > 0 ? "reload" : "restart"}: ${gone[0]} is no longer wanted`,
    ];
  return heard(want.reloadOn).length > 0 ? ["reload", `reload${because(heard(want.reloadOn))}`] : [undefined, ""];
}

/** systemd's own word for why it does not run: `exit-code`, `start-limit-hit` (it failed too often), `oom-kill`. */
const whyNot = ({ result }: UnitSeen): string => (result === undefined ? "" : ` (${result})`);

/** Whoever wants it still has files of its own beside those that went back: they are checked together, or it goes on as it was. */
function heardSteps(want: ServiceWant, have: ServiceHave, undone: readonly Address[]): readonly Step[] {
  if (have.load !== "loaded" || !runs(have)) return [];
  const file = `/etc/systemd/system/${want.unit}`;
  const ofUnit = undone.filter((address) => [file, `${file}.d`].some((each) => isBelow(pathOfAddress(address), each)));
  const heard = [...ofUnit, ...goneFor(want, { gone: undone }), ...watched(want).filter((address) => undone.includes(address))];
  if (heard.length === 0) return [];
  // It may have stopped with what went back: its package, say.
  const first = sh`systemctl is-active -q -- ${want.unit} || exit 0\nsh -ec ${want.validate ?? ":"} </dev/null`;
  const steps = wakeSteps({ ...want, restartOn: [...want.restartOn, ...ofUnit] }, have);
  return steps.map((step) => ({ ...step, run: sh`${first}\n${step.run}` }));
}

/** Back to running as it was: with the files as they were, so after them. */
function wakeSteps(was: ServiceWant, have: ServiceHave): Step[] {
  if (!isRunning(have)) return [{ change: "start", property: "running", late: true, run: startAgain(was.unit) }];
  if (watched(was).length === 0) return [];
  const action = was.restartOn.length > 0 || listens(have) ? "restart" : "reload";
  return [
    {
      change: `${action} with the files as they were`,
      property: "running",
      late: true,
      run: was.unit.endsWith(".socket")
        ? sh`fleet_reopen ${was.unit}`
        : sh`systemctl reset-failed -- ${was.unit} 2>/dev/null || :\nsystemctl ${action} -- ${was.unit}`,
    },
  ];
}
