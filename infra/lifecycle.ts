/**
 * What the bucket lets go of, and when. Pure, so that a test can ask of any key what happens to it.
 *
 * `latest.json`, `baseline.json`, `current.json`, the registry, the fuzz corpus and delivered bundles are in no rule
 * over current versions: they never expire.
 */
import { CHECKPOINT_KEY, CURRENT_CYCLE_KEY, EXPIRING_PREFIXES, FAILURES_PREFIX } from "../contracts/bucket.ts";

export interface LifecycleRule {
  id: string;
  status: "Enabled";
  /** A prefix of "" is the whole bucket. */
  filter: { prefix: string };
  expiration?: { days: number } | { expiredObjectDeleteMarker: true };
  transitions?: { days: number; storageClass: "GLACIER_IR" }[];
  noncurrentVersionExpiration?: { noncurrentDays: number };
  abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
}

const expire = (id: string, prefix: string, days: number): LifecycleRule => ({
  id,
  status: "Enabled",
  filter: { prefix },
  expiration: { days },
});

export function lifecycleRules(): LifecycleRule[] {
  return [
    {
      id: "failures-to-glacier",
      status: "Enabled",
      filter: { prefix: FAILURES_PREFIX },
      // Instant Retrieval, of Glacier's classes: `kimtest fetch-failure` reads it like any object, without a restore.
      // S3 leaves objects below 128 KB where they are, because moving them would cost more.
      transitions: [{ days: 90, storageClass: "GLACIER_IR" }],
    },
    expire("daily-checkpoints", EXPIRING_PREFIXES.dailyCheckpoints, 30),
    expire("daily-digests", EXPIRING_PREFIXES.dailyDigests, 30),
    expire("daily-benchmarks", EXPIRING_PREFIXES.dailyBenchmarks, 90),
    expire("daily-formal-verification", EXPIRING_PREFIXES.dailyFormalVerification, 90),
    expire("cycles", EXPIRING_PREFIXES.cycles, 90),
    // Rewritten every few minutes: a month of versions would outweigh everything else.
    old("mirror-versions", CURRENT_CYCLE_KEY, 1),
    old("checkpoint-versions", CHECKPOINT_KEY, 1),
    {
      ...old("everything", "", 30),
      expiration: { expiredObjectDeleteMarker: true },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    },
  ];
}

function old(id: string, prefix: string, days: number): LifecycleRule {
  return { id, status: "Enabled", filter: { prefix }, noncurrentVersionExpiration: { noncurrentDays: days } };
}
