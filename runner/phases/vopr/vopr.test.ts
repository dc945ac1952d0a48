/** What the workers of a marathon take. Real processes. */
import { expect, test } from "@jest/globals";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { phaseBenches } from "../../../test/phase-bench.ts";
import { voprPhase } from "./vopr.ts";

const open = phaseBenches();

test("workers that begin at the same moment take a scenario each: what one has just taken counts for the next", async () => {
  const { context } = await open({ profile: fakeProfile({ seed_ms: 20 }), phase: "vopr", budgetMs: 2_000 });
  const taken: string[] = [];
  const processes: typeof context.processes = {
    ...context.processes,
    run(options) {
      const { command } = options;
      if (!command.includes("--canary")) taken.push(command[command.indexOf("--scenario") + 1] ?? "");
      return context.processes.run(options);
    },
  };
  await voprPhase({ ...context, processes }, 2);
  expect(taken.slice(0, 2).sort()).toEqual(["baseline", "combined"]);
});
