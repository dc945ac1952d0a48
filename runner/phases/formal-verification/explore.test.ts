/** The phase with this project's own exploration program. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { execa } from "execa";
import { formalVerificationDaySchema } from "../../../contracts/results.ts";
import { phaseBenches, type PhaseBench } from "../../../test/phase-bench.ts";
import { embeddedProfile, type EmbeddedProfile } from "../../profiles/embedded.ts";
import { decodeJson } from "../../store/read-json.ts";
import { formalVerificationPhase } from "./formal-verification.ts";
import { atNoon, noonKey } from "../../../test/day.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SMALL = ["--operations", "1", "--crashes", "0"];
const phaseBench = phaseBenches();

const exploring = (extra: string[]): EmbeddedProfile => {
  const profile = embeddedProfile();
  return { ...profile, formal_verification: { ...profile.formal_verification, arguments: extra } };
};
const options = (extra: string[]) =>
  ({ profile: exploring(extra), phase: "formal-verification", budgetMs: 300_000 }) as const;
const day = async (bench: PhaseBench) => {
  return decodeJson(await bench.stored(noonKey()), "day", formalVerificationDaySchema);
};

test("a violation stays in the day's file when a later run is green, and its line works as pasted", async () => {
  const first = atNoon(await phaseBench(options(["--canary", "skip-fsync"])));
  const failed = await formalVerificationPhase(first.context);
  expect(failed).toMatchObject({ verdict: "failed", canary: { found: true } });
  expect(await day(first)).toEqual({ ...failed, earlier_failures: [] });
  const [sighting] = Object.values(first.context.state.get().sightings);
  expect(sighting).toMatchObject({ workload: "formal-verification", repro: "node sim/explore.ts --canary skip-fsync" });
  await first.close();

  const second = atNoon(await phaseBench({ ...options(SMALL), bench: first.bench, cycle: 2 }));
  const passed = await formalVerificationPhase(second.context);
  expect(passed).toMatchObject({ verdict: "passed", cycle: 2 });
  expect(await day(second)).toEqual({ ...passed, earlier_failures: [failed] });

  const [program = "", ...args] = (sighting?.repro ?? "").split(" ");
  const pasted = await execa(program, args, { cwd: ROOT, reject: false, timeout: 300_000 });
  expect(pasted.exitCode).toBe(1);
  expect(pasted.stdout).toContain(sighting?.signature.split(":")[2]);
}, 600_000);
