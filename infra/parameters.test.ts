import { expect, test } from "@jest/globals";
import { parameterValue } from "./parameters.ts";

test("seeds keep every digit", () => {
  expect(parameterValue("/p", { seed_offset: 18446744073709551615n })).toBe('{"seed_offset":18446744073709551615}');
});

test("what SSM would refuse is refused here, with its size", () => {
  const text = "é".repeat(2043);
  expect(Buffer.byteLength(parameterValue("/p", { a: text }))).toBe(4094);
  expect(() => parameterValue("/p", { ab: `${text}é` })).toThrow(
    expect.objectContaining({
      code: "LIMIT_EXCEEDED",
      message: "the SSM parameter /p would have 4097 bytes, but its tier takes 4096",
    }),
  );
});
