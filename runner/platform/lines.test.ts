import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { HeadAndTail, lineSplitter } from "./lines.ts";

/** Cuts bytes at the given places, as a pipe would. */
function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test("lines do not depend on where the stream was cut, even inside a character", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), fc.array(fc.nat()), (strings, cuts) => {
      const lines = strings.map((text) => text.replaceAll("\n", " ").toWellFormed());
      const splitter = lineSplitter(1_000_000);
      const read = cut(Buffer.from(lines.join("\n")), cuts).flatMap((chunk) => splitter.push(chunk) ?? []);
      expect([...read, splitter.rest()].join("\n")).toBe(lines.join("\n"));
    }),
  );
});

test("a line past the limit is refused, one at the limit is not", () => {
  expect(lineSplitter(3).push(Buffer.from("abc\nabc\n"))).toEqual(["abc", "abc"]);
  expect(lineSplitter(3).push(Buffer.from("abcd\n"))).toBeUndefined();
  const splitter = lineSplitter(3);
  expect(splitter.push(Buffer.from("ab"))).toEqual([]);
  expect(splitter.push(Buffer.from("cd"))).toBeUndefined();
});

test("head and tail say how much is left out", () => {
  const kept = new HeadAndTail(4);
  for (const piece of ["ab", "cdef", "g", "hijklm"]) kept.push(Buffer.from(piece));
  expect(kept.toString()).toBe("abcd\n[… 5 bytes left out …]\njklm");
  const short = new HeadAndTail(4);
  short.push(Buffer.from("abcdefg"));
  expect(short.toString()).toBe("abcdefg");
});
