/**
 * How this project's programs are bundled: for `dist/` (tools/build.ts) and for the machine (runner-bundle.ts).
 *
 * One esbuild run with code splitting, so that a program loads what it uses and nothing else. A banner gives bundled
 * CommonJS packages a `require`. The output is the same for the same sources, wherever the checkout lies.
 */
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";

/** The checkout: Pulumi runs the program in `infra/`. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the embedded profile starts as processes; they lie beside the program that starts them. */
export const EMBEDDED_PROGRAMS = {
  vopr: "sim/vopr.ts",
  explore: "sim/explore.ts",
  fuzz: "embedded/fuzz.ts",
  bench: "embedded/bench.ts",
} as const;

/** `entryPoints`: name of the program to its source, relative to the checkout. */
export function bundleOptions(entryPoints: Readonly<Record<string, string>>) {
  return {
    absWorkingDir: ROOT,
    entryPoints: { ...entryPoints },
    outdir: "dist",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.18",
    chunkNames: "chunks/[name]-[hash]",
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "warning",
  } satisfies BuildOptions;
}
