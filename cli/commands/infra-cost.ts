/** `kimtest infra-cost`: what a stack costs in a month, with every formula and the date of the prices. */
import { Command, Option } from "@commander-js/extra-typings";
import { KimtestError } from "../../contracts/errors.ts";
import type { CliDeps } from "../deps.ts";
import type { Estimate } from "../infra/cost.ts";
import { jsonOption } from "./options.ts";

export interface InfraCostOptions {
  readonly instanceType: string;
  readonly purchase: "spot" | "on-demand";
  readonly volumeSize: number;
  readonly json?: true | undefined;
}

export function infraCostCommand(deps: CliDeps) {
  return new Command("infra-cost")
    .description("Estimate what a stack costs in a month.")
    .option("--instance-type <type>", "EC2 instance type", "c7g.xlarge")
    .addOption(
      new Option("--purchase <how>", "how the machine is bought")
        .choices(["spot", "on-demand"] as const)
        .default("spot" as const),
    )
    .option("--volume-size <gigabytes>", "size of the disk", parseVolumeSize, 60)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  kimtest infra-cost\n  kimtest infra-cost --instance-type c7g.medium --volume-size 30",
    )
    .action((options) => infraCost(options, deps));
}

/** As the configuration key volumeSize. */
const VOLUME = { min: 30, max: 1000 };

function parseVolumeSize(text: string): number {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size >= VOLUME.min && size <= VOLUME.max) return size;
  throw new KimtestError(
    "USAGE",
    `--volume-size is "${text}", but must be a whole number from ${String(VOLUME.min)} to ${String(VOLUME.max)}`,
  );
}

export async function infraCost(options: InfraCostOptions, deps: CliDeps): Promise<void> {
  const { estimate, estimateJson, FRAME_JSON, overview } = await import("../infra/cost.ts");
  const { instanceType, purchase, volumeSize: volumeGb } = options;
  const chosen = estimate({ instanceType, purchase, volumeGb });
  const others = overview(volumeGb);
  if (options.json) {
    const { jsonText } = await import("../json.ts");
    const configurations = others.map(({ configuration, lowUsd, highUsd }) => ({
      instance_type: configuration.instanceType,
      purchase: configuration.purchase,
      low_usd: Math.round(lowUsd * 100) / 100,
      high_usd: Math.round(highUsd * 100) / 100,
    }));
    deps.out(jsonText({ ...FRAME_JSON, ...estimateJson(chosen), configurations }));
    return;
  }
  const { region, prices_as_of: asOf } = FRAME_JSON;
  const notes = [
    `prices: ${region}, ${asOf}, before tax, no free tier; AWS's own: https://calculator.aws`,
    "spot prices change; today's: aws ec2 describe-spot-price-history --product-descriptions Linux/UNIX \\",
    `  --instance-types ${instanceType} --start-time "$(date -u +%FT%TZ)" --region ${region}`,
  ];
  deps.out(`${[...itemLines(chosen), "", ...overviewLines(others), "", ...notes].join("\n")}\n`);
}

function itemLines({ configuration, items, lowUsd, highUsd }: Estimate): string[] {
  const { instanceType, purchase, volumeGb } = configuration;
  const width = Math.max(...items.map(({ name }) => name.length));
  const money = items.map((item) => range(item.lowUsd, item.highUsd));
  const total = range(lowUsd, highUsd);
  const moneyWidth = Math.max(total.length, ...money.map(({ length }) => length));
  return [
    `${instanceType}, ${purchase}, ${String(volumeGb)} GB, per month in USD`,
    ...items.map(
      ({ name, formula }, index) => `${name.padEnd(width)}  ${(money[index] ?? "").padStart(moneyWidth)}  ${formula}`,
    ),
    `${"total".padEnd(width)}  ${total.padStart(moneyWidth)}`,
  ];
}

function overviewLines(estimates: readonly Estimate[]): string[] {
  const types = [...new Set(estimates.map(({ configuration }) => configuration.instanceType))];
  const total = (type: string, purchase: string): string => {
    const one = estimates.find(({ configuration: c }) => c.instanceType === type && c.purchase === purchase);
    return one === undefined ? "" : range(one.lowUsd, one.highUsd);
  };
  return [
    `${"total of".padEnd(12)}  ${"spot".padStart(17)}  ${"on-demand".padStart(9)}`,
    ...types.map(
      (type) => `${type.padEnd(12)}  ${total(type, "spot").padStart(17)}  ${total(type, "on-demand").padStart(9)}`,
    ),
  ];
}

const range = (low: number, high: number): string =>
  low === high ? low.toFixed(2) : `${low.toFixed(2)} to ${high.toFixed(2)}`;
