/** A real repository to clone in tests, and a profile that builds it with a small shell script of its own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProfileFile } from "../contracts/profile.ts";
import type { BuildStep } from "../contracts/profile/source.ts";
import { fakeProfile, type FakeVopr } from "./fake-profile.ts";

const FAKE_VOPR = fileURLToPath(new URL("fake-vopr.js", import.meta.url));

/**
 * `sh build.sh WHAT`: fails when the file WHAT.red is there, waits while WHAT.slow is, counts itself in
 * out/WHAT.builds, and makes out/WHAT. `out` is ignored by git, as a build's folder is.
 */
const BUILD = `set -e
mkdir -p out
echo "compiling $1"
if [ -f "$1.red" ]; then echo "error[E0425]: cannot find value in $1.rs"; exit 101; fi
if [ -f "$1.slow" ]; then echo started > out/$1.started; sleep 60; fi
echo x >> out/$1.builds
printf '#!/bin/sh\\nexec "$FAKE_NODE" "$FAKE_VOPR_SCRIPT" "$@"\\n' > out/$1
chmod +x out/$1
`;

export class TestRepository {
  /** Bare: what is cloned. */
  readonly url: string;
  readonly #workTree: string;

  constructor(folder: string) {
    this.url = join(folder, "upstream.git");
    this.#workTree = join(folder, "upstream");
    mkdirSync(this.#workTree, { recursive: true });
    this.#git("init", "--quiet", "--initial-branch", "main");
    execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch", "main", this.url]);
    this.#git("remote", "add", "origin", this.url);
    this.commit({ "build.sh": BUILD, ".gitignore": "out/\n" });
  }

  #git(...args: string[]): string {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
    return execFileSync("git", [...who, ...args], { cwd: this.#workTree, encoding: "utf8" }).trim();
  }

  /** Writes files (null removes one), commits them to main, pushes, and returns the commit. */
  commit(files: Readonly<Record<string, string | null>>): string {
    for (const [path, text] of Object.entries(files)) {
      if (text === null) this.#git("rm", "--quiet", path);
      else {
        mkdirSync(dirname(join(this.#workTree, path)), { recursive: true });
        writeFileSync(join(this.#workTree, path), text);
      }
    }
    this.#git("add", "--all");
    this.#git("commit", "--quiet", "--allow-empty", "--message", "change");
    this.#git("push", "--quiet", "origin", "main");
    return this.#git("rev-parse", "HEAD");
  }

  tag(name: string): void {
    this.#git("tag", name);
    this.#git("push", "--quiet", "origin", name);
  }

  deleteBranch(name: string): void {
    execFileSync("git", ["--git-dir", this.url, "update-ref", "-d", `refs/heads/${name}`]);
  }

  /** As when the network is away. */
  takeAway(): void {
    renameSync(this.url, `${this.url}.away`);
  }

  bringBack(): void {
    renameSync(`${this.url}.away`, this.url);
  }
}

export const buildStep = (
  name: string,
  needed_by: BuildStep["needed_by"],
  change: Partial<BuildStep> = {},
): BuildStep => ({
  name,
  command: ["sh", "build.sh", name],
  folder: ".",
  deadline_seconds: 30,
  environment: {},
  needed_by,
  ...change,
});

/** The stand-in profile, with its simulator out of the build of a repository. */
export function repositoryProfile(
  url: string,
  change: Partial<ProfileFile> = {},
  vopr: FakeVopr = { seed_ms: 2 },
): ProfileFile {
  const rest: ProfileFile = fakeProfile(vopr);
  delete rest.work_tree;
  const environment = [
    `FAKE_VOPR=${JSON.stringify(vopr)}`,
    `FAKE_NODE=${process.execPath}`,
    `FAKE_VOPR_SCRIPT=${FAKE_VOPR}`,
  ];
  return {
    ...rest,
    name: "from-a-repository",
    repository: { url, reference: "main" },
    build: {
      steps: [buildStep("vopr", ["vopr"]), buildStep("benches", ["benchmarks"])],
      versions: { shell: ["sh", "-c", "echo one; echo two"], none: ["no-such-compiler", "--version"] },
      min_free_gibibytes: 0.001,
      prune: ["out"],
    },
    vopr: { ...rest.vopr, command: ["env", ...environment, "out/vopr"] },
    ...change,
  };
}
