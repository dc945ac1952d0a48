/** A folder of its own for one test: store, state and profile in it, and `kimtest` run as a real process. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "@jest/globals";
import { execa } from "execa";
import { failureIndexPrefix, findingId, parseFailureIndexKey, type FailureKind } from "../contracts/bucket.ts";
import { cycleStateSchema, type CycleState } from "../contracts/cycle.ts";
import { digestSchema, type Digest } from "../contracts/digest.ts";
import { failureIndexEntrySchema } from "../contracts/failure.ts";
import { stringifyJson } from "../contracts/json.ts";
import type { ProfileFile } from "../contracts/profile.ts";
import type { PhaseName } from "../contracts/parts.ts";
import { registrySchema, type Registry } from "../contracts/registry.ts";
import { decodeJson } from "../runner/store/read-json.ts";
import { until } from "./until.ts";

const KIMTEST = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
/** Only what hangs reaches it. */
const TIMEOUT_MS = 240_000;

export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), "kimtest-"));
  readonly store = join(this.folder, "store");
  readonly state = join(this.folder, "state");
  readonly profilePath = join(this.folder, "profile.json");

  constructor(profile?: ProfileFile) {
    if (profile !== undefined) this.writeProfile(profile);
  }

  writeProfile(profile: ProfileFile): void {
    writeFileSync(this.profilePath, stringifyJson(profile));
  }

  /** Starts `kimtest`; never rejects. */
  start(args: readonly string[], env: Record<string, string> = {}) {
    return execa(process.execPath, ["--disable-warning=ExperimentalWarning", KIMTEST, ...args], {
      cwd: this.folder,
      env,
      reject: false,
      timeout: TIMEOUT_MS,
      stripFinalNewline: false,
    });
  }

  async kimtest(...args: string[]): Promise<Ran> {
    const { exitCode, stdout, stderr } = await this.start(args);
    return { exitCode, stdout, stderr };
  }

  cycleArguments(duration: string, ...more: string[]): string[] {
    const places = ["--store", this.store, "--state", this.state, "--profile", this.profilePath];
    return ["cycle", ...places, "--duration", duration, "--workers", "2", ...more];
  }

  cycle(duration: string, ...more: string[]): Promise<Ran> {
    return this.kimtest(...this.cycleArguments(duration, ...more));
  }

  text(key: string): string {
    return readFileSync(join(this.store, key), "utf8");
  }

  digest(): Digest {
    return decodeJson(this.text("digests/latest.json"), "digest", digestSchema);
  }

  registry(): Registry {
    return decodeJson(this.text("signatures/known-failures.json"), "registry", registrySchema);
  }

  cycleState(): CycleState {
    return decodeJson(readFileSync(join(this.state, "cycle.json"), "utf8"), "state", cycleStateSchema);
  }

  /** Waits until a runner has begun a cycle, or is in this phase of it. */
  async untilRunning(phase?: PhaseName): Promise<void> {
    await until(`a cycle runs ${phase ?? ""}`, () => {
      if (!existsSync(join(this.state, "cycle.json"))) return false;
      const state = this.cycleState();
      return state.status === "running" && (phase ?? state.phase) === state.phase;
    });
  }

  /** All keys in the store. */
  keys(prefix = ""): string[] {
    return readdirSync(this.store, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.store, join(entry.parentPath, entry.name)))
      .filter((key) => key.startsWith(prefix))
      .sort();
  }

  /** The failures in the index, which must name each one's finding as its record does. */
  indexedKeys(kind: FailureKind): string[] {
    return this.keys(failureIndexPrefix(kind))
      .flatMap((key) => {
        const entry = decodeJson(this.text(key), key, failureIndexEntrySchema);
        const parsed = parseFailureIndexKey(key);
        return parsed?.key === entry.key && parsed.finding === findingId(entry.signature) ? entry.key : [];
      })
      .sort();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Makes workbenches that are removed after the last test of the file: `test.concurrent` knows no end of one test
 * in which nothing of another's is under way.
 */
export function workbenches(): (profile?: ProfileFile) => Workbench {
  const made: Workbench[] = [];
  afterAll(() => {
    for (const bench of made) bench.remove();
  });
  return (profile) => {
    const bench = new Workbench(profile);
    made.push(bench);
    return bench;
  };
}
