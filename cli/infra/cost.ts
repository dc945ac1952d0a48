/** What a stack costs in a month, item by item, each with its formula. Pure. */
import { KimtestError } from "../../contracts/errors.ts";
import { METRICS, SYSTEM_METRICS } from "../../contracts/metrics.ts";
import { PHASES } from "../../contracts/parts.ts";
import { INTERIM_DIGEST_MS, mirrorIntervalMs } from "../../runner/cadence.ts";
import { ASSUMED, INSTANCES, PRICES, PRICES_AS_OF, PRICES_REGION, SPOT_SHARE } from "./prices.ts";

export interface Configuration {
  readonly instanceType: string;
  readonly purchase: "spot" | "on-demand";
  readonly volumeGb: number;
}

export interface Item {
  readonly name: string;
  readonly formula: string;
  readonly lowUsd: number;
  readonly highUsd: number;
  readonly source: string;
}

export interface Estimate {
  readonly configuration: Configuration;
  readonly items: readonly Item[];
  readonly lowUsd: number;
  readonly highUsd: number;
}

/** AWS's own month: 365 days of 24 hours, by twelve. */
export const HOURS_PER_MONTH = 730;
const CYCLE_HOURS = 48;
/** Alarms of a stack, as in infra/alarms.ts: eight on one metric each, one made of two of them. */
export const ALARMS = { metric: 8, composite: 1 } as const;
/** The agent and the runner publish once a minute each. */
const METRIC_REQUESTS_PER_HOUR = 120;

export function estimate(configuration: Configuration): Estimate {
  const items = [
    ...machineItems(configuration),
    flat("public IPv4 address", `${hours} x`, HOURS_PER_MONTH, PRICES.publicIpv4Hour, "/h"),
    flat("disk, gp3", `${String(configuration.volumeGb)} GB x`, configuration.volumeGb, PRICES.gp3GbMonth, "/GB"),
    ...monitoringItems(),
    ...storageItems(),
  ];
  const sum = (field: "lowUsd" | "highUsd"): number => items.reduce((total, item) => total + item[field], 0);
  return { configuration, items, lowUsd: sum("lowUsd"), highUsd: sum("highUsd") };
}

const hours = `${String(HOURS_PER_MONTH)} h`;

function machineItems({ instanceType, purchase }: Configuration): Item[] {
  const price = Object.hasOwn(INSTANCES, instanceType) ? INSTANCES[instanceType] : undefined;
  if (price === undefined) {
    throw new KimtestError("USAGE", `there is no price for instance type "${instanceType}"`, {
      hint: `known: ${Object.keys(INSTANCES).join(", ")}`,
    });
  }
  const { hourlyUsd, vcpus, baseline } = price;
  const full = HOURS_PER_MONTH * hourlyUsd;
  const { low, high } = SPOT_SHARE;
  const machine: Item =
    purchase === "on-demand"
      ? flat(`${instanceType} on-demand`, `${hours} x`, HOURS_PER_MONTH, { usd: hourlyUsd, ...PRICES.instance }, "/h")
      : {
          name: `${instanceType} spot (estimate)`,
          formula: `${hours} x $${String(hourlyUsd)}/h x ${String(low)} to ${String(high)}`,
          lowUsd: full * low,
          highUsd: full * high,
          source: PRICES.spot.source,
        };
  if (baseline === undefined) return [machine];
  const surplus = vcpus * (1 - baseline) * HOURS_PER_MONTH;
  const formula = `${String(vcpus)} vCPU x ${String(Math.round((1 - baseline) * 100))} % above baseline x ${hours} x`;
  return [machine, flat("CPU credits, always busy", formula, surplus, PRICES.surplusCredit, "/vCPU-h")];
}

function monitoringItems(): Item[] {
  const [own, system] = [Object.keys(METRICS).length, Object.keys(SYSTEM_METRICS).length];
  const requests = METRIC_REQUESTS_PER_HOUR * HOURS_PER_MONTH;
  const { logGb, logRetentionDays } = ASSUMED;
  const keptGb = (logGb * logRetentionDays) / 30;
  return [
    flat("custom metrics", `${String(own)} + ${String(system)} of the machine x`, own + system, PRICES.metricMonth),
    flat("metric requests", `${String(requests)} x`, requests / 1000, PRICES.metricRequests1000, "/1,000"),
    flat("alarms", `${String(ALARMS.metric)} x`, ALARMS.metric, PRICES.alarmMonth),
    flat("composite alarm", `${String(ALARMS.composite)} x`, ALARMS.composite, PRICES.compositeAlarmMonth),
    flat("dashboard", "1 x", 1, PRICES.dashboardMonth),
    flat("logs, written", `${String(logGb)} GB (assumed) x`, logGb, PRICES.logGbIngested, "/GB"),
    flat(
      "logs, kept",
      `${String(logGb)} GB x ${String(logRetentionDays)} of 30 days x`,
      keptGb,
      PRICES.logGbMonth,
      "/GB",
    ),
    flat("KMS key, first year", "1 x", 1, PRICES.keyMonth),
  ];
}

function storageItems(): Item[] {
  const { s3Gb, alarmEmailsPerMonth } = ASSUMED;
  const cycles = HOURS_PER_MONTH / CYCLE_HOURS;
  const perCycle = putsPerCycle();
  const emails = Math.ceil(cycles) + alarmEmailsPerMonth;
  const putsFormula = `${cycles.toFixed(1)} cycles x ${String(perCycle)} x`;
  return [
    flat("S3, kept", `${String(s3Gb)} GB (assumed) x`, s3Gb, PRICES.s3GbMonth, "/GB"),
    flat("S3, puts", putsFormula, (cycles * perCycle) / 1000, PRICES.s3Puts1000, "/1,000"),
    flat("e-mails", `${String(emails)} x`, emails / 1000, PRICES.emails1000, "/1,000"),
  ];
}

/**
 * What the runner puts in a cycle of 48 h: the state, the checkpoint and its copy of the day at each mirroring;
 * a result per phase; two objects per digest; the registry; each failure (assumed).
 */
export function putsPerCycle(): number {
  const cycleMs = CYCLE_HOURS * 3_600_000;
  const mirrorings = Math.floor(cycleMs / mirrorIntervalMs(cycleMs)) + PHASES.length;
  const digests = Math.floor(cycleMs / INTERIM_DIGEST_MS);
  const datedResults = 2; // benchmarks and formal verification, by day
  return mirrorings * 3 + PHASES.length + datedResults + digests * 2 + 1 + ASSUMED.failuresPerCycle;
}

function flat(
  name: string,
  formula: string,
  count: number,
  price: { readonly usd: number; readonly source: string },
  unit = "",
): Item {
  const usd = count * price.usd;
  return { name, formula: `${formula} $${String(price.usd)}${unit}`, lowUsd: usd, highUsd: usd, source: price.source };
}

/** Every known machine, both ways to buy it. */
export function overview(volumeGb: number): Estimate[] {
  return Object.keys(INSTANCES).flatMap((instanceType) =>
    (["spot", "on-demand"] as const).map((purchase) => estimate({ instanceType, purchase, volumeGb })),
  );
}

const cents = (usd: number): number => Math.round(usd * 100) / 100;

/** Of `--json`; snake_case like everything that others read. Money in USD to the cent. */
export function estimateJson({ configuration, items, lowUsd, highUsd }: Estimate): object {
  return {
    instance_type: configuration.instanceType,
    purchase: configuration.purchase,
    volume_size_gb: configuration.volumeGb,
    items: items.map((item) => ({
      name: item.name,
      formula: item.formula,
      low_usd: cents(item.lowUsd),
      high_usd: cents(item.highUsd),
      source: item.source,
    })),
    total: { low_usd: cents(lowUsd), high_usd: cents(highUsd) },
  };
}

export const FRAME_JSON = {
  currency: "USD",
  region: PRICES_REGION,
  prices_as_of: PRICES_AS_OF,
  hours_per_month: HOURS_PER_MONTH,
  cycle_hours: CYCLE_HOURS,
  assumed: {
    log_gb: ASSUMED.logGb,
    log_retention_days: ASSUMED.logRetentionDays,
    s3_gb: ASSUMED.s3Gb,
    failures_per_cycle: ASSUMED.failuresPerCycle,
    alarm_emails_per_month: ASSUMED.alarmEmailsPerMonth,
  },
} as const;
