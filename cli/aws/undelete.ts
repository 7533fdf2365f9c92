// Objects that somebody deleted from a versioned bucket: a mark hides them, and goes away again.
import { DeleteObjectsCommand, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput, S3Client } from "@aws-sdk/client-s3";

export interface Hidden {
  readonly key: string;
  /** Of the mark that hides it. */
  readonly versionId: string;
  /** ISO 8601. */
  readonly deletedAt: string;
}

/** Objects whose newest version is a mark of deletion, set at or after `since`. */
export async function hidden(region: string, bucket: string, since = new Date(0)): Promise<readonly Hidden[]> {
  const client = new S3Client({ region });
  const found: Hidden[] = [];
  let more: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (more) {
    const page: ListObjectVersionsCommandOutput = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, ...more }));
    for (const { IsLatest, Key: key = "", VersionId: versionId = "", LastModified = new Date(0) } of page.DeleteMarkers ?? [])
      if (IsLatest && LastModified >= since) found.push({ key, versionId, deletedAt: LastModified.toISOString() });
    more = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return found;
}

/** S3 takes so many a call. */
const atOnce = 1000;

/** Takes the marks away. Returns a sentence for each object that S3 refused. */
export async function undelete(region: string, bucket: string, marks: readonly Hidden[]): Promise<readonly string[]> {
  const client = new S3Client({ region });
  const refused: string[] = [];
  for (let from = 0; from < marks.length; from += atOnce) {
    const Objects = marks.slice(from, from + atOnce).map(({ key: Key, versionId: VersionId }) => ({ Key, VersionId }));
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    refused.push(...Errors.map(({ Key, Code, Message }) => `${Key}: expected it back, got ${Code}: ${Message}`));
  }
  return refused;
}
