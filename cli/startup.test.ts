/** What is loaded before a command is known: the parser and our definitions. `npm run bench` measures the time. */
import { build } from "esbuild";
import { expect, test } from "@jest/globals";

test("help loads commander and the definitions of the commands, nothing else", async () => {
  const { metafile } = await build({
    entryPoints: ["cli/main.ts"],
    bundle: true,
    write: false,
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: "out",
    metafile: true,
  });
  const { inputs } = metafile;
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind, external } of inputs[path]?.imports ?? []) {
      if (kind !== "dynamic-import" && external !== true) load(next);
    }
  };
  // main.ts itself loads these two, dynamically, so that they are in the compile cache.
  for (const path of ["cli/main.ts", "cli/deps.ts", "cli/run.ts"]) load(path);
  const packages = [...loaded].flatMap((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  expect([...new Set(packages)].sort()).toEqual(["@commander-js/extra-typings", "commander"]);
  expect([...loaded].filter((path) => !path.includes("node_modules/")).sort()).toEqual([
    "cli/commands/bench-baseline.ts",
    "cli/commands/canaries.ts",
    "cli/commands/completion.ts",
    "cli/commands/cycle.ts",
    "cli/commands/deploy-infra.ts",
    "cli/commands/doctor.ts",
    "cli/commands/fetch-failure.ts",
    "cli/commands/infra-bench.ts",
    "cli/commands/infra-cost.ts",
    "cli/commands/infra-destroy.ts",
    "cli/commands/infra-digest.ts",
    "cli/commands/infra-logs.ts",
    "cli/commands/infra-restart.ts",
    "cli/commands/infra-ssh.ts",
    "cli/commands/infra-start.ts",
    "cli/commands/infra-status.ts",
    "cli/commands/infra-stop.ts",
    "cli/commands/list-failures.ts",
    "cli/commands/options-infra.ts",
    "cli/commands/options-place.ts",
    "cli/commands/options.ts",
    "cli/commands/phase.ts",
    "cli/commands/profile.ts",
    "cli/commands/service.ts",
    "cli/commands/test-infra-smoke.ts",
    "cli/commands/vopr-repro.ts",
    "cli/commands/vopr.ts",
    "cli/deps.ts",
    "cli/main.ts",
    "cli/program.ts",
    "cli/run.ts",
    "cli/store.ts",
    "cli/typed-times.ts",
    "contracts/defaults.ts",
    "contracts/errors.ts",
    "contracts/workloads.ts",
    "package.json",
  ]);
});
