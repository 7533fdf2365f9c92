// What the emulator of AWS does not have: snapshot policies (DLM) and what an account is granted (Service Quotas). Keeps state.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Gaps {
  readonly env: Readonly<Record<string, string>>;
  /** By code; a code that is not here is refused, as to an operator without the right. */
  readonly quotas: Map<string, number>;
  stop(): Promise<void>;
}

interface Policy {
  readonly Description?: string;
  readonly State?: string;
  readonly Tags?: Readonly<Record<string, string>>;
}

type Answer = readonly [status: number, body: object];

function snapshotPolicies(policies: Map<string, Policy>, method: string, id: string | undefined, body: string): Answer {
  if (method === "POST") {
    const PolicyId = `policy-${randomBytes(9).toString("hex").slice(1)}`;
    policies.set(PolicyId, JSON.parse(body));
    return [200, { PolicyId }];
  }
  if (method === "GET" && id === undefined)
    return [200, { Policies: [...policies].map(([PolicyId, policy]) => ({ PolicyId, ...policy })) }];
  const found = policies.get(id ?? "");
  if (id === undefined || !found) return [404, { __type: "ResourceNotFoundException", message: `no ${id}` }];
  if (method === "GET") return [200, { Policy: { PolicyId: id, ...found } }];
  if (method === "PATCH") policies.set(id, { ...found, ...JSON.parse(body) });
  if (method === "DELETE") policies.delete(id);
  return [200, {}];
}

function quotaOf(quotas: Map<string, number>, body: string): Answer {
  const { QuotaCode = "" } = JSON.parse(body) as { readonly QuotaCode?: string };
  const Value = quotas.get(QuotaCode);
  return Value === undefined ? [400, { __type: "AccessDeniedException", message: "not granted" }] : [200, { Quota: { QuotaCode, Value } }];
}

export async function startGaps(): Promise<Gaps> {
  const quotas = new Map<string, number>();
  const policies = new Map<string, Policy>();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const [, id] = /^\/policies(?:\/([^/?]+))?/.exec(request.url ?? "") ?? [];
    const isQuota = request.headers["x-amz-target"]?.toString().endsWith(".GetServiceQuota") ?? false;
    const [status, said] = isQuota ? quotaOf(quotas, body) : snapshotPolicies(policies, request.method ?? "", id, body);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { AWS_ENDPOINT_URL_DLM: address, AWS_ENDPOINT_URL_SERVICE_QUOTAS: address },
    quotas,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
