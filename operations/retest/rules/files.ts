// Files, folders and disks that a boot takes away, or brings in another shape.
import { failure, firstOf, isFleeting, of, type Rule, systemOf, warning } from "./rule.ts";

const runs = new Set(["active", "activating"]);

const tmpfs: Rule = {
  name: "tmpfs-files",
  looks: "files in memory that a service needs (/run, /tmp, /dev/shm)",
  find: ({ paths, mysql }) => [
    ...paths
      .filter(([, key = "", path = "", there, type = "", real = ""]) => {
        // Where a service writes its own socket or pid is no file that it needs.
        const needed = !/argument/.test(key) || !/\.(sock|pid|socket|log)$/.test(path);
        return (
          there === "yes" && needed && (isFleeting(path, type) || isFleeting(real, type)) && !/^\/(dev|proc|sys)\/(null|std|fd)/.test(path)
        );
      })
      .map(([unit, key = "", path, , , real]) =>
        failure(
          `${unit}: ${path}${real !== path ? ` (${real})` : ""} (${key}) lies in memory or is emptied at a boot: it will not be there`,
        ),
      ),
    ...of(mysql, "data")
      .filter(([path = "", type = ""]) => isFleeting(path, type))
      .map(([path]) => failure(`the database keeps its data in ${path}, in memory: the reboot loses all of it`)),
  ],
};

const missing: Rule = {
  name: "missing-files",
  looks: "files that an enabled service starts from, and that are gone",
  find: ({ paths, units }) =>
    paths
      .filter(([id, key = "", , there]) => {
        const unit = units.find(({ Id }) => Id === id);
        const wanted = unit?.UnitFileState === "enabled" || runs.has(unit?.ActiveState ?? "");
        return there === "no" && wanted && !/argument|optional/.test(key);
      })
      .map(([unit, key, path]) => failure(`${unit}: ${path} (${key}) is not there: it runs on and will not start again`)),
};

const runtimeDirectory: Rule = {
  name: "runtime-directory",
  looks: "folders in /run that nothing makes again",
  find: ({ runtime, units }) => {
    const made = new Set([
      ...of(runtime, "made").map(([path = ""]) => path.replace(/^(\/run\/[^/]+).*/, "$1")),
      ...units.flatMap(({ RuntimeDirectory = "" }) =>
        RuntimeDirectory.split(" ")
          .filter(Boolean)
          .map((each) => `/run/${each.split("/")[0]}`),
      ),
    ]);
    return of(runtime, "folder")
      .filter(([path = ""]) => !made.has(path))
      .map(([path = "", user = ""]) =>
        failure(
          `${path} of ${user} was made by hand: no RuntimeDirectory= and no tmpfiles.d makes it again`,
          `echo 'd ${path} 0755 ${user} ${user} -' > /etc/tmpfiles.d/${path.split("/").at(-1)}.conf`,
        ),
      );
  },
};

const links: Rule = {
  name: "links",
  looks: "links of configurations into a home that is not there, or not readable, at boot",
  find: ({ links: rows, mounts, units }) => {
    const written = new Set(of(mounts, "fstab").map(([target]) => target));
    const byUnit = new Set(
      of(mounts, "mounted")
        .filter(([, , , , file]) => file !== "" && file !== undefined)
        .map(([target]) => target),
    );
    return rows.flatMap(([path = "", real = "", there, mount = "/"]) => {
      if (there === "no") return /\.wants\/|\.requires\//.test(path) ? [] : [failure(`${path} leads to ${real}, which is not there`)];
      if (mount !== "/" && mount !== "" && !written.has(mount) && !byUnit.has(mount))
        return [failure(`${path} leads to ${real}, on ${mount}, which nothing mounts at boot`)];
      if (mount !== "/" && mount !== "" && path.startsWith("/etc/systemd/system/"))
        return [failure(`${path} leads to ${real}, on ${mount}: units are read before it is mounted`)];
      const shut = units.find(
        ({ Id = "", ProtectHome = "no" }) => /^(mysql|mysqld|mariadb)\.service$/.test(Id) && ["yes", "tmpfs", "true"].includes(ProtectHome),
      );
      return path.startsWith("/etc/mysql/") && /^\/(home|root)\//.test(real) && shut
        ? [failure(`${path} leads to ${real}, and ${shut.Id} has ProtectHome=: it starts without that file, and says nothing`)]
        : [];
    });
  },
};

/** A disk's place by which it is found whatever the order of its finding. */
const isStable = (source: string): boolean =>
  !source.startsWith("/dev/") || /^\/dev\/(disk\/by-|mapper\/|md\/)/.test(source) || source.split("/").length > 3;

const names: Rule = {
  name: "disk-names",
  looks: "disks in /etc/fstab by names that another boot gives to another disk",
  find: ({ mounts }) =>
    of(mounts, "fstab")
      .filter(([, source = ""]) => !isStable(source))
      .map(([target, source]) =>
        failure(
          `/etc/fstab mounts ${target} from ${source}, a name that another boot may give to another disk`,
          `blkid ${source}    # and its UUID= in /etc/fstab`,
        ),
      ),
};

const disks: Rule = {
  name: "disks",
  looks: "disks in /etc/fstab that are not there",
  find: (facts) =>
    systemOf(facts).inContainer
      ? []
      : of(facts.mounts, "fstab")
          .filter(([, , , options = "", there]) => there === "no" && !/\bnofail\b|\bnoauto\b/.test(options))
          .map(([target, source]) =>
            failure(`/etc/fstab mounts ${target} from ${source}, which is not there: the boot waits for it, and stops`),
          ),
};

const dataTypes = /^(ext[234]|xfs|btrfs|zfs|f2fs|nfs4?|cifs|tmpfs|ramfs|overlay|fuse.*|vfat)$/;

const mounted: Rule = {
  name: "mounts",
  looks: "mounts that nothing makes again",
  find: (facts) => {
    const { mounts } = facts;
    const written = new Set(of(mounts, "fstab").map(([target]) => target));
    const { inContainer } = systemOf(facts);
    return [
      ...of(mounts, "mounted")
        .filter(
          ([target = "", , type = "", , file = ""]) =>
            target !== "/" && dataTypes.test(type) && file === "" && !written.has(target) && !(inContainer && target.startsWith("/etc/")),
        )
        .map(([target, source]) => failure(`${target} (${source}) is mounted by hand: it is in no fstab and no unit`)),
      ...of(mounts, "swap")
        .filter(
          ([place = "", file = ""]) =>
            file === "" && !of(mounts, "fstab").some(([, source, type]) => type === "swap" && (source === place || source?.includes("="))),
        )
        .map(([place]) => warning(`swap on ${place} was switched on by hand`, `echo '${place} none swap sw 0 0' >> /etc/fstab`)),
    ];
  },
};

const options: Rule = {
  name: "mount-options",
  looks: "mounts whose options were changed at run time",
  find: ({ mounts }) =>
    of(mounts, "fstab").flatMap(([target = "", , , said = ""]) => {
      const [, , , live = ""] = of(mounts, "mounted").find(([each]) => each === target) ?? [];
      if (live === "") return [];
      const has = (all: string, option: string) => all.split(",").includes(option);
      return ["noatime", "ro"]
        .filter((option) => has(live, option) !== has(said, option))
        .map((option) => warning(`${target} is mounted ${has(live, option) ? "with" : "without"} ${option}, /etc/fstab says otherwise`));
    }),
};

const hosts: Rule = {
  name: "hosts",
  looks: "/etc/hosts that cloud-init writes again, and a name that is not kept",
  find: ({ hosts: rows }) => {
    const [manage, cloud] = [firstOf(rows, "manage"), firstOf(rows, "cloud", "off")];
    const template = of(rows, "template").map(([line = ""]) => line.split(" ")[0]);
    const own = of(rows, "host")
      .map(([line = ""]) => line)
      .filter((line) => !/^(127\.|::1|ff0|fe0)/.test(line) && !template.includes(line.split(" ")[0]));
    const [live = "", kept = ""] = of(rows, "hostname")[0] ?? [];
    return [
      ...(cloud === "on" && /^["']?(true|template|yes|on)\b/i.test(manage) && own.length > 0
        ? [
            failure(
              `cloud-init writes /etc/hosts again at the boot (manage_etc_hosts: ${manage}): ${own.slice(0, 3).join("; ")} will be gone`,
              "echo 'manage_etc_hosts: false' > /etc/cloud/cloud.cfg.d/99-hosts.cfg",
            ),
          ]
        : []),
      ...(live !== "" && kept !== "" && live !== kept && live !== kept.split(".")[0]
        ? [warning(`it is called ${live}, and ${kept} after the reboot`, `hostnamectl set-hostname ${live}`)]
        : []),
    ];
  },
};

const crontab: Rule = {
  name: "crontab",
  looks: "@reboot in crontabs",
  find: ({ cron }) => {
    const state = firstOf(cron, "cron");
    return cron
      .filter(([first]) => first !== "cron")
      .map(([file, command = ""]) =>
        state === "enabled"
          ? warning(`${file}: @reboot ${command}: starts in no order, once, and nobody hears of its failure`)
          : failure(`${file}: @reboot ${command}: cron is not enabled: it will not start`, "systemctl enable cron"),
      );
  },
};

const firewall: Rule = {
  name: "firewall",
  looks: "rules of a firewall that no boot loads",
  find: ({ firewall: rows }) => {
    const loaders = new Set(of(rows, "loader").map(([name]) => name));
    if (["netfilter-persistent", "ufw", "firewalld", "docker"].some((each) => loaders.has(each))) return [];
    const written = of(rows, "file").map(([name = ""]) => name.replace(/\s+/g, " ").trim());
    return of(rows, "table")
      .map(([name = ""]) => name.replace(/\s+/g, " ").trim())
      .filter((name) => !/f2b|fail2ban/.test(name) && !(loaders.has("nftables") && written.includes(name)))
      .map((name) =>
        warning(
          `the firewall's table ${name} is loaded by no service at boot`,
          "nft list ruleset > /etc/nftables.conf && systemctl enable nftables",
        ),
      );
  },
};

export const fileRules: readonly Rule[] = [
  tmpfs,
  missing,
  runtimeDirectory,
  links,
  names,
  disks,
  mounted,
  options,
  hosts,
  crontab,
  firewall,
];
