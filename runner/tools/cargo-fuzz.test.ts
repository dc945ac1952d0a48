/** On what the real cargo-fuzz 0.13.2 printed: test/fixtures/fuzz-recorded, by tools/record-fuzz.ts. */
import { expect, test } from "@jest/globals";
import {
  buildCommand,
  executableOf,
  hostTriple,
  judgeBuild,
  judgeList,
  listCommand,
  planTargets,
} from "./cargo-fuzz.ts";
import { DEADLINE, ended, fixtureText, printed } from "./recordings.fixture.ts";

const recorded = (name: string) => fixtureText(`fuzz-recorded/${name}.txt`);

test("the list of targets", () => {
  expect(judgeList(printed(recorded("list")))).toEqual({
    targets: [
      ...["clean", "does_not_compile", "planted_leak", "planted_memory", "planted_oom"],
      ...["planted_panic", "planted_slow", "planted_timeout", "planted_unwrap"],
    ],
  });
});

test.each<[string, ReturnType<typeof printed>, string]>([
  ["no cargo fuzz", printed("error: no such command: `fuzz`", 101), "exit code 101: error: no such command: `fuzz`"],
  ["no target", printed("\n"), "there is no target"],
  [
    "garbage",
    printed("fuzz_a\nwarning: unused manifest key"),
    '"warning: unused manifest key" is not the name of a target',
  ],
  ["a deadline", { end: ended(DEADLINE), text: "fuzz_a" }, "still running at its deadline of 600.0 s"],
])("no list: %s", (_name, output, problem) => {
  expect(judgeList(output)).toEqual({ problem });
});

test("the list against the profile", () => {
  const listed = ["fuzz_wire", "fuzz_scalar_expr", "seed_sql_grammar"];
  expect(planTargets(listed, ["fuzz_abac", "fuzz_wire"], ["seed_sql_grammar"])).toEqual({
    fuzz: ["fuzz_wire"],
    missing: ["fuzz_abac"],
    forgotten: ["fuzz_scalar_expr"],
  });
});

test("a build is passed only with its executable", () => {
  expect(judgeBuild(printed("Finished"), true)).toEqual({ verdict: "passed", reason: null });
  expect(judgeBuild(printed("Finished"), false)).toEqual({
    verdict: "inconclusive",
    reason: "build: exit code 0, but there is no executable",
  });
});

test("a build that fails is inconclusive, with the compiler's first error, also when an old executable is there", () => {
  expect(judgeBuild(printed(recorded("build-does_not_compile"), 1), true)).toEqual({
    verdict: "inconclusive",
    reason:
      "build: exit code 1: error[E0425]: cannot find function `no_such_function` in crate `planted` " +
      "(fuzz_targets/does_not_compile.rs:5:14)",
  });
  expect(judgeBuild({ end: ended(DEADLINE), text: "" }, true)).toEqual({
    verdict: "inconclusive",
    reason: "build: still running at its deadline of 600.0 s",
  });
});

test("the commands, and where the executable is", () => {
  const options = {
    cargo: ["cargo", "+nightly"],
    folder: "/checkout",
    fuzzFolder: "fuzz",
    buildFolder: "/build",
    triple: "aarch64-unknown-linux-gnu",
    sanitizer: "address",
  } as const;
  expect(listCommand(options).join(" ")).toBe("cargo +nightly fuzz list --fuzz-dir fuzz");
  expect(buildCommand(options, "fuzz_wire").join(" ")).toBe(
    "cargo +nightly fuzz build --fuzz-dir fuzz --target-dir /build --target aarch64-unknown-linux-gnu --sanitizer address fuzz_wire",
  );
  expect(executableOf(options, "fuzz_wire")).toBe("/build/aarch64-unknown-linux-gnu/release/fuzz_wire");
});

test("the host's triple", () => {
  expect(hostTriple("rustc 1.97.0-nightly\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.97.0")).toBe(
    "x86_64-unknown-linux-gnu",
  );
  expect(hostTriple("command not found")).toBeUndefined();
});
