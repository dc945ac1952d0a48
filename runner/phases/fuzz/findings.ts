/**
 * From an input that libFuzzer wrote down to an archived finding: made shorter within the time that the profile
 * allows, archived once per signature and cycle, counted from then on. The file on the disk goes when the archive
 * is durable in the outbox, not before: what is interrupted here is picked up by the next attempt.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ArtifactKind, FuzzFailure } from "../../../contracts/failure.ts";
import type { CargoFuzzProfile } from "../../../contracts/profile/fuzz.ts";
import { isoAt } from "../../platform/clock.ts";
import { artifactFolder } from "../../platform/folders.ts";
import { runInputCommand } from "../../tools/cargo-fuzz.ts";
import { minimize, reproduce } from "../../tools/fuzz-minimize.ts";
import { describeFinding, type FuzzFinding } from "../../tools/fuzz-run.ts";
import { artifactKind } from "../../tools/libfuzzer.ts";
import { isMissing } from "../../store/atomic-file.ts";
import { shellQuoted } from "../../tools/shell.ts";
import { archiveFuzzFailure, fuzzSignature, sightingsOf } from "../../triage/fuzz-archive.ts";
import { withSighting } from "../../triage/sightings.ts";
import { commitOf, type PhaseContext } from "../context.ts";
import type { FuzzTarget } from "./fuzz-target.ts";

/** Signatures of one target that a cycle archives; the inputs of more wait on the disk for the next one. */
const MAX_ARCHIVED = 50;
/** Inputs of one target that are run again in one phase, before anything of it is fuzzed. */
const MAX_LEFT_OVERS = 100;
/** Bytes of an input that its record shows. */
const SHOWN_BYTES = 256;

/** Those are known by their kind; to run them again may take as long as they may take. */
const KNOWN_BY_KIND: readonly ArtifactKind[] = ["timeout", "slow-unit"];

export class Findings {
  readonly #context: PhaseContext;
  readonly #profile: CargoFuzzProfile;
  /** One archive at a time: two processes of a target may find the same bug at the same moment. */
  #turn: Promise<unknown> = Promise.resolve();
  #lastMs = 0;

  constructor(context: PhaseContext, profile: CargoFuzzProfile) {
    this.#context = context;
    this.#profile = profile;
  }

  /** Keeps what a process found. */
  async keep(target: FuzzTarget, findings: readonly FuzzFinding[]): Promise<void> {
    const turn = this.#turn.then(async () => {
      for (const finding of findings) await this.#keepOne(target, finding);
    });
    this.#turn = turn.catch(() => undefined); // its error is its caller's
    await turn;
  }

  /** What an attempt that was interrupted left on the disk: run again, for the stack that its log would have had. */
  async keepLeftOvers(target: FuzzTarget): Promise<void> {
    const folder = artifactFolder(this.#context.stateFolder, target.name);
    for (const path of (await filesBelow(folder)).slice(0, MAX_LEFT_OVERS)) {
      const kind = artifactKind(basename(path));
      if (this.#isStopped() || this.#context.leftMs() <= 0) return;
      if (kind === undefined) continue;
      const found = { kind, path, others: [], count: 1 };
      if (KNOWN_BY_KIND.includes(kind)) {
        const log = "left by an attempt that was interrupted";
        await this.keep(target, [{ ...found, signature: { exact: kind, group: kind }, log }]);
        continue;
      }
      const again = await reproduce(this.#context.processes, target.forOneInput, path, this.#context.signal);
      if (again.outcome === "fails") {
        await this.keep(target, [{ ...found, signature: again.signature, log: again.log }]);
      } else if (!this.#isStopped()) {
        await this.#keepUnclear(target, kind, path, again.outcome === "passes" ? "it passed" : again.reason);
      }
    }
  }

  #isStopped(): boolean {
    return this.#context.signal.aborted;
  }

  async #keepOne(target: FuzzTarget, finding: FuzzFinding): Promise<void> {
    const { state, signal } = this.#context;
    if (signal.aborted) return;
    const signature = fuzzSignature(target.name, finding.signature.exact);
    const known = state.get().sightings[signature];
    const archivedSoFar = Math.max(target.archived, sightingsOf(state.get().sightings, target.name).length);
    if (known === undefined && archivedSoFar >= MAX_ARCHIVED) {
      this.#context.warn(
        `${target.name}: more than ${String(MAX_ARCHIVED)} signatures in one cycle; further inputs wait on the runner's disk`,
      );
      return;
    }
    const archived = known ?? (await this.#archive(target, finding, signature));
    if (archived === undefined) return;
    const last_at = isoAt(this.#context.clock.nowMs());
    state.change((now) => ({
      ...now,
      sightings: withSighting(now.sightings, { ...archived, count: finding.count, last_at }),
    }));
    await state.save();
    for (const path of [finding.path, ...finding.others]) await rm(path, { force: true });
  }

  /** Undefined when the runner was stopped meanwhile. */
  async #archive(target: FuzzTarget, finding: FuzzFinding, signature: string) {
    const { processes, signal } = this.#context;
    const scratch = await mkdtemp(join(tmpdir(), "kimtest-minimized-"));
    try {
      const maxSeconds = Math.floor(Math.min(target.minimizeLeftMs / 2, this.#context.leftMs()) / 1000);
      const beganMs = performance.now();
      const output = join(scratch, "input");
      const shorter = await minimize(processes, target.forOneInput, finding, output, { maxSeconds, signal });
      target.minimizeLeftMs -= performance.now() - beganMs;
      if (signal.aborted) return undefined;
      target.archived += 1;
      const { key, record } = await this.#store(target, finding, signature, shorter);
      const { archived_at: at, message, repro } = record;
      const seen = { signature, first_at: at, seeds: [], message, repro, failure_key: key };
      return { ...seen, workload: "fuzz" as const };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** An input that failed once and not again is evidence of something: kept, but of no bug that could be named. */
  async #keepUnclear(target: FuzzTarget, kind: ArtifactKind, path: string, why: string): Promise<void> {
    const exact = `${kind} that did not fail again`;
    const finding = { kind, path, others: [], count: 1, signature: { exact, group: exact }, log: why };
    const unshortened = { path, reason: "it did not fail again" };
    const { key } = await this.#store(target, finding, fuzzSignature(target.name, exact), unshortened);
    target.unclearKeys.push(key);
    target.trouble ??= `a ${kind} input that an interrupted attempt left did not fail again (${why})`;
    this.#context.warn(`${target.name}: ${target.trouble}: ${key}`);
    await rm(path, { force: true });
  }

  /** `shorter`: the input to run, and why it is the one that was found; null when it is another. */
  async #store(
    target: FuzzTarget,
    finding: FuzzFinding,
    signature: string,
    shorter: { readonly path: string; readonly reason: string | null },
  ): Promise<{ key: string; record: FuzzFailure }> {
    const { outbox, state, toolchain, clock, profile } = this.#context;
    const found = `artifacts/${target.name}/${basename(finding.path)}`;
    const minimized =
      shorter.reason === null ? `artifacts/${target.name}/minimized-from-${basename(finding.path)}` : null;
    const { cargo, folder, sanitizer } = this.#profile;
    const tool = { cargo, fuzzFolder: folder, sanitizer };
    const command = runInputCommand(tool, target.name, minimized ?? found, target.forOneInput);
    // Two archives of one millisecond would be one.
    this.#lastMs = Math.max(clock.nowMs(), this.#lastMs + 1);
    const record: FuzzFailure = {
      version: 1,
      kind: "fuzz",
      target: target.name,
      signature,
      message: describeFinding(finding),
      counterexample: shown(await readFile(shorter.path)),
      archived_at: isoAt(this.#lastMs),
      cycle: state.get().cycle,
      git_commit: commitOf(state.get()),
      profile: profile.name,
      toolchain,
      command,
      repro: command.map(shellQuoted).join(" "),
      artifact: finding.kind,
      group: fuzzSignature(target.name, finding.signature.group),
      inputs: { found, minimized, reason: shorter.reason },
    };
    const files = { [found]: finding.path, ...(minimized === null ? {} : { [minimized]: shorter.path }) };
    return { key: await archiveFuzzFailure(outbox, record, finding.log, this.#lastMs, files), record };
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** The bytes as a Rust or C programmer writes them. */
export function shown(input: Buffer): string {
  const bytes = [...input.subarray(0, SHOWN_BYTES)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (byte >= 0x20 && byte < 0x7f) return character === '"' || character === "\\" ? `\\${character}` : character;
    return `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  const rest = input.length > SHOWN_BYTES ? ` and ${String(input.length - SHOWN_BYTES)} bytes more` : "";
  return `"${bytes.join("")}"${rest}`;
}
