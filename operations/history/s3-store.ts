// The history in the bucket of the state: an object a run, so that two who are at work at once lose nothing to each other.
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { bucketIn } from "./s3-url.ts";
import type { HistoryStore } from "./store.ts";

export class S3Store implements HistoryStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @param url as Pulumi takes it: `s3://bucket/folder?region=…&endpoint=…&s3ForcePathStyle=true` */
  constructor(url: string) {
    const { client, bucket, folder } = bucketIn(url);
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = `${folder === "" ? "" : `${folder}/`}.fleet-history`;
    this.place = `s3://${bucket}/${this.#prefix}`;
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
