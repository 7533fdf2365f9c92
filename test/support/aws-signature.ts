// Checks a signature of version 4, as AWS does and its emulator doesn't.
import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Credentials } from "./metadata-service.ts";

export interface Signed {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();

/** AWS takes no request whose date is further from its own. Milliseconds. */
const window = 300_000;

const dateOf = (amzDate: string): number => Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));

/** What S3 signs as it is, every other service signs encoded once more. */
const canonicalPath = (path: string, service: string): string =>
  service === "s3" ? path : path.split("/").map(encodeURIComponent).join("/");

function canonical({ method, url, headers, body }: Signed, names: readonly string[], service: string): string {
  const [path = "/", query = ""] = url.split("?");
  const sorted = query.split("&").filter(Boolean).sort().join("&");
  const lines = names.map(
    (name) =>
      `${name}:${String(headers[name] ?? "")
        .trim()
        .replace(/ +/g, " ")}\n`,
  );
  const payload = headers["x-amz-content-sha256"] ?? hash(body);
  return [method, canonicalPath(path, service), sorted, lines.join(""), names.join(";"), payload].join("\n");
}

/** The service that the request was signed for, or what AWS would say against it. */
export function checkSignature(request: Signed, { key, secret, token }: Credentials): { service: string } | { refusal: string } {
  const { headers } = request;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, id, day, region, service, list, signature] = parts.exec(headers.authorization ?? "") ?? [];
  if (!id || !day || !region || !service || !list) return { refusal: "MissingAuthenticationToken" };
  const names = list.split(";");
  const date = String(headers["x-amz-date"]);
  const must = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (id !== key || headers["x-amz-security-token"] !== token) return { refusal: "InvalidClientTokenId" };
  if (!must.every((name) => names.includes(name))) return { refusal: `unsigned: ${must.filter((name) => !names.includes(name))}` };
  if (!date.startsWith(day) || !(Math.abs(dateOf(date) - Date.now()) < window)) return { refusal: "RequestExpired" };
  const host = String(headers.host);
  if (!host.endsWith(`${service}.${region}.amazonaws.com`)) return { refusal: `scope ${service}/${region} at ${host}` };
  if (service === "s3" && !headers["x-amz-content-sha256"]) return { refusal: "MissingContentSha256" };
  const text = ["AWS4-HMAC-SHA256", date, `${day}/${region}/${service}/aws4_request`, hash(canonical(request, names, service))].join("\n");
  const signing = [day, region, service, "aws4_request"].reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${secret}`);
  return hmac(signing, text).toString("hex") === signature ? { service } : { refusal: "SignatureDoesNotMatch" };
}
