/** A profile whose programs are stand-ins: for tests of the runner alone. */
import { fileURLToPath } from "node:url";
import type { PlantedCanary } from "../contracts/canary.ts";
import type { Profile } from "../contracts/profile.ts";
import type { EmbeddedProfile } from "../runner/profiles/embedded.ts";

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface FakeVopr {
  readonly mode?: string;
  readonly fail_every?: number;
  readonly only?: string;
  readonly seed_ms?: number;
  readonly bad_seed?: number;
  readonly once?: string;
  readonly canaries?: readonly PlantedCanary[];
  readonly harmless?: string;
  readonly breaks_in?: string;
  readonly bundle?: "none" | "foreign" | "damaged" | "cut" | "huge" | "other-invariant" | "other-commit";
}

/** `vopr`: how the stand-in behaves; goes through `env`, so that the profile stays data. */
export function fakeProfile(vopr: FakeVopr = {}, change: Partial<Profile["vopr"]> = {}): EmbeddedProfile {
  const program = (kind: string): string[] => [process.execPath, script("fake-program.js"), kind];
  return {
    name: "fake",
    work_tree: fileURLToPath(new URL("..", import.meta.url)),
    duration_seconds: 5,
    // The exploration is the one program that is ended with its share; what it leaves over is VOPR's.
    time_shares: { prepare: 1, "formal-verification": 160, benchmarks: 4, fuzz: 4, vopr: 30, digest: 1 },
    formal_verification: {
      tool: "explore",
      command: program("explore"),
      arguments: [],
      repro_command: "fake-explore",
      canary: { name: "planted", arguments: ["--canary", "planted"] },
    },
    benchmarks: { tool: "tinybench", command: program("bench") },
    fuzz: { tool: "fast-check", command: program("fuzz"), targets: ["one", "two"], canary_target: "canary" },
    vopr: {
      command: ["env", `FAKE_VOPR=${JSON.stringify(vopr)}`, process.execPath, script("fake-vopr.js")],
      arguments: [],
      repro_command: "fake-vopr",
      scenarios: [
        { name: "baseline", weight: 1, expectation: "must-pass" },
        { name: "combined", weight: 3, expectation: "must-pass" },
      ],
      seed_offset: 0n,
      batch: {
        first_iterations: 10,
        max_iterations: 50_000,
        target_seconds: 0.5,
        stall_seconds: 20,
        deadline_seconds: 20,
      },
      determinism: { share: 0.05, arguments: ["--check-determinism"] },
      canary: { name: "planted", scenario: "combined", arguments: ["--canary", "planted"], iterations: 12 },
      critical_failures: 1_000_000,
      ...change,
    },
  };
}
