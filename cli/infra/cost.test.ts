/** The estimate against numbers reckoned by hand, and its counts against the code that makes them. */
import { describe, expect, test } from "@jest/globals";
import { METRICS, SYSTEM_METRICS } from "../../contracts/metrics.ts";
import { METRIC_ALARMS } from "../../infra/alarms.ts";
import { ALARMS, estimate, overview, putsPerCycle, type Item } from "./cost.ts";
import { INSTANCES } from "./prices.ts";

const item = (items: readonly Item[], name: string): Item | undefined => items.find((one) => one.name === name);

test("by hand: c7g.xlarge on demand with 60 GB", () => {
  const { items, lowUsd, highUsd } = estimate({ instanceType: "c7g.xlarge", purchase: "on-demand", volumeGb: 60 });
  expect(item(items, "c7g.xlarge on-demand")?.lowUsd).toBeCloseTo(105.85, 6);
  expect(item(items, "disk, gp3")?.lowUsd).toBeCloseTo(4.8, 6);
  expect(item(items, "public IPv4 address")?.lowUsd).toBeCloseTo(3.65, 6);
  expect(item(items, "logs, written")?.lowUsd).toBeCloseTo(2.5, 6);
  expect(lowUsd).toBe(highUsd);
});

test("spot is a range below the on-demand price, and the rest is the same", () => {
  const spot = estimate({ instanceType: "c7g.medium", purchase: "spot", volumeGb: 30 });
  const onDemand = estimate({ instanceType: "c7g.medium", purchase: "on-demand", volumeGb: 30 });
  const [machine] = spot.items;
  expect(machine).toMatchObject({ name: "c7g.medium spot (estimate)", formula: "730 h x $0.0363/h x 0.22 to 0.5" });
  expect(machine?.lowUsd).toBeCloseTo(5.82978, 5);
  expect(machine?.highUsd).toBeCloseTo(13.2495, 5);
  expect(spot.items.slice(1)).toEqual(onDemand.items.slice(1));
});

test("a busy burstable machine pays for its credits: t4g.small costs more than c7g.medium", () => {
  const small = estimate({ instanceType: "t4g.small", purchase: "spot", volumeGb: 60 });
  const credits = item(small.items, "CPU credits, always busy");
  expect(credits?.formula).toBe("2 vCPU x 80 % above baseline x 730 h x $0.04/vCPU-h");
  expect(credits?.lowUsd).toBeCloseTo(46.72, 6);
  expect(small.lowUsd).toBeGreaterThan(
    estimate({ instanceType: "c7g.medium", purchase: "spot", volumeGb: 60 }).highUsd,
  );
});

test("the sums are the sums of the items", () => {
  for (const { items, lowUsd, highUsd } of overview(100)) {
    expect(items.reduce((sum, one) => sum + one.lowUsd, 0)).toBe(lowUsd);
    expect(items.reduce((sum, one) => sum + one.highUsd, 0)).toBe(highUsd);
  }
  expect(overview(100)).toHaveLength(Object.keys(INSTANCES).length * 2);
});

describe("counts", () => {
  const { items } = estimate({ instanceType: "c7g.xlarge", purchase: "spot", volumeGb: 60 });

  test("alarms are those of the Pulumi program", () => {
    expect(METRIC_ALARMS).toHaveLength(ALARMS.metric);
  });

  test("metrics are those of the contract, one each", () => {
    const count = Object.keys(METRICS).length + Object.keys(SYSTEM_METRICS).length;
    expect(item(items, "custom metrics")?.lowUsd).toBeCloseTo(count * 0.3, 6);
  });

  test("puts of a 48-hour cycle: 960 mirrorings and one per phase, of three objects, and the results", () => {
    expect(putsPerCycle()).toBe((960 + 6) * 3 + 6 + 2 + 2 * 2 + 1 + 100);
  });
});

test.each(["c7g.huge", "", "toString", "C7G.XLARGE"])("no price for %j", (instanceType) => {
  expect(() => estimate({ instanceType, purchase: "spot", volumeGb: 60 })).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: `there is no price for instance type "${instanceType}"`,
      hint: `known: ${Object.keys(INSTANCES).join(", ")}`,
    }),
  );
});
