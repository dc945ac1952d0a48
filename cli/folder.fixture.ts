/** A folder of its own for one test, with a store in it that is filled by hand. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "@jest/globals";
import { stringifyJson } from "../contracts/json.ts";

let folders: string[] = [];
afterEach(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders = [];
});

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "kimtest-cli-"));
  readonly store = join(this.path, "store");

  constructor() {
    folders.push(this.path);
    mkdirSync(this.store);
  }

  /** Puts an object into the store; anything but text and bytes as JSON. */
  put(key: string, content: unknown): void {
    const path = join(this.store, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" || Buffer.isBuffer(content) ? content : stringifyJson(content));
  }

  /** All of it is gone. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Writes a file beside the store and returns its path. */
  write(name: string, content: unknown): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === "string" || Buffer.isBuffer(content) ? content : stringifyJson(content));
    return path;
  }
}
