// Units whose state now is not the one that a boot makes.
import type { RetestFacts, Unit } from "../facts.ts";
import { failure, isTeams, of, type Rule, systemOf, warning, words } from "./rule.ts";

const service = ({ Id = "" }: Unit): boolean => Id.endsWith(".service");
const runs = ({ ActiveState }: Unit): boolean => ActiveState === "active" || ActiveState === "activating" || ActiveState === "reloading";

/** Something else that starts with the boot has it started: a target, what is enabled, or what is pulled by one of them itself. */
const isPulled = (unit: Unit, all: readonly Unit[]): boolean =>
  [...words(unit.WantedBy), ...words(unit.RequiredBy), ...words(unit.TriggeredBy)].some((by) => {
    if (by.endsWith(".target")) return true;
    const other = all.find(({ Id }) => Id === by);
    return (
      other !== undefined &&
      (/^(enabled|generated)/.test(other.UnitFileState ?? "") ||
        isPulled(
          other,
          all.filter(({ Id }) => Id !== by),
        ))
    );
  });

/** Services that run, and that no boot starts. */
export const lostUnits = ({ units }: Pick<RetestFacts, "units">): readonly string[] =>
  units
    .filter((unit) => service(unit) && runs(unit) && ["disabled", "linked"].includes(unit.UnitFileState ?? "") && !isPulled(unit, units))
    .flatMap(({ Id }) => Id ?? []);

const notEnabled: Rule = {
  name: "not-enabled",
  looks: "services that run and are not enabled",
  find: (facts) => lostUnits(facts).map((id) => failure(`${id} runs and is not enabled: the reboot ends it`, `systemctl enable ${id}`)),
};

/** What generators write comes again at each boot. */
const runtimeDropIns = (paths = ""): readonly string[] =>
  words(paths).filter((path) => /^\/run\/systemd\/(?:system|system\.control|transient)\//.test(path));

const runtimeUnits: Rule = {
  name: "runtime-units",
  looks: "services, and settings of theirs, that only this boot knows (systemd-run, enable, link, edit and set-property --runtime)",
  find: ({ units, masked }) => [
    ...units
      .filter((unit) => service(unit) && runs(unit) && unit.UnitFileState === "transient")
      .map(({ Id = "" }) => failure(`${Id} was started by systemd-run, and has no file: the reboot ends it`)),
    ...masked
      .filter(([, state]) => state === "enabled-runtime" || state === "linked-runtime")
      .map(([id = ""]) => failure(`${id} is enabled for this boot alone`, `systemctl enable ${id}`)),
    ...units
      .filter((unit) => service(unit) && runs(unit))
      .flatMap(({ Id = "", DropInPaths }) => runtimeDropIns(DropInPaths).map((path) => [Id, path] as const))
      .map(([id, path]) =>
        failure(
          `${id} has settings for this boot alone: ${path}`,
          `install -D -m 644 ${path} /etc/systemd/system/${id}.d/${path.split("/").at(-1)}; systemctl daemon-reload`,
        ),
      ),
  ],
};

const masked: Rule = {
  name: "masked",
  looks: "units that are masked and run, are needed, or are masked for this boot alone",
  find: ({ units, masked: files }) => {
    const hidden = new Set([
      ...files.filter(([, state]) => state === "masked").map(([id = ""]) => id),
      ...units.filter(({ UnitFileState }) => UnitFileState === "masked").map(({ Id = "" }) => Id),
    ]);
    return [
      ...units
        .filter((unit) => hidden.has(unit.Id ?? "") && runs(unit))
        .map(({ Id = "" }) => failure(`${Id} runs and is masked: a boot does not start it`, `systemctl unmask ${Id}`)),
      ...units
        .filter((unit) => unit.UnitFileState === "enabled")
        .flatMap(({ Id = "", Requires, BindsTo }) =>
          [...words(Requires), ...words(BindsTo)]
            .filter((each) => hidden.has(each))
            .map((each) => failure(`${Id} requires ${each}, which is masked: it will not start`, `systemctl edit ${Id}`)),
        ),
      ...files
        .filter(([id = "", state]) => state === "masked-runtime" && /\.(service|timer|socket)$/.test(id))
        .map(([id = ""]) => failure(`${id} is masked for this boot alone: the next one starts it again`, `systemctl mask ${id}`)),
    ];
  },
};

const broken: Rule = {
  name: "broken-units",
  looks: "units that are enabled and failed, can't be read or have no file",
  find: ({ units }) =>
    units
      .filter(({ UnitFileState }) => ["enabled", "bad", ""].includes(UnitFileState ?? ""))
      .flatMap((unit) => {
        const { Id = "", ActiveState, LoadState, WantedBy = "", UnitFileState } = unit;
        if (ActiveState === "failed" && UnitFileState === "enabled")
          return [failure(`${Id} is enabled and has failed`, `systemctl status ${Id}`)];
        if (LoadState === "bad-setting" || LoadState === "error")
          return [failure(`${Id} has a file that systemd can't read`, `systemd-analyze verify ${Id}`)];
        // Others are named by what would like to have them, and are not missed.
        if (LoadState === "not-found" && WantedBy.includes("multi-user.target"))
          return [warning(`${Id} is enabled and its file is gone`, `systemctl disable ${Id}`)];
        return [];
      }),
};

const stopped: Rule = {
  name: "stopped",
  looks: "services that are enabled and do not run",
  find: ({ units }) =>
    units
      .filter(
        (unit) =>
          service(unit) &&
          isTeams(unit) &&
          unit.UnitFileState === "enabled" &&
          unit.ActiveState === "inactive" &&
          unit.Type !== "oneshot" &&
          !words(unit.TriggeredBy).some((by) => units.some((each) => each.Id === by && runs(each))) &&
          !(unit.ConditionResult === "no" && (unit.ConditionTimestampMonotonic ?? "0") !== "0"),
      )
      .map(({ Id = "" }) => warning(`${Id} is enabled and does not run: the reboot starts it`, `systemctl disable ${Id}`)),
};

const reload: Rule = {
  name: "unit-files",
  looks: "unit files that were changed after systemd read them",
  find: ({ units }) =>
    units
      .filter((unit) => unit.NeedDaemonReload === "yes" && isTeams(unit))
      .map(({ Id = "" }) =>
        warning(
          `${Id}: its file was changed after systemd read it: the boot runs another one`,
          `systemctl daemon-reload && systemctl restart ${Id}`,
        ),
      ),
};

const requires: Rule = {
  name: "requires",
  looks: "services that a boot would start because another one requires them",
  find: ({ units }) =>
    units
      .filter((unit) => unit.UnitFileState === "enabled" && isTeams(unit))
      .flatMap(({ Id = "", Requires, BindsTo }) =>
        [...words(Requires), ...words(BindsTo)].flatMap((each) => {
          const other = units.find((unit) => unit.Id === each);
          if (!each.endsWith(".service") || !other) return [];
          if (other.LoadState === "not-found") return [failure(`${Id} requires ${each}, which is not there: it will not start`)];
          return other.UnitFileState === "disabled" && other.ActiveState === "inactive"
            ? [warning(`${Id} requires ${each}, which is off: the reboot starts it`, `systemctl edit ${Id}`)]
            : [];
        }),
      ),
};

const once: Rule = {
  name: "starts-once",
  looks: "services of the team that are not started again when their first start fails",
  find: ({ units }) =>
    units
      .filter(
        (unit) =>
          service(unit) &&
          (unit.FragmentPath ?? "").startsWith("/etc/systemd/system/") &&
          unit.UnitFileState === "enabled" &&
          ["simple", "exec", "notify", "forking"].includes(unit.Type ?? "") &&
          unit.Restart === "no",
      )
      .map(({ Id = "" }) =>
        warning(
          `${Id} has no Restart=: where its database comes up after it, it stays down`,
          `systemctl edit ${Id}    # Restart=always, RestartSec=1`,
        ),
      ),
};

const language =
  /^(.+)[-.](go|golang|node|nodejs|js|ts|deno|bun|ruby|rb|python|py|php|perl|pl|rust|java|kotlin|cpp|crystal|elixir|haskell|nim|scala|swift)\.service$/;

const languages: Rule = {
  name: "languages",
  looks: "one application enabled in two languages",
  find: ({ units }) => {
    const enabled = units.flatMap(({ Id = "", UnitFileState }) => {
      const [, app, by] = language.exec(Id) ?? [];
      return UnitFileState === "enabled" && app !== undefined ? [{ app, by }] : [];
    });
    return [...new Set(enabled.map(({ app }) => app))].flatMap((app) => {
      const all = enabled.filter((each) => each.app === app).map(({ by }) => by);
      return all.length > 1
        ? [failure(`${app} is enabled in ${all.length} languages (${all.join(", ")}): all of them start, and one gets the port`)]
        : [];
    });
  },
};

const limits: Rule = {
  name: "limits",
  looks: "limits that were raised on a running process",
  find: ({ limits: rows }) =>
    rows
      .filter(([, unit = "", live = ""]) => amount(live) > amount(unit))
      .map(([id = "", unit, live]) =>
        failure(
          `${id} runs with ${live} open files, its unit says ${unit}: the reboot brings ${unit}`,
          `systemctl edit ${id}    # LimitNOFILE=${live}`,
        ),
      ),
};
const amount = (text: string): number => (["infinity", "unlimited"].includes(text) ? Number.POSITIVE_INFINITY : Number(text));

const target: Rule = {
  name: "boot-target",
  looks: "a system that boots into something else",
  find: (facts) => {
    const { boots } = systemOf(facts);
    return ["", "multi-user.target", "graphical.target"].includes(boots)
      ? []
      : [failure(`it boots into ${boots}, where no service starts`, "systemctl set-default multi-user.target")];
  },
};

const update: Rule = {
  name: "update",
  looks: "an update that the reboot puts in place",
  find: (facts) =>
    systemOf(facts).updateWaits ? [warning("an update waits for a reboot: another kernel or library comes up than was measured")] : [],
};

/** A login's; where no session is kept, what it started stays with sshd. */
const byHand = /\/(session-[^/]*\.scope|sshd?(@[^/]*)?\.service)$/;

const loose: Rule = {
  name: "outside-units",
  looks: "processes and ports that no unit starts",
  find: ({ processes }) => {
    const lingering = new Set(of(processes, "linger").map(([user]) => user));
    const ports = of(processes, "port").flatMap(([protocol, port, name = "", group = ""]) => {
      const place = `${name} on port ${port}${protocol === "udp" ? "/udp" : ""}`;
      if (byHand.test(group) && !/^sshd?\b/.test(name)) return [failure(`${place} was started by hand, in no unit: the reboot ends it`)];
      const [, uid] = /\/user@(\d+)\.service\//.exec(group) ?? [];
      return uid !== undefined && lingering.size === 0
        ? [
            failure(
              `${place} is a unit of user ${uid}'s own, who has no linger: it starts when somebody logs in`,
              `loginctl enable-linger $(id -un ${uid})`,
            ),
          ]
        : [];
    });
    const others = of(processes, "loose")
      .filter(([name = ""]) => !ports.some(({ text }) => text.startsWith(`${name} on port`)))
      .map(([name, command]) => warning(`${name} was left running by a login (${(command ?? "").trim()}): the reboot ends it`));
    return [...new Map([...ports, ...others].map((each) => [each.text, each])).values()];
  },
};

const containers: Rule = {
  name: "containers",
  looks: "containers that no boot starts",
  find: ({ processes }) =>
    of(processes, "container")
      .filter(([, policy]) => policy === "" || policy === "no")
      .map(([name = ""]) =>
        failure(
          `container ${name.replace(/^\//, "")} has no restart policy: the reboot ends it`,
          `docker update --restart unless-stopped ${name.replace(/^\//, "")}`,
        ),
      ),
};

export const unitRules: readonly Rule[] = [
  notEnabled,
  runtimeUnits,
  masked,
  broken,
  stopped,
  reload,
  requires,
  once,
  languages,
  limits,
  target,
  update,
  loose,
  containers,
];
