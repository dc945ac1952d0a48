/** `kimtest phase`: one workload alone, in a cycle of its own that leaves the usual one in peace. */
import { Argument, Command, Option } from "@commander-js/extra-typings";
import type { Digest } from "../../contracts/digest.ts";
import { EXIT, type ExitCode } from "../../contracts/errors.ts";
import { WORKLOADS, type Workload } from "../../contracts/workloads.ts";
import type { CliDeps } from "../deps.ts";
import { parseDuration } from "../typed-times.ts";
import { jsonOption, profileOption, workersOption } from "./options.ts";

const HELP = `
The exit code is that of the workload alone: 0 passed, 1 failed, 6 inconclusive or untrusted. The digest calls
the others inconclusive: they were left out. Everything is kept below .kimtest/phase, so that a cycle that is under
way, its digest and its findings stay as they are.

Examples:
  kimtest phase fuzz
  kimtest phase vopr --duration 10m --json
  kimtest phase formal-verification --profile kimberlite --duration 1h`;

export function phaseCommand(deps: CliDeps) {
  return new Command("phase")
    .description("Run one workload alone: prepare, the workload, a digest.")
    .addArgument(new Argument("<workload>", "what to run").choices(WORKLOADS))
    .addOption(
      new Option("--store <location>", "where its results go: s3://bucket[/prefix] or a folder").default(
        ".kimtest/phase/store",
      ),
    )
    .addOption(jsonOption())
    .addOption(profileOption())
    .option("--duration <time>", "length of the whole: 90s, 30m (default: the profile's)", parseDuration("--duration"))
    .addOption(workersOption())
    .addHelpText("after", HELP)
    .action(async (workload, options) => {
      const { cycle } = await import("./cycle.ts");
      const outcome = await cycle({ ...options, only: [workload] }, deps);
      if (outcome.kind === "interrupted") return;
      const { code, words } = resultOf(outcome.digest, workload);
      deps.err(`${workload}: ${words}\n`);
      deps.setExitCode(code);
    });
}

const PART = {
  "formal-verification": "formal_verification",
  benchmarks: "benchmarks",
  fuzz: "fuzzing",
  vopr: "vopr",
} as const satisfies Record<Workload, keyof Digest["trust"]>;

/** What one workload of a digest comes to. A green one whose planted bug was not found is none. */
export function resultOf(digest: Digest, workload: Workload): { readonly code: ExitCode; readonly words: string } {
  const { verdict, reason } = digest[PART[workload]];
  const trust = digest.trust[PART[workload]];
  if (verdict === "failed") return { code: EXIT.failuresFound, words: `failed: ${reason ?? "no reason given"}` };
  if (verdict === "inconclusive")
    return { code: EXIT.inconclusive, words: `inconclusive: ${reason ?? "no reason given"}` };
  if (!trust.trusted) return { code: EXIT.inconclusive, words: `passed, but untrusted: ${trust.reason ?? ""}` };
  return { code: EXIT.ok, words: "passed" };
}
