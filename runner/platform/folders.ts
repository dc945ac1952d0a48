/** Where the runner keeps what it fetched, built and measured: below its state folder. */
import { join } from "node:path";

/** The clone of the repository under test. */
export const checkoutFolder = (stateFolder: string): string => join(stateFolder, "checkout");
/** Bundles of failing seeds, a folder per batch; what is in it counts for nothing once the batch has ended. */
export const voprBundlesFolder = (stateFolder: string): string => join(stateFolder, "vopr-bundles");
/** Downloads, by their hash. */
export const toolsFolder = (stateFolder: string): string => join(stateFolder, "tools");
/** Sources of the bug that is planted for a workload. */
export const plantedFolder = (stateFolder: string, workload: string): string => join(stateFolder, "planted", workload);
export const fuzzBuildFolder = (stateFolder: string): string => join(stateFolder, "fuzz", "build");
/** Kept from cycle to cycle, and in step with the store. */
export const corpusFolder = (stateFolder: string, target: string): string =>
  join(stateFolder, "fuzz", "corpus", target);
/** Failing inputs as libFuzzer wrote them; emptied when they are in the store. */
export const artifactFolder = (stateFolder: string, target: string): string =>
  join(stateFolder, "fuzz", "artifacts", target);
/** Where Criterion writes; judged by the age of its files, so it need not be emptied. */
export const criterionFolder = (stateFolder: string, suite: string): string => join(stateFolder, "criterion", suite);
/** Benchmark runs that the store has not taken yet; these cannot be made again. */
export const waitingRunsFolder = (stateFolder: string): string => join(stateFolder, "benchmark-runs");
/** How many inputs the last minimising left over. */
export const minimizedNote = (stateFolder: string, target: string): string =>
  join(stateFolder, "fuzz", "minimized", target);
