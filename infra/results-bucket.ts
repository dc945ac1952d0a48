/**
 * The results bucket: private, versioned, encrypted, TLS only.
 *
 * Keeping it: with `keepResults` true (the default) `pulumi destroy` forgets the bucket and everything set on it, and
 * deletes none of it, so it stays private and encrypted. A later stack of the same name takes it over with
 * `pulumi config set kimtest:adoptBucket true`; once that is done, the key can go.
 *
 * Deleting it: `pulumi config set kimtest:keepResults false`, `pulumi up` (destroy goes by what the last update wrote
 * down), `pulumi destroy`. The bucket is then emptied, all versions included, and deleted.
 */
import * as pulumi from "@pulumi/pulumi";
import * as s3 from "@pulumi/aws/s3/index.js";
import { lifecycleRules } from "./lifecycle.ts";
import { nameOf, type Tags } from "./names.ts";
import { tlsOnlyPolicy } from "./resource-policies.ts";

export interface ResultsBucketArgs {
  stack: string;
  tags: Tags;
  bucketName: string;
  keepResults: boolean;
  adoptBucket: boolean;
}

export class ResultsBucket extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: ResultsBucketArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:ResultsBucket", name, {}, options);
    const { stack, tags, keepResults } = args;
    // On all of it: a bucket that is kept while its public access block is deleted would be kept open.
    const kept = { parent: this, retainOnDelete: keepResults };

    const bucket = new s3.Bucket(
      nameOf(stack, "results"),
      { bucket: args.bucketName, forceDestroy: !keepResults, tags: { ...tags } },
      { ...kept, ...(args.adoptBucket ? { import: args.bucketName } : {}) },
    );
    const of = { bucket: bucket.id };
    const closed = new s3.BucketPublicAccessBlock(
      nameOf(stack, "results-private"),
      {
        ...of,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      kept,
    );
    new s3.BucketOwnershipControls(
      nameOf(stack, "results-ownership"),
      { ...of, rule: { objectOwnership: "BucketOwnerEnforced" } },
      kept,
    );
    new s3.BucketServerSideEncryptionConfiguration(
      nameOf(stack, "results-encryption"),
      { ...of, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      kept,
    );
    const versioning = new s3.BucketVersioning(
      nameOf(stack, "results-versioning"),
      { ...of, versioningConfiguration: { status: "Enabled" } },
      kept,
    );
    new s3.BucketLifecycleConfiguration(
      nameOf(stack, "results-lifecycle"),
      { ...of, rules: lifecycleRules() },
      // Rules over old versions are refused until there can be some.
      { ...kept, dependsOn: [versioning] },
    );
    new s3.BucketPolicy(
      nameOf(stack, "results-policy"),
      { ...of, policy: bucket.arn.apply((arn) => JSON.stringify(tlsOnlyPolicy(arn))) },
      // S3 refuses two changes of a bucket's access at the same time.
      { ...kept, dependsOn: [closed] },
    );

    this.name = bucket.id;
    this.arn = bucket.arn;
    this.registerOutputs({ name: this.name, arn: this.arn });
  }
}
