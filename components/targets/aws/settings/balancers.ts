// The ways in to pools and servers under one name: load balancers, and their names in Route 53.
import { z } from "zod";
import type { Finding } from "../../../../spec/messages.ts";
import { Cidr, Port } from "../../../../spec/scalars.ts";
import { entries, type Loose, mapOr } from "../../../../spec/unvalidated.ts";
import { text } from "./grammar.ts";

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const Domain = text(new RegExp(`^(?:${label}\\.)+[a-z]{2,63}$`), "a name in DNS such as `www.example.org`");
const Certificate = text(
  /^arn:aws(?:-[a-z]+)*:acm:[a-z0-9-]+:[0-9]{12}:certificate\/[A-Za-z0-9-]+$/,
  "a certificate of ACM by its ARN such as `arn:aws:acm:ap-northeast-1:123456789012:certificate/…`",
);
const seconds = (least: number, most: number) => {
  const error = `expected from ${least} to ${most} seconds`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

const Health = z
  .strictObject({
    path: text(/^\/[\x21-\x7e]{0,1023}$/, "a path such as `/healthz`")
      .optional()
      .describe("what is asked for by HTTP; default `/`, and of `tcp` that the port answers"),
    statuses: text(/^[2-4][0-9]{2}(?:-[2-4][0-9]{2})?(?:,[2-4][0-9]{2})*$/, 'statuses in quotes such as `"200-399"`')
      .default("200-399")
      .describe("statuses that count as healthy; default 200-399"),
    seconds: seconds(5, 300).default(10).describe("seconds between two questions; default 10"),
    up: z.int().min(2).max(10).default(2).describe("answers in a row until a server gets requests; default 2"),
    down: z.int().min(2).max(10).default(3).describe("failures in a row until it gets none; default 3"),
  })
  .describe("when a server may get requests");

export const Balancer = z
  .strictObject({
    kind: z
      .enum(["http", "tcp"])
      .default("http")
      .describe("http: an Application Load Balancer; tcp: a Network Load Balancer; default http"),
    to: z
      .array(text(/^[a-z](?:-?[a-z0-9]){0,31}$/, "the name of a pool or a server"))
      .min(1)
      .describe("pools and servers behind it"),
    port: Port.default(80).describe("port of the servers; default 80"),
    listen: Port.optional().describe("port that it listens on; default 443 with a certificate, else that of the servers"),
    certificate: Certificate.optional().describe("HTTPS (TLS with `tcp`) by this certificate of ACM; port 80 leads there; default none"),
    from: z.array(Cidr).min(1).default(["0.0.0.0/0"]).describe("networks that may use it; default everywhere"),
    health: Health.prefault({}),
    sticky: seconds(1, 604_800).optional().describe("http: seconds for which a browser stays with a server; default it doesn't"),
    slowStart: seconds(30, 900).optional().describe("http: seconds in which a new server gets its full share; default at once"),
    drain: seconds(0, 3600)
      .optional()
      .describe("seconds for open requests of a server that goes; default `patience.drain` of its pools, 60 without"),
    domain: Domain.optional().describe("its name, made in Route 53; default AWS's own alone"),
    zone: Domain.optional().describe("zone of Route 53 that the name is in; default the name without its first word"),
  })
  .describe("one way in to pools and servers");
export type Balancer = z.infer<typeof Balancer>;

/** What it listens on. */
export const listensOn = ({ listen, certificate, port }: Pick<Balancer, "listen" | "certificate" | "port">): number =>
  listen ?? (certificate === undefined ? port : 443);

/** Whether port 80 only leads to HTTPS. */
export const redirects = (balancer: Pick<Balancer, "kind" | "listen" | "certificate" | "port">): boolean =>
  balancer.kind === "http" && balancer.certificate !== undefined && listensOn(balancer) !== 80;

export const zoneOf = ({ domain = "", zone }: Pick<Balancer, "domain" | "zone">): string => zone ?? domain.replace(/^[^.]*\./, "");

/** Rules between balancers and what is behind them. */
export const checkBalancers = ({ servers }: Loose, { balancers, pools }: Loose): readonly Finding[] => {
  const behind = new Set([...Object.keys(mapOr(servers)), ...Object.keys(mapOr(pools))]);
  const all = entries(balancers);
  return all.flatMap(([name, given], at) => {
    const balancer = mapOr(given);
    const path = ["target", "balancers", name];
    const to = Array.isArray(balancer.to) ? balancer.to : [];
    const of = (key: string, reason: string): Finding => ({ path: [...path, key], reason });
    const http = ["sticky", "slowStart"].filter((key) => balancer.kind === "tcp" && balancer[key] !== undefined);
    const { domain, zone } = balancer;
    const same = all.slice(0, at).find(([, other]) => domain !== undefined && mapOr(other).domain === domain);
    return [
      ...to.flatMap((target, index): Finding[] => {
        const place = [...path, "to", index];
        if (!behind.has(String(target))) return [{ path: place, reason: `expected a pool or a server of this stack, got \`${target}\`` }];
        return to.indexOf(target) === index ? [] : [{ path: place, reason: `expected each once, got \`${target}\` again; remove one` }];
      }),
      ...http.map((key) => of(key, "expected it with `kind: http` alone; remove one of the two")),
      ...(zone !== undefined && domain === undefined ? [of("zone", "expected `domain` beside it, the name in that zone, got none")] : []),
      ...(typeof zone === "string" && typeof domain === "string" && domain !== zone && !domain.endsWith(`.${zone}`)
        ? [of("domain", `expected a name in the zone \`${zone}\`, got \`${domain}\``)]
        : []),
      ...(same ? [of("domain", `expected a name of its own, got that of \`${same[0]}\``)] : []),
    ];
  });
};
