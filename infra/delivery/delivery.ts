/**
 * Puts the runner into the bucket, under the hash of its archive. The service's parameter points to it; the machine
 * fetches it at its next start.
 *
 * Kept when another one takes its place: a machine that has not started since still fetches the one before.
 */
import * as pulumi from "@pulumi/pulumi";
import * as s3 from "@pulumi/aws/s3/index.js";
import { bundleKey } from "../../contracts/bucket.ts";
import { nameOf, type Tags } from "../names.ts";
import type { RunnerBundle } from "./runner-bundle.ts";

export interface DeliveryArgs {
  stack: string;
  tags: Tags;
  bucket: pulumi.Input<string>;
  bundle: RunnerBundle;
}

export class Delivery extends pulumi.ComponentResource {
  /** Known once the bundle is there. */
  readonly key: pulumi.Output<string>;

  constructor(name: string, args: DeliveryArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Delivery", name, {}, options);
    const object = new s3.BucketObjectv2(
      nameOf(args.stack, "runner"),
      {
        bucket: args.bucket,
        key: bundleKey(args.bundle.sha256),
        source: new pulumi.asset.FileAsset(args.bundle.path),
        contentType: "application/gzip",
        tags: { ...args.tags },
      },
      { parent: this, retainOnDelete: true },
    );
    this.key = object.key;
    this.registerOutputs({ key: this.key });
  }
}
