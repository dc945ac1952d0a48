import { expect, test } from "@jest/globals";
import { EXIT, KimtestError, reasonOf, systemCodeOf, type ErrorCode } from "./errors.ts";

test("the exit codes are those of the design", () => {
  expect(EXIT).toStrictEqual({
    ok: 0,
    failuresFound: 1,
    usage: 2,
    thresholdNotMet: 3,
    notFound: 4,
    network: 5,
    inconclusive: 6,
    interrupted: 130,
  });
});

/** Complete by its type: a new code without a line here does not compile. */
const EXIT_CODE_OF: Record<ErrorCode, number> = {
  USAGE: 2,
  BAD_INPUT: 2,
  ALREADY_RUNNING: 2,
  THRESHOLD_NOT_MET: 3,
  NOT_FOUND: 4,
  NOT_DEPLOYED: 4,
  STORE_UNREACHABLE: 5,
  STORE_REFUSED: 5,
  CLOUD_FAILED: 5,
  CORRUPT_DATA: 6,
  LIMIT_EXCEEDED: 6,
  TOOL_MISSING: 6,
  NOT_READY: 6,
  INTERRUPTED: 130,
};

test.each(Object.entries(EXIT_CODE_OF) as [ErrorCode, number][])("%s ends with exit code %i", (code, exitCode) => {
  expect(new KimtestError(code, "what happened").exitCode).toBe(exitCode);
});

test("an error carries code, message, hint and cause", () => {
  const cause = new Error("disk full");
  const error = new KimtestError("STORE_REFUSED", "the bucket refused the put", { hint: "check the policy", cause });
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("KimtestError");
  expect(error.code).toBe("STORE_REFUSED");
  expect(error.message).toBe("the bucket refused the put");
  expect(error.hint).toBe("check the policy");
  expect(error.cause).toBe(cause);
});

test("without hint and cause it has none", () => {
  const error = new KimtestError("USAGE", "no");
  expect(error.hint).toBeUndefined();
  expect(Object.hasOwn(error, "cause")).toBe(false);
});

test.each<[thrown: unknown, reason: string]>([
  [new Error("one\n  two\tthree "), "one two three"],
  ["plain text", "plain text"],
  [{ message: "from another realm" }, "from another realm"],
  [{ message: 7 }, "[object Object]"],
  [undefined, "undefined"],
  [null, "null"],
  [18446744073709551615n, "18446744073709551615"],
])("the reason in %p is on one line", (thrown, reason) => {
  expect(reasonOf(thrown)).toBe(reason);
});

test.each<[thrown: unknown, code: string | undefined]>([
  [Object.assign(new Error("x"), { code: "ENOENT" }), "ENOENT"],
  [{ code: "EACCES" }, "EACCES"],
  [{ code: 1 }, undefined],
  [new Error("x"), undefined],
  ["ENOENT", undefined],
  [null, undefined],
])("the system code of %p", (thrown, code) => {
  expect(systemCodeOf(thrown)).toBe(code);
});
