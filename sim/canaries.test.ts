/** The mutation matrix: every planted bug is found, and by the invariant that is meant to find it. */
import { describe, expect, test } from "@jest/globals";
import { parseArguments } from "./arguments.ts";
import { CANARIES, canaryNamed } from "./canaries.ts";
import { Coverage } from "./coverage.ts";
import { differenceBetween } from "./determinism.ts";
import { INVARIANTS } from "./invariants/catalogue.ts";
import { Simulation } from "./simulation.ts";
import type { SimulationOptions } from "./simulation/options.ts";

const MAX_SEEDS = 300;

function optionsOf(...argv: string[]): SimulationOptions {
  const command = parseArguments(argv);
  if (command.name !== "run") throw new Error("not a run");
  return command.options.simulation;
}

test("every invariant has a canary that it is meant to find", () => {
  const found = new Set(CANARIES.map(({ finds }) => finds));
  expect([...found].sort()).toEqual(["determinism", ...INVARIANTS.map(({ name }) => name)].sort());
});

describe("planted, and found by the invariant meant", () => {
  test.each(CANARIES.filter(({ finds }) => finds !== "determinism").map(({ name }) => name))("%s", (name) => {
    const { finds, scenario } = canaryNamed(name);
    const options = optionsOf("--scenario", scenario, "--canary", name);
    const found = new Set<string>();
    for (let seed = 0; seed < MAX_SEEDS && !found.has(finds); seed++) {
      found.add(new Simulation(seed, 0, options, new Coverage()).run().failure?.invariant ?? "nothing");
    }
    expect(found).toContain(finds);
  });

  test("rng-unseeded is found by running a seed twice, and nothing else differs", () => {
    const twice = (...argv: string[]): string | null => {
      const options = optionsOf("--scenario", "combined", ...argv);
      const [one, other] = [0, 0].map((seed) => new Simulation(seed, 0, options, new Coverage()).run());
      return differenceBetween(one!, other!);
    };
    expect(twice("--canary", "rng-unseeded")).toMatch(/^two runs of this seed differ/);
    expect(twice()).toBe(null);
  });
});
