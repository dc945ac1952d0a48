/**
 * Tab in real shells, on a pseudo-terminal that util-linux `script` lends. bash has to be there; zsh and fish are tried
 * where they are installed.
 *
 * `kimtest` is a stand-in on PATH that hands completion over to the real one and notes every other argv.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { findingId } from "../../contracts/bucket.ts";
import { knownFinding } from "../../runner/phases/digest/samples.fixture.ts";
import { shellQuoted } from "../../runner/tools/shell.ts";
import { Folder } from "../folder.fixture.ts";
import type { Shell } from "./scripts.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const LIMIT_MS = 60_000;
const MAX_ANSWER_MS = 4_000;
const SETTLE_MS = 300;

/** How each is started with nothing of the user's, and how it takes the script. */
const START: Readonly<Record<Shell, readonly [command: string, load: string]>> = {
  bash: ["bash --norc --noprofile -i", "source <(kimtest completion bash)"],
  zsh: ["zsh -f -i", "autoload -Uz compinit; compinit -u -D; source <(kimtest completion zsh)"],
  fish: ["fish --no-config -i", "kimtest completion fish | source"],
};
const folders = (process.env["PATH"] ?? "").split(delimiter);
const isInstalled = (shell: Shell): boolean => folders.some((folder) => existsSync(join(folder, shell)));
const others: readonly Shell[] = ["zsh", "fish"];
const SHELLS: readonly Shell[] = ["bash", ...others.filter(isInstalled)];

class Terminal {
  readonly #folder = new Folder();
  readonly #argv = join(this.#folder.path, "argv");
  /** A byte for each answer that a shell was given. */
  readonly #answers = join(this.#folder.path, "answers");

  constructor() {
    const bin = join(this.#folder.path, "bin");
    mkdirSync(bin);
    const node = `${shellQuoted(process.execPath)} --disable-warning=ExperimentalWarning ${shellQuoted(MAIN)}`;
    writeFileSync(
      join(bin, "kimtest"),
      `#!/bin/sh\ncase "$1" in\n  completion) exec ${node} "$@" ;;\n` +
        `  __complete) ${node} "$@"; echo >> ${shellQuoted(this.#answers)}; exit ;;\nesac\n` +
        `printf '%s\\n' "$@" > ${shellQuoted(this.#argv)}.new && mv ${shellQuoted(this.#argv)}.new ${shellQuoted(this.#argv)}\n`,
      { mode: 0o755 },
    );
    this.#folder.put("failures/vopr/seed-17-1700000000000.json", "{}");
    this.#folder.put("failures/fuzz/json-1700000001000.tar.gz", "x");
    this.#folder.put("signatures/known-failures.json", {
      version: 1,
      updated_at: "2026-11-21T10:00:00.000Z",
      findings: { "agreement:gray": knownFinding("agreement:gray") },
    });
    mkdirSync(join(this.#folder.path, "a-folder"));
    this.#folder.write("a-file.json", "{}");
  }

  get store(): string {
    return this.#folder.store;
  }

  #answered(): number {
    return existsSync(this.#answers) ? readFileSync(this.#answers).length : 0;
  }

  /** What `kimtest` was run with after these keys and Enter, and all that was on the screen. */
  async press(shell: Shell, keys: string): Promise<{ argv: string[]; screen: string }> {
    const [command, load] = START[shell];
    const env = { PATH: [join(this.#folder.path, "bin"), ...folders].join(delimiter), TERM: "xterm", HISTFILE: "" };
    const child = execa("script", ["--quiet", "--command", command, "/dev/null"], {
      cwd: this.#folder.path,
      env,
      reject: false,
      timeout: LIMIT_MS,
      all: true,
    });
    let screen = "";
    child.all.on("data", (chunk: Buffer) => {
      screen += chunk.toString();
    });
    const type = (text: string): void => void child.stdin.write(text);
    const until = async (isSo: () => boolean): Promise<void> => {
      const deadlineMs = performance.now() + LIMIT_MS;
      while (!isSo() && performance.now() < deadlineMs) await delay(50);
      if (!isSo()) throw new Error(`nothing came of it: ${screen}`);
    };
    try {
      await until(() => screen.length > 0);
      type(`${load}; echo 'ready'-now\r`);
      await until(() => /^ready-now/m.test(screen));
      await delay(SETTLE_MS); // the prompt
      // Each Tab on its own: what is typed while a shell completes, zsh takes for a paste.
      for (const part of keys.split(/(?<=\t)/)) {
        const before = this.#answered();
        type(part);
        // A second Tab may only show what the first was answered.
        const deadlineMs = performance.now() + MAX_ANSWER_MS;
        while (part.endsWith("\t") && this.#answered() === before && performance.now() < deadlineMs) await delay(20);
        await delay(SETTLE_MS);
      }
      type("\r");
      await until(() => existsSync(this.#argv));
      // zsh takes the slash behind a folder away again.
      const argv = readFileSync(this.#argv, "utf8").trimEnd().split("\n");
      return { argv: argv.map((word) => word.replace(/\/$/, "")), screen };
    } finally {
      child.stdin.end();
      child.kill("SIGKILL");
      await child;
    }
  }
}

describe.each(SHELLS)("%s", (shell) => {
  const table: [what: string, keys: string, argv: string[]][] = [
    ["a command", "kimtest infra-dig\t", ["infra-digest"]],
    ["an option and its value", "kimtest list-failures --ki\tf\t", ["list-failures", "--kind", "fuzz"]],
    ["a value behind =", "kimtest list-failures --kind=v\t", ["list-failures", "--kind=vopr"]],
    [
      "a failure of the store that was typed",
      "kimtest fetch-failure --store STORE vo\t",
      ["fetch-failure", "--store", "STORE", "vopr/seed-17-1700000000000.json"],
    ],
    [
      "a finding",
      `kimtest list-failures --store STORE --finding ${findingId("agreement:gray").slice(0, 3)}\t`,
      ["list-failures", "--store", "STORE", "--finding", findingId("agreement:gray")],
    ],
    ["a folder", "kimtest fetch-failure x --to a-f\t", ["fetch-failure", "x", "--to", "a-folder"]],
    [
      "nothing where there is no store",
      "kimtest fetch-failure --store nowhere vo\t",
      ["fetch-failure", "--store", "nowhere", "vo"],
    ],
  ];
  test.each(table)(
    "%s",
    async (_, keys, argv) => {
      const terminal = new Terminal();
      const ran = await terminal.press(shell, keys.replace("STORE", terminal.store));
      expect(ran.argv).toEqual(argv.map((word) => word.replace("STORE", terminal.store)));
      expect(ran.screen).not.toContain("kimtest: there is no store");
    },
    120_000,
  );

  test("several: all are shown", async () => {
    const { screen, argv } = await new Terminal().press(shell, `kimtest infra-st${shell === "bash" ? "\t\t" : "\t"}`);
    for (const one of ["infra-status", "infra-start", "infra-stop"]) expect(screen).toContain(one);
    expect(argv).toHaveLength(1);
  }, 120_000);
});
