/** What a process that streams much and keeps little tells V8. */
import { setFlagsFromString } from "node:v8";

/**
 * V8 lets the young generation grow with throughput. The double memory buys nothing where little is kept: without this
 * the peak grows with the speed of the stream (`npm run bench -- memory list-failures`).
 */
export function keepMemorySmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
