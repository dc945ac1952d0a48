/**
 * Test program: owns the outbox in argv[2], delivers to the folder in argv[3] when that exists (else its
 * store is dead) and puts without pause until it is killed. Prints a line `KEY NUMBER` for every put that was
 * acknowledged; the numbers of a key go on from argv[4].
 *
 * Every delivery is a line in FOLDER/received, written before the store confirms.
 */
import { appendFileSync, existsSync, writeSync } from "node:fs";
import { join } from "node:path";

import { KimtestError } from "../../contracts/errors.ts";
import { Outbox } from "./outbox.ts";

const [directory = "", folder = "", first = "0"] = process.argv.slice(2);
const STDOUT = 1;

const store = {
  async put(key: string, body: Buffer | string): Promise<{ etag: string }> {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    if (!existsSync(folder)) throw new KimtestError("STORE_UNREACHABLE", "the folder is away");
    appendFileSync(join(folder, "received"), `${key} ${body.toString()}\n`);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
    return { etag: "" };
  },
};

const outbox = await Outbox.open({ directory, store, retry: { firstMs: 5, maxMs: 20 } });
writeSync(STDOUT, "open\n");

async function putForEver(key: string): Promise<never> {
  for (let number = Number(first); ; number++) {
    await outbox.put(key, String(number));
    writeSync(STDOUT, `${key} ${String(number)}\n`);
  }
}

await Promise.all(["a", "b", "c"].map(putForEver));
