// AWS as a host sees it: its own names, TLS and signed requests, with the emulator behind. What the emulator lacks is answered here.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoScalingClient, DescribeAutoScalingInstancesCommand, DescribeLifecycleHooksCommand } from "@aws-sdk/client-auto-scaling";
import { run } from "../../machines/run.ts";
import { checkSignature, type Signed } from "./aws-signature.ts";
import type { Credentials } from "./metadata-service.ts";

export interface Report {
  readonly group: string;
  readonly hook: string;
  readonly instance: string;
  readonly result: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

export interface FrontOptions {
  /** Of this computer, where the hosts reach it; port 443 of it must be free. */
  readonly address: string;
  readonly region: string;
  /** Of the emulator: `http://127.0.0.1:5000`. */
  readonly emulator: string;
  /** With which every request must be signed. */
  readonly credentials: Credentials;
}

const error = (status: number, code: string, message: string): Answer => ({
  status,
  headers: { "content-type": "text/xml" },
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

/** A certificate of its own, for the names of one region; whoever trusts it trusts this run alone. */
async function makeCertificate(region: string): Promise<{ readonly key: string; readonly cert: string }> {
  const directory = await mkdtemp(join(tmpdir(), "aws-front-"));
  try {
    const names = [`*.${region}.amazonaws.com`, `*.s3.${region}.amazonaws.com`].map((name) => `DNS:${name}`).join(",");
    const [key, cert] = [join(directory, "key"), join(directory, "cert")];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const what = ["-subj", "/CN=AWS of a test", "-addext", `subjectAltName=${names}`];
    await run("openssl", ["req", ...kind, ...what, "-keyout", key, "-out", cert]);
    return { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => Buffer.concat((await request.toArray()) as Buffer[]);

export class AwsFront {
  /** PEM; hosts must trust it. */
  readonly certificate: string;
  /** What was said to lifecycle hooks, in order. */
  readonly reports: Report[] = [];
  /** Requests that AWS would have turned down, with its word for it. */
  readonly refused: string[] = [];
  readonly #options: FrontOptions;
  readonly #server: Server;

  private constructor(options: FrontOptions, { key, cert }: { readonly key: string; readonly cert: string }) {
    this.#options = options;
    this.certificate = cert;
    this.#server = createServer({ key, cert }, (request, response) => {
      this.#answer(request, response).catch((reason: unknown) => response.destroy(reason as Error));
    });
  }

  static async open(options: FrontOptions): Promise<AwsFront> {
    const front = new AwsFront(options, await makeCertificate(options.region));
    await new Promise<void>((resolve, reject) => front.#server.once("error", reject).listen(443, options.address, resolve));
    return front;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = incoming;
    const request: Signed = { method, url, headers, body: await bodyOf(incoming) };
    const { status, headers: sent = {}, body } = await this.#answerTo(request);
    response.writeHead(status, sent).end(body);
  }

  async #answerTo(request: Signed): Promise<Answer> {
    const checked = checkSignature(request, this.#options.credentials);
    if ("refusal" in checked) {
      this.refused.push(`${request.method} ${request.headers.host}${request.url}: ${checked.refusal}`);
      return error(403, checked.refusal, "see the test's `refused`");
    }
    const form = checked.service === "autoscaling" ? new URLSearchParams(request.body.toString()) : undefined;
    if (form?.get("Action") === "CompleteLifecycleAction") return await this.#complete(form);
    return await this.#forward(request);
  }

  /** The emulator keeps groups, hooks and instances, but does not know this action. It is refused for what is not there, as by AWS. */
  async #complete(form: URLSearchParams): Promise<Answer> {
    const of = (name: string) => form.get(name) ?? "";
    const [group, hook, instance] = [of("AutoScalingGroupName"), of("LifecycleHookName"), of("InstanceId")];
    const client = new AutoScalingClient({ region: this.#options.region });
    const names = { AutoScalingGroupName: group, LifecycleHookNames: [hook] };
    const { LifecycleHooks = [] } = await client.send(new DescribeLifecycleHooksCommand(names));
    const { AutoScalingInstances = [] } = await client.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [instance] }));
    const known = LifecycleHooks.length === 1 && AutoScalingInstances[0]?.AutoScalingGroupName === group;
    if (!known) return error(400, "ValidationError", `No active Lifecycle Action found with instance ID ${instance}`);
    this.reports.push({ group, hook, instance, result: of("LifecycleActionResult") });
    const body = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>";
    return { status: 200, headers: { "content-type": "text/xml" }, body };
  }

  #forward({ method, url, headers, body }: Signed): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(this.#options.emulator);
      const { "transfer-encoding": _, expect: __, ...kept } = headers;
      const sent = { ...kept, "content-length": String(body.length) };
      const onward = httpRequest({ hostname, port, method, path: url, headers: sent }, (answer) => {
        const { "transfer-encoding": _, connection: __, ...back } = answer.headers;
        bodyOf(answer).then((content) => resolve({ status: answer.statusCode ?? 502, headers: back, body: content }), reject);
      });
      onward.on("error", reject).end(body);
    });
  }
}
