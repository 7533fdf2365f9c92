// What a look at a server says of its health. Pure.
import { typed } from "../../spec/typed.ts";
import { isRight, type Service, staysOff } from "../look/found.ts";
import type { Seen } from "../look/look.ts";
import { type Finding, findingsOf } from "./finding.ts";

export interface Place {
  readonly stack: string;
  readonly server: string;
  readonly now: Date;
  readonly undone: readonly string[];
  /** Who we are: a lock of our own is no second operator. */
  readonly me: string;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Seconds that clocks may be apart: signatures, tokens and merged logs bear the first, nothing bears the second. */
const [apart, farApart] = [2, 30];
const [full, veryFull] = [0.85, 0.95];
/** Days before a certificate's end. */
const [soon, now] = [21, 3];

export function serverFindings(seen: Seen, place: Place): readonly Finding[] {
  return [
    clock(seen, place),
    ...disks(seen, place),
    memory(seen, place),
    services(seen, place),
    packages(seen, place),
    dns(seen, place),
    reboot(seen, place),
    ...certificates(seen, place),
    ...operators(seen, place),
    ...left(seen, place),
  ];
}

/** What people type for a server of this stack. */
const onServer = ({ stack, server }: Place, command: string): string => `${typed()} run -s ${stack} ${server} --sudo -- ${command}`;

function clock({ ahead, clock: kept }: Seen, place: Place): Finding {
  const { ok, warning, failure } = findingsOf(place.server);
  const way = `${Math.abs(ahead).toFixed(1)} s ${ahead < 0 ? "behind" : "ahead of"} this computer's`;
  const service = { mend: onServer(place, "apt-get install -y systemd-timesyncd") };
  const turnOn = { mend: onServer(place, "timedatectl set-ntp true"), fix: "timedatectl set-ntp true" };
  const more = kept === "left" ? turnOn : kept === "alone" ? service : { mend: onServer(place, "timedatectl") };
  if (Math.abs(ahead) > farApart) return failure("clock", way, more);
  if (Math.abs(ahead) > apart) return warning("clock", way, more);
  return kept === "left" || kept === "alone" ? warning("clock", "right, and nothing keeps it so", more) : ok("clock", "as this computer's");
}

function disks({ disks: all }: Seen, place: Place): readonly Finding[] {
  const { ok, warning, failure } = findingsOf(place.server);
  const tight = all.filter(({ used }) => used >= full);
  if (tight.length === 0) return [ok("disk", all.map(({ place: where, used }) => `${where} ${percent(used)}`).join(", "))];
  return tight.map(({ place: where, used, sizeGB }) => {
    const text = `${where} is ${percent(used)} full (${sizeGB} GB)`;
    const more = { mend: onServer(place, `du -xhd2 ${where} | sort -h | tail -n 15`) };
    return used >= veryFull ? failure("disk", text, more) : warning("disk", text, more);
  });
}

function memory({ memoryMiB, memoryUsed }: Seen, place: Place): Finding {
  const { ok, warning } = findingsOf(place.server);
  const text = `${percent(memoryUsed)} of ${memoryMiB} MiB used`;
  return memoryUsed < veryFull
    ? ok("memory", text)
    : warning("memory", text, { mend: onServer(place, "ps -eo rss,comm --sort=-rss | head") });
}

function services({ services: all, broken }: Seen, place: Place): Finding {
  const { ok, warning, failure } = findingsOf(place.server);
  const names = (some: readonly Service[]) => some.map(({ unit }) => unit);
  const wanted = all.filter(({ wanted: how }) => how !== "off");
  const off = all.filter(({ wanted: how }) => how === "off");
  const logs = (units: readonly string[]) => ({
    mend: `${typed()} logs -s ${place.stack} ${place.server} ${units.map((unit) => `--unit ${unit}`).join(" ")}`,
  });
  const down = names(wanted.filter((each) => !isRight(each)));
  if (down.length > 0) return failure("services", `${down.join(", ")} ${down.length === 1 ? "does" : "do"} not run`, logs(down));
  const up = names(off.filter((each) => !isRight(each)));
  if (up.length > 0)
    return failure("services", `${up.join(", ")} ${up.length === 1 ? "runs" : "run"}, which the stack wants off`, {
      mend: `${typed()} up ${place.stack}`,
    });
  const others = broken.filter((unit) => !all.some((each) => each.unit === unit));
  if (others.length > 0) return warning("services", `${others.join(", ")} failed`, logs(others));
  const disabled = names(wanted.filter(staysOff));
  if (disabled.length > 0)
    return warning("services", `${disabled.join(", ")} would not run after a reboot`, {
      mend: onServer(place, `systemctl enable ${disabled.join(" ")}`),
    });
  const enabled = names(off.filter((each) => each.enabled === "enabled"));
  if (enabled.length > 0)
    return warning("services", `${enabled.join(", ")} would run after a reboot, which the stack wants off`, {
      mend: `${typed()} up ${place.stack}`,
    });
  const said = [
    wanted.length === 0 ? "none that the stack wants, and none that failed" : `${names(wanted).join(", ")} run`,
    ...(off.length === 0 ? [] : [`off as wanted: ${names(off).join(", ")}`]),
  ];
  return ok("services", said.join("; "));
}

function packages({ halfInstalled }: Seen, place: Place): Finding {
  const { ok, failure } = findingsOf(place.server);
  if (halfInstalled.length === 0) return ok("packages", "all whole");
  // Keeps what somebody changed in configuration files, and asks nothing.
  const fix = "DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a";
  return failure("packages", `half installed: ${halfInstalled.join(", ")}`, { mend: onServer(place, "dpkg --configure -a"), fix });
}

function dns({ unresolved }: Seen, place: Place): Finding {
  const { ok, warning } = findingsOf(place.server);
  if (unresolved.includes("own"))
    return warning("dns", "does not know its own name: sudo waits for an answer at each call", { mend: `${typed()} up ${place.stack}` });
  if (unresolved.length > 0)
    return warning("dns", `no answer for ${unresolved.join(", ")}`, { mend: onServer(place, "cat /etc/resolv.conf") });
  return ok("dns", "names are found");
}

function reboot({ rebootFor }: Seen, place: Place): Finding {
  const { ok, warning } = findingsOf(place.server);
  if (rebootFor === undefined) return ok("reboot", "none is needed");
  return warning("reboot", `needed${rebootFor === "" ? "" : ` for ${rebootFor}`}`, { mend: onServer(place, "systemctl reboot") });
}

function certificates({ certificates: all }: Seen, place: Place): readonly Finding[] {
  const { ok, warning, failure } = findingsOf(place.server);
  return all.map(({ path, until }) => {
    const days = Math.floor((Date.parse(until) - place.now.getTime()) / 86_400_000);
    const text = `${path} ${days < 0 ? "ended" : "ends"} ${until.slice(0, 10)}`;
    const more = {
      mend: path.startsWith("/etc/letsencrypt/")
        ? onServer(place, "certbot renew")
        : onServer(place, `openssl x509 -noout -subject -dates -in ${path}`),
    };
    return days < now ? failure("certificate", text, more) : days < soon ? warning("certificate", text, more) : ok("certificate", text);
  });
}

function operators({ lock }: Seen, place: Place): readonly Finding[] {
  const { ok, warning } = findingsOf(place.server);
  if (!lock) return [ok("operators", "nobody is at work")];
  const text = `${lock.who} is at work: ${lock.what}, since ${lock.since}`;
  return [
    lock.who === place.me
      ? ok("operators", text)
      : warning("operators", text, { advice: "ask them; what changes a server waits for the lock" }),
  ];
}

function left({ leftovers }: Seen, place: Place): readonly Finding[] {
  const { ok, warning, failure } = findingsOf(place.server);
  const undone = place.undone.map((each) => failure("last run", each, { mend: `${typed()} up ${place.stack}` }));
  const files = leftovers.map((path) =>
    warning("last run", `${path} was left by a run that was cut short`, { mend: onServer(place, `rm -r ${path}`) }),
  );
  return undone.length + files.length > 0 ? [...undone, ...files] : [ok("last run", "left nothing undone")];
}
