import { expect, test } from "vitest";
import { modulesFor, SysctlParams, sysctlEntries } from "../../templates/sysctl/entries.ts";
import { sysctlPresets } from "../../templates/sysctl/presets.ts";

const expand = (params: object) => sysctlEntries(SysctlParams.parse(params));

test("serverfest: the write-up's values, the connection tracking under its present name", () => {
  const { entries, notes, problems } = expand({ preset: "serverfest" });
  expect(entries).toEqual({
    "fs.file-max": "1048576",
    "net.ipv4.ip_local_port_range": "1024 65535",
    "net.core.wmem_max": "16777216",
    "net.core.rmem_max": "16777216",
    "net.ipv4.tcp_wmem": "4096 65536 16777216",
    "net.ipv4.tcp_rmem": "4096 87380 16777216",
    "net.core.somaxconn": "8192",
    "net.core.netdev_max_backlog": "8000",
    "net.ipv4.tcp_max_syn_backlog": "8192",
    "net.ipv4.tcp_synack_retries": "3",
    "net.ipv4.tcp_retries2": "5",
    "net.ipv4.tcp_keepalive_time": "900",
    "net.ipv4.tcp_keepalive_probes": "3",
    "net.ipv4.tcp_keepalive_intvl": "15",
    "net.netfilter.nf_conntrack_max": "1000000",
  });
  expect(notes).toEqual(["`net.nf_conntrack_max` is called `net.netfilter.nf_conntrack_max` today"]);
  expect(problems).toEqual([]);
  expect(modulesFor(entries)).toEqual(["nf_conntrack"]);
});

test("isucon: the values of the benchmark host and the contestants", () => {
  expect(expand({ preset: "isucon" }).entries).toEqual({
    "fs.file-max": "1048576",
    "net.core.somaxconn": "65535",
    "net.core.rmem_max": "16777216",
    "net.core.wmem_max": "16777216",
    "net.ipv4.tcp_rmem": "4096 87380 16777216",
    "net.ipv4.tcp_wmem": "4096 65536 16777216",
    "net.ipv4.tcp_tw_reuse": "1",
    "net.ipv4.tcp_fin_timeout": "10",
    "net.ipv4.ip_local_port_range": "10000 65535",
    "net.ipv4.tcp_max_syn_backlog": "65535",
    "net.ipv4.tcp_max_tw_buckets": "2000000",
    "net.core.netdev_max_backlog": "16384",
    "net.ipv4.tcp_fastopen": "3",
    "net.ipv4.tcp_syncookies": "0",
    "vm.swappiness": "1",
  });
});

test("every entry of a preset says where it comes from", () => {
  const entries = Object.values(sysctlPresets).flatMap((preset) => Object.values(preset));
  expect(entries.length).toBe(30);
  expect(entries.filter(({ source }) => source.length < 10)).toEqual([]);
});

test("overrides win by name, under the old name too, and null takes an entry out", () => {
  const overrides = {
    "net.core.somaxconn": 4096,
    "net.ipv4.ip_conntrack_max": "5",
    "net.core.rmem_max": null,
    "net.ipv4.tcp_mem": "1  2   3",
  };
  const { entries } = expand({ preset: "serverfest", overrides });
  expect(entries).toMatchObject({ "net.core.somaxconn": "4096", "net.netfilter.nf_conntrack_max": "5", "net.ipv4.tcp_mem": "1 2 3" });
  expect(entries).not.toHaveProperty(["net.core.rmem_max"]);
});

test("a port range reserves the listening ports inside it, once each and in order", () => {
  const reserved = (params: object) =>
    expand({ reservedPorts: [8080, 22, 11211, 3306, 8080], ...params }).entries["net.ipv4.ip_local_reserved_ports"];
  expect(reserved({ preset: "serverfest" })).toBe("3306,8080,11211");
  expect(reserved({ preset: "isucon" })).toBe("11211");
  expect(reserved({ preset: "none" })).toBeUndefined();
  expect(reserved({ preset: "serverfest", overrides: { "net.ipv4.ip_local_reserved_ports": "9000" } })).toBe("9000");
});

test("what the kernel no longer has is refused with the reason", () => {
  const { entries, problems } = expand({ overrides: { "net.ipv4.tcp_tw_recycle": 1, "net.ipv4.ip_local_port_range": "65535 1024" } });
  expect(entries).not.toHaveProperty(["net.ipv4.tcp_tw_recycle"]);
  expect(problems).toEqual([
    {
      path: 'overrides["net.ipv4.tcp_tw_recycle"]',
      reason: "`net.ipv4.tcp_tw_recycle` is removed in Linux 4.12, it dropped clients behind NAT; set `net.ipv4.tcp_tw_reuse`",
    },
    { path: 'overrides["net.ipv4.ip_local_port_range"]', reason: "expected two ports, the lower one first, got `65535 1024`" },
  ]);
});

test("a line break gets into no value", () => {
  expect(SysctlParams.safeParse({ overrides: { "vm.swappiness": "1\nkernel.panic = 1" } }).success).toBe(false);
});
