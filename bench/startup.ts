/** What `kimtest --help` costs beside an empty Node. */
import { distPath, median, report, timed } from "./measure.ts";

const RUNS = 15;
const AIM = 2.5;

export async function benchStartup(): Promise<void> {
  const help: number[] = [];
  const empty: number[] = [];
  const helpCommand = [process.execPath, distPath("kimtest.js"), "--help"];
  const emptyCommand = [process.execPath, "-e", "0"];
  await timed(helpCommand); // fills the compile cache, as any first use does
  for (let run = 0; run < RUNS; run += 1) {
    help.push((await timed(helpCommand)).seconds);
    empty.push((await timed(emptyCommand)).seconds);
  }
  const ratio = median(help.map((seconds, run) => seconds / empty[run]!));
  const detail = `(${(median(help) * 1000).toFixed(0)} ms against ${(median(empty) * 1000).toFixed(0)} ms)`;
  report("kimtest --help / node -e 0", `${ratio.toFixed(2)} x ${detail}`, {
    text: `<= ${String(AIM)}`,
    met: ratio <= AIM,
  });
}
