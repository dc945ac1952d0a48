/** Simulations and events per second of the embedded vopr, one process, each scenario. */
import { parseJson } from "../contracts/json.ts";
import { distPath, report, timed } from "./measure.ts";

const SEEDS = 400;
const SCENARIOS = ["baseline", "swizzle", "gray", "combined"];

interface Line {
  readonly type: string;
  readonly data: { readonly events?: number; readonly elapsed_secs?: number };
}

export async function benchSimulator(): Promise<void> {
  for (const scenario of SCENARIOS) {
    const { stdout } = await timed([
      process.execPath,
      distPath("vopr.js"),
      "--json",
      "--scenario",
      scenario,
      "--seed",
      "0",
      "-n",
      String(SEEDS),
    ]);
    const lines = stdout
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => parseJson(text, "line") as Line);
    const events = lines.reduce((sum, { type, data }) => sum + (type === "iteration" ? (data.events ?? 0) : 0), 0);
    const seconds = lines.find(({ type }) => type === "batch_complete")?.data.elapsed_secs;
    if (seconds === undefined) throw new Error(`${scenario} ended without batch_complete`);
    report(
      `simulator, ${scenario}`,
      `${(SEEDS / seconds).toFixed(0)} sims/s, ${(events / seconds).toFixed(0)} events/s`,
    );
  }
}
