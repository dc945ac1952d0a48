import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { extract } from "tar";
import { bundleOptions, ROOT } from "./build-bundle.ts";
import { pack } from "./pack.ts";
import { buildRunnerBundle, runnerFiles, RUNNER_PROGRAMS } from "./runner-bundle.ts";

const run = promisify(execFile);

let folder = "";
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kimtest-bundle-")));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("the archive has the hash that it is named by, and unpacks to programs that run", async () => {
  const { sha256, path } = await buildRunnerBundle();
  const archive = await readFile(path);
  expect(createHash("sha256").update(archive).digest("hex")).toBe(sha256);
  expect(path).toBe(join(ROOT, `.kimtest/bundles/${sha256}.tar.gz`));

  await extract({ file: path, cwd: folder, strict: true });
  const entries = await readdir(folder);
  const programs = Object.keys(RUNNER_PROGRAMS).map((program) => `${program}.js`);
  expect(entries.sort()).toEqual(["chunks", "host", "kimtest-commit", "package.json", ...programs].sort());
  const scripts = (await readdir(join(ROOT, "infra/host"))).filter((name) => !name.endsWith(".ts"));
  expect((await readdir(join(folder, "host"))).sort()).toEqual(scripts.sort());

  // Outside of the checkout: nothing of it, no package, no tsconfig is within reach.
  const { stdout } = await run(process.execPath, ["vopr.js", "--json", "--seed", "7", "-n", "1"], { cwd: folder });
  const types = stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(["start", "iteration", "batch_complete"]);
});

test("the bundle says its commit", async () => {
  const commit = (await runnerFiles()).find(({ path }) => path === "kimtest-commit");
  expect(Buffer.from(commit!.content).toString()).toMatch(/^[0-9a-f]{40}(-dirty)?\n$/);
});

// The bundler decides where a module goes: into a chunk when two programs use it, else into the one that does.
test.each([
  ["in a program", ["one"]],
  ["in a chunk", ["one", "other"]],
])("the embedded profile, %s, finds what was delivered with it", async (_where, programs) => {
  const probe = join(folder, "probe.ts");
  const profile = JSON.stringify(join(ROOT, "runner/profiles/embedded.ts"));
  await writeFile(
    probe,
    `import { embeddedProfile } from ${profile}; const { work_tree, vopr, fuzz } = embeddedProfile(); console.log(JSON.stringify([work_tree, vopr.command[1], fuzz.command[1]]));`,
  );
  const outdir = join(folder, "delivered");
  const entryPoints = Object.fromEntries(programs.map((name) => [name, join(folder, `${name}.ts`)]));
  for (const path of Object.values(entryPoints)) await writeFile(path, 'import "./probe.ts";');
  await build({ ...bundleOptions(entryPoints), outdir });
  await writeFile(join(outdir, "kimtest-commit"), "");
  await writeFile(join(outdir, "package.json"), '{"type":"module"}');

  const { stdout } = await run(process.execPath, [join(outdir, "one.js")]);
  expect(JSON.parse(stdout)).toEqual([`${outdir}/`, join(outdir, "vopr.js"), join(outdir, "fuzz.js")]);
});

test("the same sources give the same hash, wherever the checkout lies", async () => {
  const { sha256 } = await buildRunnerBundle();
  expect((await buildRunnerBundle()).sha256).toBe(sha256);

  // The commit is not known in the copy, which has no history.
  const here = (await runnerFiles()).filter(({ path }) => path !== "kimtest-commit");
  const copy = join(folder, "another place");
  await copyCheckout(copy);
  const script =
    'const { runnerFiles } = await import("./infra/delivery/runner-bundle.ts");' +
    'const { pack } = await import("./infra/delivery/pack.ts");' +
    "const files = (await runnerFiles()).filter(({ path }) => path !== 'kimtest-commit');" +
    "console.log(pack(files).sha256);";
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: copy });
  expect(stdout.trim()).toBe(pack(here).sha256);
}, 60_000);

/** What the bundle is made of, and what makes it: sources, and of the packages only what is read. */
async function copyCheckout(target: string): Promise<void> {
  for (const part of ["contracts", "embedded", "infra", "runner", "sim", "package.json", "tsconfig.json"]) {
    await cp(join(ROOT, part), join(target, part), { recursive: true });
  }
  const { metafile } = await build({ ...bundleOptions(RUNNER_PROGRAMS), write: false, metafile: true });
  const files = Object.keys(metafile.inputs).filter((path) => path.startsWith("node_modules/"));
  const manifests = new Set(files.flatMap(packageManifests));
  for (const path of [...files, ...manifests]) {
    if (existsSync(join(ROOT, path))) await cp(join(ROOT, path), join(target, path));
  }
  for (const tool of ["esbuild", "@esbuild", "tar", "yallist", "minipass", "minizlib", "chownr", "@isaacs"]) {
    await cp(join(ROOT, "node_modules", tool), join(target, "node_modules", tool), { recursive: true });
  }
}

/** Every package.json that could say how this file is resolved. */
function packageManifests(path: string): string[] {
  const folders = dirname(path).split("/");
  return folders.slice(1).map((_, index) => `${folders.slice(0, index + 2).join("/")}/package.json`);
}
