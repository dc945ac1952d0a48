/**
 * What AWS charges, in USD, us-east-1, Linux, shared tenancy, before tax and without any free tier. Data only; what
 * is computed with it is in cost.ts.
 *
 * None of it was read live from AWS. On-demand prices are those that public projects recorded from the AWS Price
 * List API (queried 2026-09-16), the same in several of them; the others are AWS's price pages as public archives
 * keep them. Spot prices change by the hour: their range is what was seen, as a share of the on-demand price.
 */

export const PRICES_AS_OF = "2026-09-16";
export const PRICES_REGION = "us-east-1";

const EC2_PAGE = "https://aws.amazon.com/ec2/pricing/on-demand/";
const CLOUDWATCH_PAGE = "https://aws.amazon.com/cloudwatch/pricing/";
const S3_PAGE = "https://aws.amazon.com/s3/pricing/";

interface InstancePrice {
  readonly hourlyUsd: number;
  readonly vcpus: number;
  /** Share of its processors that a burstable type may use without paying more; undefined for the others. */
  readonly baseline?: number;
}

export const INSTANCES: Readonly<Record<string, InstancePrice>> = {
  "t4g.small": { hourlyUsd: 0.0168, vcpus: 2, baseline: 0.2 },
  "t4g.medium": { hourlyUsd: 0.0336, vcpus: 2, baseline: 0.2 },
  "c7g.medium": { hourlyUsd: 0.0363, vcpus: 1 },
  "c7g.large": { hourlyUsd: 0.0725, vcpus: 2 },
  "c7g.xlarge": { hourlyUsd: 0.145, vcpus: 4 },
  "c7g.2xlarge": { hourlyUsd: 0.29, vcpus: 8 },
  "c7g.4xlarge": { hourlyUsd: 0.58, vcpus: 16 },
  "c7i.large": { hourlyUsd: 0.08925, vcpus: 2 },
  "c7i.xlarge": { hourlyUsd: 0.1785, vcpus: 4 },
  "c7i.2xlarge": { hourlyUsd: 0.357, vcpus: 8 },
};

/**
 * Of the on-demand price. Seen: 0.22 (c7g.xlarge at 0.032 and c7g.medium at 0.008 an hour, as the first
 * infrastructure reckoned in 2026-01 to 2026-04), 0.36 (c7g.xlarge at 0.0525, us-east-1f, 2026-08-24), 0.39 and
 * 0.47 (c7g.xlarge, t4g.small, us-west-1b, 2026-09). An empty spotMaxPrice caps it at the on-demand price.
 */
export const SPOT_SHARE = { low: 0.22, high: 0.5 } as const;

interface Price {
  readonly usd: number;
  readonly source: string;
}

export const PRICES = {
  /** Per processor and hour above the baseline, T4g, Linux. */
  surplusCredit: { usd: 0.04, source: EC2_PAGE },
  instance: { source: EC2_PAGE },
  spot: { source: "https://aws.amazon.com/ec2/spot/pricing/" },
  publicIpv4Hour: { usd: 0.005, source: "https://aws.amazon.com/vpc/pricing/" },
  gp3GbMonth: { usd: 0.08, source: "https://aws.amazon.com/ebs/pricing/" },
  metricMonth: { usd: 0.3, source: CLOUDWATCH_PAGE },
  metricRequests1000: { usd: 0.01, source: CLOUDWATCH_PAGE },
  alarmMonth: { usd: 0.1, source: CLOUDWATCH_PAGE },
  compositeAlarmMonth: { usd: 0.5, source: CLOUDWATCH_PAGE },
  dashboardMonth: { usd: 3, source: CLOUDWATCH_PAGE },
  logGbIngested: { usd: 0.5, source: CLOUDWATCH_PAGE },
  logGbMonth: { usd: 0.03, source: CLOUDWATCH_PAGE },
  /** A key that rotates each year, as ours does, costs as much again after its first and its second rotation. */
  keyMonth: { usd: 1, source: "https://aws.amazon.com/kms/pricing/" },
  s3GbMonth: { usd: 0.023, source: S3_PAGE },
  s3Puts1000: { usd: 0.005, source: S3_PAGE },
  emails1000: { usd: 0.02, source: "https://aws.amazon.com/sns/pricing/" },
} as const satisfies Record<string, Partial<Price> & { readonly source: string }>;

/** What no code can tell beforehand: how much a month writes. Named in the output. */
export const ASSUMED = {
  logGb: 5,
  logRetentionDays: 7,
  s3Gb: 20,
  failuresPerCycle: 100,
  alarmEmailsPerMonth: 15,
} as const;
