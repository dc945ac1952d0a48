/** On what real programs printed (test/fixtures/fuzz-recorded), and on forms of older or other toolchains. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { normalMessage, rustStack, signatureOf } from "./rust-stack.ts";

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, "../../test/fixtures/fuzz-recorded", `${name}.txt`), "utf8");
const exactOf = (text: string): string | undefined => {
  const stack = rustStack(text);
  return stack === undefined ? undefined : signatureOf(stack).exact;
};

test.each<[string, string, string]>([
  [
    "planted_panic",
    "panic in planted::decode_rest < planted::decode: index out of bounds: the len is N but the index is N",
    "panic in planted::decode_rest",
  ],
  [
    "planted_unwrap",
    "panic in planted::unwrap_number: called `Result::unwrap()` on an `Err` value: ParseIntError { kind: Empty }",
    "panic in planted::unwrap_number",
  ],
  [
    "planted_memory",
    "heap-buffer-overflow in planted::read_behind < planted_memory::fuzz_target",
    "heap-buffer-overflow in planted::read_behind",
  ],
  ["planted_leak", "memory leak in planted_leak::fuzz_target", "memory leak in planted_leak::fuzz_target"],
  ["planted_oom", "out-of-memory in planted_oom::fuzz_target", "out-of-memory in planted_oom::fuzz_target"],
  ["planted_timeout", "timeout", "timeout"],
])("a real run of %s", (name, exact, group) => {
  const stack = rustStack(recorded(`fuzz-${name}`));
  expect(stack).toBeDefined();
  expect(signatureOf(stack!)).toEqual({ exact, group });
});

test("a run that broke nothing has no stack", () => {
  expect(rustStack(recorded("fuzz-clean"))).toBeUndefined();
  expect(rustStack(recorded("fuzz-planted_slow"))).toBeUndefined();
  expect(rustStack("")).toBeUndefined();
});

test("the same bug when it is reproduced from its input", () => {
  expect(exactOf(recorded("reproduce-planted_panic"))).toBe(exactOf(recorded("fuzz-planted_panic")));
});

test("other addresses, lines, hashes and values: the same bug", () => {
  const text = recorded("fuzz-planted_panic");
  fc.assert(
    fc.property(fc.nat(9_999), fc.string(), (number, junk) => {
      const other = text
        .replaceAll(/0x[0-9a-f]+/g, `0x${(number + 4096).toString(16)}`)
        .replaceAll(/lib\.rs:\d+:\d+/g, `lib.rs:${String(number)}:7`)
        .replaceAll(/rustc\/[0-9a-f]{40}/g, `rustc/${String(number).padStart(40, "a")}`)
        .replaceAll(
          /the len is \d+ but the index is \d+/g,
          `the len is ${String(number)} but the index is ${String(number + 1)}`,
        );
      expect(exactOf(`${junk.replaceAll(/[#\n]/g, "")}\n${other}`)).toBe(exactOf(text));
    }),
  );
});

describe("frames", () => {
  /** A panic with these frames above the machinery's. */
  const panic = (...frames: string[]): string =>
    [
      "thread '<unnamed>' (12) panicked at src/lib.rs:1:1:",
      "oh no",
      "==1== ERROR: libFuzzer: deadly signal",
      "    #0 0x55 in __sanitizer_print_stack_trace /rustc/llvm/src/llvm-project/compiler-rt/lib/asan/asan_stack.cpp:87:3",
      "    #1 0x56 in core::panicking::panic_fmt /rustc/e50aa6/library/core/src/panicking.rs:80:14",
      ...frames.map((frame, at) => `    #${String(at + 2)} 0x57 in ${frame}`),
      "    #9 0x58 in rust_fuzzer_test_input /home/user/.cargo/registry/src/index/libfuzzer-sys-0.4.12/src/lib.rs:276:60",
      "    #10 0x59 in main /x/FuzzerMain.cpp:20:30",
    ].join("\n");

  test.each<[string, string, string]>([
    ["a hash", "kimberlite::kernel::apply::h0123456789abcdef /c/kernel.rs:1:2", "kimberlite::kernel::apply"],
    ["a crate's disambiguator", "kimberlite[9f86d081884c7d65]::apply /c/kernel.rs:1:2", "kimberlite::apply"],
    ["generics", "kernel::Log<alloc::vec::Vec<u8>, 3>::push::<u64> /c/log.rs:3:4", "kernel::Log::push"],
    ["a closure", "kernel::run::{closure#2} /c/run.rs:9:1", "kernel::run::{closure}"],
    ["a closure of old", "kernel::run::{{closure}} /c/run.rs:9:1", "kernel::run::{closure}"],
    ["an inlined closure", "{closure#0} /c/src/decode.rs:9:1", "decode::{closure}"],
    ["an impl", "kernel::{impl#4}::next /c/run.rs:9:1", "kernel::{impl}::next"],
    ["a trait", "<kernel::Frame as wire::Decode>::decode /c/run.rs:9:1", "<kernel::Frame as wire::Decode>::decode"],
    ["C", "sqlite3_step /c/sqlite3.c:100:2", "sqlite3_step"],
    ["C++", "duckdb::Parser::Parse(std::string const&) /c/parser.cpp:5:6", "duckdb::Parser::Parse"],
    ["no file", "kernel::apply (/c/target/release/fuzz+0x86330) (BuildId: cd449d)", "kernel::apply"],
  ])("%s", (_name, frame, expected) => {
    expect(rustStack(panic(frame))?.frames).toEqual([expected]);
  });

  test.each<[string, string]>([
    ["std", "std::panicking::begin_panic /rustc/e50aa6/library/std/src/panicking.rs:1:1"],
    ["std without a file", "core::option::expect_failed (/c/target/release/fuzz+0x86330)"],
    ["std as others build it", "alloc::vec::Vec<T>::push /usr/lib/rustlib/src/rust/library/alloc/src/vec/mod.rs:1:1"],
    ["libc", "raise signal/../sysdeps/posix/raise.c:26:13"],
    ["the allocator", "malloc (/lib/x86_64-linux-gnu/libc.so.6+0x3c04f)"],
    [
      "an inlined function of std",
      "unwrap<u64, core::num::error::ParseIntError> /rustc/e50aa6/library/core/src/result.rs:12:3",
    ],
    ["a dyn call", "<dyn core::ops::function::Fn<()> as core::ops::function::FnOnce<()>>::call_once (/c/f+0x1)"],
  ])("machinery is left out: %s", (_name, frame) => {
    expect(rustStack(panic(frame, "kernel::apply /c/kernel.rs:1:2"))?.frames).toEqual(["kernel::apply"]);
  });

  test("three are in the signature", () => {
    const text = panic("a::a /c/a.rs:1:1", "b::b /c/b.rs:1:1", "c::c /c/c.rs:1:1", "d::d /c/d.rs:1:1");
    expect(exactOf(text)).toBe("panic in a::a < b::b < c::c: oh no");
  });

  test("the first stack counts: where memory was allocated comes after", () => {
    const text = [
      "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x7b",
      "    #0 0x55 in a::a /c/a.rs:1:1",
      "",
      "freed by thread T0 here:",
      "    #0 0x56 in b::b /c/b.rs:1:1",
    ].join("\n");
    expect(rustStack(text)?.frames).toEqual(["a::a"]);
  });
});

describe("a panic without a sanitizer", () => {
  const BACKTRACE = [
    "stack backtrace:",
    "   0: __rustc::rust_begin_unwind",
    "             at /rustc/e50aa6/library/std/src/panicking.rs:689:5",
    "   1: core::panicking::panic_fmt",
    "             at /rustc/e50aa6/library/core/src/panicking.rs:80:14",
    "   2: kimberlite_vsr::replica::Replica<S>::commit",
    "             at ./crates/vsr/src/replica.rs:120:9",
    "   3: vopr::main",
    "             at ./crates/sim/src/bin/vopr.rs:40:5",
    "   4: core::ops::function::FnOnce::call_once",
    "   5: std::sys::backtrace::__rust_begin_short_backtrace",
    "   6: std::rt::lang_start",
  ].join("\n");
  const EXPECTED = "panic in kimberlite_vsr::replica::Replica::commit < vopr::main: commit N is beyond op N";

  test("its own backtrace is read", () => {
    const text = `thread 'main' (7) panicked at crates/vsr/src/replica.rs:120:9:\ncommit 12 is beyond op 11\n${BACKTRACE}`;
    expect(exactOf(text)).toBe(EXPECTED);
  });
  test("also in the form before Rust 1.73", () => {
    const text = `thread 'main' panicked at 'commit 12 is beyond op 11', crates/vsr/src/replica.rs:120:9\n${BACKTRACE}`;
    expect(exactOf(text)).toBe(EXPECTED);
  });
  test("without a backtrace the message is left", () => {
    const text = "thread 'main' panicked at src/a.rs:1:2:\ncommit 12 is beyond op 11\nnote: run with RUST_BACKTRACE=1";
    expect(signatureOf(rustStack(text)!)).toEqual({
      exact: "panic: commit N is beyond op N",
      group: "panic: commit N is beyond op N",
    });
  });
});

test.each<[string, string]>([
  ["index 3 of u64 and -1.5e3", "index N of u64 and N"],
  ['unknown table "users"', 'unknown table "…"'],
  ["bytes [1, 2, 3] at 0x7ffe", "bytes […] at ADDRESS"],
  ["hash 9f86d081884c7d659a2feaa0 differs", "hash ID differs"],
  ["id 123e4567-e89b-12d3-a456-426614174000", "id ID"],
  ["assertion `left == right` failed", "assertion `left == right` failed"],
  ["char '\\n' here", "char '…' here"],
])("the message %j", (message, expected) => {
  expect(normalMessage(message)).toBe(expected);
});
