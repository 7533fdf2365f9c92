// Kernel settings that old write-ups name and kernels from 5.10 on no longer have: their successor, or why there is none.

export type Successor = { readonly now: string } | { readonly gone: string };

const conntrack = "net.netfilter.nf_conntrack_";

const table: Readonly<Record<string, Successor>> = {
  "net.nf_conntrack_max": { now: `${conntrack}max` },
  "net.ipv4.ip_conntrack_max": { now: `${conntrack}max` },
  "net.ipv4.tcp_tw_recycle": { gone: "removed in Linux 4.12, it dropped clients behind NAT; set `net.ipv4.tcp_tw_reuse`" },
  "net.ipv4.tcp_frto_response": { gone: "removed in Linux 3.10 without successor" },
  "net.ipv4.tcp_max_ssthresh": { gone: "removed in Linux 3.9 without successor" },
  "net.ipv4.tcp_abc": { gone: "removed in Linux 3.9 without successor" },
  "net.ipv4.tcp_dma_copybreak": { gone: "removed in Linux 3.13 without successor" },
  "net.ipv4.tcp_cookie_size": { gone: "removed in Linux 3.10 without successor" },
  "net.ipv4.tcp_mtu_probe": { now: "net.ipv4.tcp_mtu_probing" },
  "net.ipv4.rt_cache_rebuild_count": { gone: "the routing cache was removed in Linux 3.6" },
  "net.ipv4.route.secret_interval": { gone: "the routing cache was removed in Linux 3.6" },
  "vm.block_dump": { gone: "removed in Linux 5.12; use tracepoints of the block layer" },
  "vm.nr_pdflush_threads": { gone: "removed with pdflush; the kernel sizes its writeback threads itself" },
  "kernel.sched_migration_cost_ns": { gone: "moved out of sysctl in Linux 5.13, to /sys/kernel/debug/sched/migration_cost_ns" },
  "kernel.sched_min_granularity_ns": { gone: "moved out of sysctl in Linux 5.13, to /sys/kernel/debug/sched/" },
  "kernel.sched_wakeup_granularity_ns": { gone: "moved out of sysctl in Linux 5.13, to /sys/kernel/debug/sched/" },
  "kernel.sched_latency_ns": { gone: "moved out of sysctl in Linux 5.13, to /sys/kernel/debug/sched/" },
};

/** What became of a setting; `undefined` where it still is what it was. */
export function successor(key: string): Successor | undefined {
  const renamed = /^net\.ipv4\.netfilter\.ip_conntrack_(\w+)$/.exec(key);
  return renamed ? { now: conntrack + renamed[1] } : table[key];
}
