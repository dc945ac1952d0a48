/**
 * Bundles what ships into dist/: the `kimtest` command line and the programs it starts.
 *
 * Every command's own code is a chunk loaded on use, so that `kimtest --help` loads the parser and nothing else. How
 * it is bundled is shared with what is delivered to the machine: infra/delivery/build-bundle.ts.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions, EMBEDDED_PROGRAMS } from "../infra/delivery/build-bundle.ts";

const startedMs = Date.now();

await build({ ...bundleOptions({ kimtest: "cli/main.ts", ...EMBEDDED_PROGRAMS }), sourcemap: "linked" });

// Only what is no longer made, and only when it is old: a cycle may be running from this very folder.
const OLD_MS = 24 * 3_600_000;
for (const name of readdirSync("dist/chunks")) {
  const path = join("dist/chunks", name);
  if (statSync(path).mtimeMs < startedMs - OLD_MS) rmSync(path);
}
