/** How much is in a bucket, told from the first pages of its listing. */
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export interface BucketSize {
  readonly objects: number;
  readonly bytes: number;
  /** False when the listing was not read to its end: there is more. */
  readonly isAll: boolean;
}

const MAX_PAGES = 10;

export async function readBucketSize(bucket: string, target: AwsTarget, stop: AbortSignal): Promise<BucketSize> {
  const hasEndpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].some((name) => (process.env[name] ?? "") !== "");
  const client = new S3Client({ ...clientConfig(target), followRegionRedirects: true, forcePathStyle: hasEndpoint });
  try {
    return await asking(`cannot list s3://${bucket}`, count(client, bucket, stop), target.profile);
  } finally {
    client.destroy();
  }
}

async function count(client: S3Client, bucket: string, stop: AbortSignal): Promise<BucketSize> {
  let size = { objects: 0, bytes: 0 };
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }), {
      abortSignal: stop,
    });
    const contents = answer.Contents ?? [];
    size = {
      objects: size.objects + contents.length,
      bytes: contents.reduce((sum, { Size: bytes }) => sum + (bytes ?? 0), size.bytes),
    };
    token = answer.NextContinuationToken;
    if (answer.IsTruncated !== true || token === undefined) return { ...size, isAll: true };
  }
  return { ...size, isAll: false };
}
