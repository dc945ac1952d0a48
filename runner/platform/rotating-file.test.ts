import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { execa } from "execa";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-rotating-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a line of which the disk takes only a part: the next begins a line of its own", async () => {
  const path = join(folder, "lines");
  const module = new URL("rotating-file.ts", import.meta.url).href;
  const program = `
    import { execFileSync } from "node:child_process";
    import { openRotatingFile } from ${JSON.stringify(module)};
    const file = openRotatingFile(${JSON.stringify(path)}, 1e6);
    const line = (name) => name.repeat(99) + "\\n";
    for (const name of "abcdefghij") file.append(line(name));
    for (const name of "kl") {
      try { file.append(line(name)); } catch (error) { console.log(error.code); }
    }
    execFileSync("prlimit", ["--fsize=unlimited", "--pid", String(process.pid)]);
    for (const name of "mn") file.append(line(name));`;
  // A limit on the size of a file, in KiB, stands for a disk that is full: both take a part first.
  const limited = [
    "-c",
    'ulimit -S -f 1; exec "$@"',
    "bash",
    process.execPath,
    "--disable-warning=ExperimentalWarning",
  ];
  const ran = await execa("bash", [...limited, "--input-type=module", "-e", program]);
  expect(ran.stdout).toBe("EFBIG\nEFBIG");
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.map((line) => `${line.slice(0, 1)}${String(line.length)}`)).toEqual([
    ...Array.from("abcdefghij", (name) => `${name}99`),
    "k24",
    "m99",
    "n99",
    "0",
  ]);
});
