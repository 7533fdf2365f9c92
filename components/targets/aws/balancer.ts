// One way in to pools and servers: a load balancer with its target group, and its name in Route 53.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Balancer as Asked, listensOn, redirects, zoneOf } from "./settings/balancers.ts";
import { type Ownership, type Tags, tagsOf } from "./tags.ts";

export interface BalancerArgs {
  readonly ownership: Ownership;
  readonly vpcId: pulumi.Input<string>;
  /** Two or more, each in a zone of its own. */
  readonly subnetIds: readonly pulumi.Input<string>[];
  /** The balancer's own; the servers' lets it in. */
  readonly securityGroupId: pulumi.Input<string>;
  readonly asked: Asked;
  /** Seconds for open requests of a server that goes. */
  readonly drain: number;
  /** Named servers behind it, by name: their instances. */
  readonly instances: Readonly<Record<string, pulumi.Input<string>>>;
}

/** AWS takes 32 characters, and stacks may have more: the tags say whose it is, and the provider makes the rest unique. */
const unique = { namePrefix: "fleet-" } as const;
const tls = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/** Costs by the hour, an address a zone, and by use. */
export class Balancer extends pulumi.ComponentResource {
  /** For the pools behind it; known when the listener is there, since a group that nobody listens for is never healthy. */
  declare readonly targetGroupArn: pulumi.Output<string>;
  declare readonly address: pulumi.Output<string>;
  declare readonly url: pulumi.Output<string>;
  readonly #name: string;
  readonly #args: BalancerArgs;

  constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Balancer", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const balancer = this.#balancer();
    const group = this.#group();
    const listener = this.#listen(balancer, group);
    for (const [server, targetId] of Object.entries(args.instances))
      new aws.lb.TargetGroupAttachment(
        `${name}-${server}`,
        { targetGroupArn: group.arn, targetId, port: args.asked.port },
        { parent: this, dependsOn: [listener] },
      );
    if (args.asked.domain !== undefined) this.#record(args.asked.domain, balancer);
    this.targetGroupArn = pulumi.all([group.arn, listener.arn]).apply(([arn]) => arn);
    this.address = pulumi.output(args.asked.domain ?? balancer.dnsName);
    this.url = this.address.apply((host) => urlOf(args.asked, host));
    this.registerOutputs({ address: this.address, url: this.url });
  }

  #tags(what?: string): Tags {
    return tagsOf(this.#args.ownership, what ? `${this.#name}-${what}` : this.#name);
  }

  #balancer(): aws.lb.LoadBalancer {
    const { subnetIds, securityGroupId, asked } = this.#args;
    const own =
      asked.kind === "http"
        ? { loadBalancerType: "application", dropInvalidHeaderFields: true }
        : // Else an address of a zone without servers leads nowhere.
          { loadBalancerType: "network", enableCrossZoneLoadBalancing: true };
    const place = { subnets: [...subnetIds], securityGroups: [securityGroupId] };
    return new aws.lb.LoadBalancer(this.#name, { ...unique, ...own, ...place, tags: this.#tags() }, { parent: this });
  }

  /** All is said, also what is the default: what is no longer sent keeps its value. */
  #group(): aws.lb.TargetGroup {
    const { vpcId, asked, drain } = this.#args;
    const { kind, port, sticky, slowStart } = asked;
    const http = {
      protocol: "HTTP",
      slowStart: slowStart ?? 0,
      stickiness: { type: "lb_cookie", enabled: sticky !== undefined, cookieDuration: sticky ?? 86_400 },
    };
    const own = kind === "http" ? http : { protocol: "TCP", stickiness: { type: "source_ip", enabled: false } };
    const args = { ...unique, ...own, port, vpcId, targetType: "instance", deregistrationDelay: drain, healthCheck: healthOf(asked) };
    return new aws.lb.TargetGroup(this.#name, { ...args, tags: this.#tags("group") }, { parent: this });
  }

  #listen(balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup): aws.lb.Listener {
    const { asked } = this.#args;
    const { kind, certificate } = asked;
    const protocol = { http: ["HTTP", "HTTPS"], tcp: ["TCP", "TLS"] }[kind][certificate === undefined ? 0 : 1]!;
    const secure = certificate === undefined ? {} : { certificateArn: certificate, sslPolicy: tls };
    const loadBalancerArn = balancer.arn;
    const defaultActions = [{ type: "forward", targetGroupArn: group.arn }];
    const listener = new aws.lb.Listener(
      this.#name,
      { loadBalancerArn, port: listensOn(asked), protocol, ...secure, defaultActions, tags: this.#tags("listener") },
      { parent: this },
    );
    if (!redirects(asked)) return listener;
    const redirect = { port: String(listensOn(asked)), protocol: "HTTPS", statusCode: "HTTP_301" };
    new aws.lb.Listener(
      `${this.#name}-to-https`,
      { loadBalancerArn, port: 80, protocol: "HTTP", defaultActions: [{ type: "redirect", redirect }], tags: this.#tags("to-https") },
      { parent: this },
    );
    return listener;
  }

  #record(domain: string, { dnsName, zoneId }: aws.lb.LoadBalancer): void {
    const zone = aws.route53.getZoneOutput({ name: zoneOf(this.#args.asked) }, { parent: this });
    const aliases = [{ name: dnsName, zoneId, evaluateTargetHealth: true }];
    new aws.route53.Record(this.#name, { zoneId: zone.zoneId, name: domain, type: "A", aliases }, { parent: this });
  }
}

function healthOf({ kind, health }: Asked) {
  const { path, statuses, seconds, up, down } = health;
  const often = { interval: seconds, timeout: Math.min(seconds - 1, 6), healthyThreshold: up, unhealthyThreshold: down };
  const byPort = { protocol: "TCP", port: "traffic-port" };
  const byHttp = { protocol: "HTTP", port: "traffic-port", path: path ?? "/", matcher: statuses };
  return { enabled: true, ...often, ...(kind === "tcp" && path === undefined ? byPort : byHttp) };
}

const usual: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** `https://www.example.org/`, or `tcp://…:5432`. */
export function urlOf(asked: Asked, host: string): string {
  const port = listensOn(asked);
  if (asked.kind === "tcp") return `tcp://${host}:${port}`;
  const scheme = asked.certificate === undefined ? "http" : "https";
  return `${scheme}://${host}${usual[scheme] === port ? "" : `:${port}`}/`;
}
