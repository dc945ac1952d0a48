import { describe, expect, test } from "@jest/globals";
import { Coverage, POINT } from "./coverage.ts";
import { SimulatedNetwork } from "./network.ts";
import { Random } from "./random.ts";
import { NO_NETWORK_FAULTS } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { startViewChange } from "./vsr/messages.ts";

const NODES = 7;
const REPLICAS = 3;

/** What every node loses of one message to every other, by fault point, after `act`. */
function lossesAfter(seed: number, act: (network: SimulatedNetwork) => void): number[] {
  const coverage = new Coverage();
  const random = new Random(seed, 0, 1);
  const network = new SimulatedNetwork(random, new Scheduler(), coverage, NODES, 0, NO_NETWORK_FAULTS);
  act(network);
  for (let from = 0; from < NODES; from++) {
    for (let to = 0; to < NODES; to++) if (from !== to) network.send(from, to, startViewChange(from, 1));
  }
  return coverage.observed;
}

describe("a fault that is counted as applied is applied", () => {
  const seeds = Array.from({ length: 500 }, (_, seed) => seed);

  test("every partition cuts somebody off", () => {
    const cut = seeds.map(
      (seed) =>
        lossesAfter(seed, (network) => {
          network.partition(REPLICAS, 1000);
        })[POINT.partition]!,
    );
    expect(cut.filter((links) => links === 0)).toEqual([]);
    // One-sided or two-sided, from one node on one side to three against four.
    expect(Math.min(...cut)).toBe(6);
    expect(Math.max(...cut)).toBe(24);
  });

  test("every broken link is one between two different replicas", () => {
    const broken = seeds.map(
      (seed) =>
        lossesAfter(seed, (network) => {
          network.breakLink(REPLICAS, 1000);
        })[POINT.linkFailure],
    );
    expect(new Set(broken)).toEqual(new Set([1]));
  });
});
