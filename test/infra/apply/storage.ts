/** The bucket and what is set on it. */
import { readFile } from "node:fs/promises";
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  type LifecycleRule,
} from "@aws-sdk/client-s3";
import type { Apply, Inputs } from "./inputs.ts";

export function storage(): Record<string, Apply> {
  const s3 = new S3Client({ forcePathStyle: true });
  const done = (inputs: Inputs) => ({ id: inputs.text("bucket"), outputs: {} });
  return {
    "aws:s3/bucket:Bucket": async (inputs) => {
      const Bucket = inputs.text("bucket");
      inputs.skip("forceDestroy"); // what a later destroy does
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: inputs.tags() } }));
      return { id: Bucket, outputs: { arn: `arn:aws:s3:::${Bucket}` } };
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": async (inputs) => {
      const PublicAccessBlockConfiguration = {
        BlockPublicAcls: inputs.flag("blockPublicAcls"),
        BlockPublicPolicy: inputs.flag("blockPublicPolicy"),
        IgnorePublicAcls: inputs.flag("ignorePublicAcls"),
        RestrictPublicBuckets: inputs.flag("restrictPublicBuckets"),
      };
      await s3.send(new PutPublicAccessBlockCommand({ Bucket: inputs.text("bucket"), PublicAccessBlockConfiguration }));
      return done(inputs);
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": async (inputs) => {
      const ObjectOwnership = inputs.part("rule").text("objectOwnership") as "BucketOwnerEnforced";
      await s3.send(
        new PutBucketOwnershipControlsCommand({
          Bucket: inputs.text("bucket"),
          OwnershipControls: { Rules: [{ ObjectOwnership }] },
        }),
      );
      return done(inputs);
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": async (inputs) => {
      const Rules = inputs.parts("rules").map((rule) => ({
        ApplyServerSideEncryptionByDefault: {
          SSEAlgorithm: rule.part("applyServerSideEncryptionByDefault").text("sseAlgorithm") as "AES256",
        },
      }));
      const ServerSideEncryptionConfiguration = { Rules };
      await s3.send(
        new PutBucketEncryptionCommand({ Bucket: inputs.text("bucket"), ServerSideEncryptionConfiguration }),
      );
      return done(inputs);
    },
    "aws:s3/bucketVersioning:BucketVersioning": async (inputs) => {
      const Status = inputs.part("versioningConfiguration").text("status") as "Enabled";
      const Bucket = inputs.text("bucket");
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      return done(inputs);
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": async (inputs) => {
      const Rules = inputs.parts("rules").map(lifecycleRule);
      const Bucket = inputs.text("bucket");
      await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
      return done(inputs);
    },
    "aws:s3/bucketPolicy:BucketPolicy": async (inputs) => {
      await s3.send(new PutBucketPolicyCommand({ Bucket: inputs.text("bucket"), Policy: inputs.text("policy") }));
      return done(inputs);
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": async (inputs) => {
      const Key = inputs.text("key");
      const { path } = inputs.maybe("source") as { path: string };
      await s3.send(
        new PutObjectCommand({
          Bucket: inputs.text("bucket"),
          Key,
          Body: await readFile(path),
          ContentType: inputs.text("contentType"),
          Tagging: new URLSearchParams(inputs.record("tags")).toString(),
        }),
      );
      return { id: Key, outputs: {} };
    },
  };
}

function lifecycleRule(rule: Inputs): LifecycleRule {
  const read: LifecycleRule = {
    ID: rule.text("id"),
    Status: rule.text("status") as "Enabled",
    Filter: { Prefix: rule.part("filter").text("prefix") },
  };
  const expiration = rule.maybe("expiration") as { days?: number; expiredObjectDeleteMarker?: boolean } | undefined;
  if (expiration !== undefined) {
    read.Expiration = {
      ...(expiration.days === undefined ? {} : { Days: expiration.days }),
      ...(expiration.expiredObjectDeleteMarker === undefined
        ? {}
        : { ExpiredObjectDeleteMarker: expiration.expiredObjectDeleteMarker }),
    };
  }
  const transitions = rule.parts("transitions");
  if (transitions.length > 0) {
    read.Transitions = transitions.map((transition) => ({
      Days: transition.number("days"),
      StorageClass: transition.text("storageClass") as "GLACIER_IR",
    }));
  }
  if (rule.maybe("noncurrentVersionExpiration") !== undefined) {
    read.NoncurrentVersionExpiration = {
      NoncurrentDays: rule.part("noncurrentVersionExpiration").number("noncurrentDays"),
    };
  }
  if (rule.maybe("abortIncompleteMultipartUpload") !== undefined) {
    read.AbortIncompleteMultipartUpload = {
      DaysAfterInitiation: rule.part("abortIncompleteMultipartUpload").number("daysAfterInitiation"),
    };
  }
  rule.end();
  return read;
}
