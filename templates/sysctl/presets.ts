// The kernel settings of two write-ups, each value as its authors gave it, with where it comes from.

export const sysctlPresetNames = ["serverfest", "isucon", "none"] as const;
export type SysctlPreset = (typeof sysctlPresetNames)[number];

export interface PresetEntry {
  readonly value: string;
  /** Which write-up, and what the setting is for. */
  readonly source: string;
}

const serverfest2013 = "Serverfest 2013 sysctl.conf (ijin)";
const bench = "ISUCON11 qualifier, the official benchmark host";
const contestant = "ISUCON11 contestant (narusejun)";

/** Serverfest 2013: WordPress as fast as it gets, behind LVS. `net.nf_conntrack_max` gets its present name when expanded. */
const serverfest: Readonly<Record<string, PresetEntry>> = {
  "fs.file-max": { value: "1048576", source: serverfest2013 },
  "net.ipv4.ip_local_port_range": { value: "1024 65535", source: serverfest2013 },
  "net.core.wmem_max": { value: "16777216", source: serverfest2013 },
  "net.core.rmem_max": { value: "16777216", source: serverfest2013 },
  "net.ipv4.tcp_wmem": { value: "4096 65536 16777216", source: serverfest2013 },
  "net.ipv4.tcp_rmem": { value: "4096 87380 16777216", source: serverfest2013 },
  "net.core.somaxconn": { value: "8192", source: serverfest2013 },
  "net.core.netdev_max_backlog": { value: "8000", source: serverfest2013 },
  "net.ipv4.tcp_max_syn_backlog": { value: "8192", source: serverfest2013 },
  "net.ipv4.tcp_synack_retries": { value: "3", source: serverfest2013 },
  "net.ipv4.tcp_retries2": { value: "5", source: serverfest2013 },
  "net.ipv4.tcp_keepalive_time": { value: "900", source: serverfest2013 },
  "net.ipv4.tcp_keepalive_probes": { value: "3", source: serverfest2013 },
  "net.ipv4.tcp_keepalive_intvl": { value: "15", source: serverfest2013 },
  "net.nf_conntrack_max": { value: "1000000", source: serverfest2013 },
};

/**
 * ISUCON: the official benchmark host's set, what contestants put on top, and the official servers' port range: from 10000 it
 * stays clear of most listeners, which the contestants' 1024 does not.
 */
const isucon: Readonly<Record<string, PresetEntry>> = {
  "fs.file-max": { value: "1048576", source: bench },
  "net.core.somaxconn": { value: "65535", source: bench },
  "net.core.rmem_max": { value: "16777216", source: bench },
  "net.core.wmem_max": { value: "16777216", source: bench },
  "net.ipv4.tcp_rmem": { value: "4096 87380 16777216", source: bench },
  "net.ipv4.tcp_wmem": { value: "4096 65536 16777216", source: bench },
  "net.ipv4.tcp_tw_reuse": { value: "1", source: bench },
  "net.ipv4.tcp_fin_timeout": { value: "10", source: bench },
  "net.ipv4.ip_local_port_range": { value: "10000 65535", source: "ISUCON14, the official servers" },
  "net.ipv4.tcp_max_syn_backlog": { value: "65535", source: contestant },
  "net.ipv4.tcp_max_tw_buckets": { value: "2000000", source: contestant },
  "net.core.netdev_max_backlog": { value: "16384", source: contestant },
  "net.ipv4.tcp_fastopen": { value: "3", source: contestant },
  "net.ipv4.tcp_syncookies": { value: "0", source: contestant },
  "vm.swappiness": { value: "1", source: "ISUCON7 qualifier, first place (team MSA)" },
};

export const sysctlPresets: Readonly<Record<SysctlPreset, Readonly<Record<string, PresetEntry>>>> = { serverfest, isucon, none: {} };
