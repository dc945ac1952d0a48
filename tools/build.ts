/**
 * Bundles what ships into dist/: the `kimtest` command line and the programs it starts.
 *
 * One esbuild run with code splitting, so that `kimtest --help` loads the parser and nothing else;
 * every command's own code is a chunk loaded on use. A banner gives bundled CommonJS packages a `require`.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const startedMs = Date.now();

await build({
  entryPoints: {
    kimtest: "cli/main.ts",
    vopr: "sim/vopr.ts",
    explore: "sim/explore.ts",
    fuzz: "embedded/fuzz.ts",
    bench: "embedded/bench.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.18",
  sourcemap: "linked",
  chunkNames: "chunks/[name]-[hash]",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});

// Only what is no longer made, and only when it is old: a cycle may be running from this very folder.
const OLD_MS = 24 * 3_600_000;
for (const name of readdirSync("dist/chunks")) {
  const path = join("dist/chunks", name);
  if (statSync(path).mtimeMs < startedMs - OLD_MS) rmSync(path);
}
