// Whether an account has room for the fleet, before anything is made: vCPU by family and addresses, against what AWS grants.
import { familyOf, typeOrGuess } from "./facts/types.ts";

/** The account's quotas that servers count against, with the codes by which AWS lists them. */
export const vcpuQuotas = [
  { code: "L-1216C47A", name: "on-demand standard (A, C, D, H, I, M, R, T, Z)", spot: false, families: /^(?:[acdhimrtz]|is|im)\d/ },
  { code: "L-34B43A08", name: "spot standard (A, C, D, H, I, M, R, T, Z)", spot: true, families: /^(?:[acdhimrtz]|is|im)\d/ },
  { code: "L-7295265B", name: "on-demand X", spot: false, families: /^x\d/ },
  { code: "L-E3A00192", name: "spot X", spot: true, families: /^x\d/ },
] as const;

export const addressQuota = { code: "L-0263D0A3", name: "elastic addresses" } as const;
export const vpcQuota = { code: "L-F678F1CE", name: "VPCs" } as const;

export interface Wanted {
  readonly type: string;
  readonly spot: boolean;
  readonly elasticAddress: boolean;
}

/** What the account grants and uses, by quota code. A code that is missing was not read. */
export interface Account {
  readonly granted: Readonly<Record<string, number>>;
  readonly used: Readonly<Record<string, number>>;
}

/** What the fleet needs, by quota code. */
export function need(servers: readonly Wanted[], vpcs: number): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  const add = (code: string, amount: number) => {
    if (amount > 0) sums[code] = (sums[code] ?? 0) + amount;
  };
  for (const { type, spot, elasticAddress } of servers) {
    const quota = vcpuQuotas.find((each) => each.spot === spot && each.families.test(familyOf(type)));
    if (quota) add(quota.code, typeOrGuess(type).vcpu);
    if (elasticAddress) add(addressQuota.code, 1);
  }
  add(vpcQuota.code, vpcs);
  return sums;
}

/** One sentence for each quota that is too small or could not be read; none means that there is room. */
export function shortages(servers: readonly Wanted[], vpcs: number, { granted, used }: Account): readonly string[] {
  const names = new Map<string, string>([...vcpuQuotas, addressQuota, vpcQuota].map(({ code, name }) => [code, name]));
  return Object.entries(need(servers, vpcs)).flatMap(([code, amount]) => {
    const grant = granted[code];
    const name = `quota \`${names.get(code)}\` (${code})`;
    if (grant === undefined) return [`${name}: expected its value, got none; the operator may not read Service Quotas`];
    const free = grant - (used[code] ?? 0);
    return amount <= free
      ? []
      : [`${name}: expected room for ${amount}, got ${free} of ${grant}; next: ask AWS for more, or take smaller types`];
  });
}
