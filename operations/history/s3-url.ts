// A backend's URL as Pulumi takes it: `s3://bucket/folder?region=…&endpoint=…&s3ForcePathStyle=true`.
import { S3Client } from "@aws-sdk/client-s3";

export interface BucketPlace {
  readonly client: S3Client;
  readonly bucket: string;
  /** Without slashes at its ends; empty at the bucket's top. */
  readonly folder: string;
}

/** A client for it, by the same words as Pulumi's own. */
export function bucketIn(url: string): BucketPlace {
  const { hostname, pathname, searchParams } = new URL(url);
  const asked = (name: string) => searchParams.get(name) ?? undefined;
  const endpoint = asked("endpoint");
  const plain = asked("disableSSL") === "true" || asked("disable_https") === "true";
  const [region, profile] = [asked("region"), asked("profile")];
  const client = new S3Client({
    ...(region && { region }),
    ...(profile && { profile }),
    ...(endpoint && { endpoint: endpoint.includes("://") ? endpoint : `${plain ? "http" : "https"}://${endpoint}` }),
    forcePathStyle: asked("s3ForcePathStyle") === "true" || asked("use_path_style") === "true",
  });
  return { client, bucket: hostname, folder: pathname.replace(/^\/+|\/+$/g, "") };
}
