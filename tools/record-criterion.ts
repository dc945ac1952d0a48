/**
 * Runs the Criterion benchmarks of `test/fixtures/criterion-crate` and records what Criterion wrote into
 * `test/fixtures/criterion/recorded/`. The tests of the adapter read that record, so that they need no Rust.
 *
 *   node tools/record-criterion.ts
 *
 * Needs cargo and crates.io; takes one to three minutes. Every benchmark runs twice, because Criterion's second
 * run writes `base/` and `change/` beside `new/`. The figures differ each time; the tests do not depend on them.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { stringifyJson } from "../contracts/json.ts";

const CRATE = fileURLToPath(new URL("../test/fixtures/criterion-crate", import.meta.url));
const RECORDED = fileURLToPath(new URL("../test/fixtures/criterion/recorded", import.meta.url));
const SUITES = ["hashing", "end_to_end"];
const RUN_TIMEOUT_MS = 600_000;
/** Short: the files count, not the figures. */
const MEASURING = ["--noplot", "--warm-up-time", "0.2", "--measurement-time", "0.5"];

const work = mkdtempSync(join(tmpdir(), "record-criterion-"));
try {
  const home = join(work, "criterion");
  const env = { CRITERION_HOME: home, CARGO_TARGET_DIR: join(work, "target") };
  for (const suite of [...SUITES, ...SUITES]) {
    process.stderr.write(`cargo bench --bench ${suite}\n`);
    await execa("cargo", ["bench", "--locked", "--bench", suite, "--", ...MEASURING], {
      cwd: CRATE,
      env,
      timeout: RUN_TIMEOUT_MS,
    });
  }
  const { stdout: compiler } = await execa("rustc", ["--version"], { cwd: CRATE, timeout: RUN_TIMEOUT_MS });
  rmSync(RECORDED, { recursive: true, force: true });
  cpSync(home, join(RECORDED, "criterion"), { recursive: true });
  writeFileSync(
    join(RECORDED, "recorded.json"),
    `${stringifyJson({ compiler, suites: SUITES, arguments: MEASURING })}\n`,
  );
  process.stderr.write(`recorded: ${readdirSync(join(RECORDED, "criterion")).join(", ")}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
