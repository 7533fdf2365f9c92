// The history in the bucket of the state: an object a run, so that two who are at work at once lose nothing to each other.
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { HistoryStore } from "./store.ts";

export class S3Store implements HistoryStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @param url as Pulumi takes it: `s3://bucket/folder?region=…&endpoint=…&s3ForcePathStyle=true` */
  constructor(url: string) {
    const { hostname, pathname, searchParams } = new URL(url);
    const asked = (name: string) => searchParams.get(name) ?? undefined;
    const endpoint = asked("endpoint");
    const plain = asked("disableSSL") === "true" || asked("disable_https") === "true";
    const [region, profile] = [asked("region"), asked("profile")];
    this.#client = new S3Client({
      ...(region && { region }),
      ...(profile && { profile }),
      ...(endpoint && { endpoint: endpoint.includes("://") ? endpoint : `${plain ? "http" : "https"}://${endpoint}` }),
      forcePathStyle: asked("s3ForcePathStyle") === "true" || asked("use_path_style") === "true",
    });
    this.#bucket = hostname;
    const folder = pathname.replace(/^\/+|\/+$/g, "");
    this.#prefix = `${folder === "" ? "" : `${folder}/`}.fleet-history`;
    this.place = `s3://${hostname}/${this.#prefix}`;
  }

  async add(stack: string, id: string, text: string): Promise<void> {
    const to = { Bucket: this.#bucket, Key: `${this.#prefix}/${stack}/${id}.json` };
    await this.#client.send(new PutObjectCommand({ ...to, Body: text, ContentType: "application/json" }));
  }

  async list(stack: string, count: number): Promise<readonly string[]> {
    const prefix = `${this.#prefix}/${stack}/`;
    const ids: string[] = [];
    for (let next: string | undefined, more = true; more; ) {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ...(next && { ContinuationToken: next }) }),
      );
      ids.push(...(page.Contents ?? []).map(({ Key = "" }) => Key.slice(prefix.length).replace(/\.json$/, "")));
      next = page.NextContinuationToken;
      more = next !== undefined;
    }
    return ids.sort().reverse().slice(0, count);
  }

  async get(stack: string, id: string): Promise<string | undefined> {
    try {
      const from = { Bucket: this.#bucket, Key: `${this.#prefix}/${stack}/${id}.json` };
      const { Body } = await this.#client.send(new GetObjectCommand(from));
      return await Body?.transformToString();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }
}
