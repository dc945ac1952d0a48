/**
 * Against a stand-in `docker` that keeps "containers" as real processes and writes down how it was called:
 * no daemon runs where these tests run. What the real client (28.2.2) prints without a daemon is recorded below.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { processStat } from "../platform/process-table.ts";
import { createProcesses } from "../platform/processes.ts";
import {
  containerCommand,
  containerName,
  ensureImage,
  removeLeftoverContainers,
  runInContainer,
  withContainerProblem,
  type Container,
  type Docker,
} from "./docker.ts";
import { printed } from "./recordings.fixture.ts";

/**
 * `run` starts its command detached in a session of its own, so that ending the client does not end it, as
 * with a real daemon. `stop` ends it, unless the file `deaf` says that it ignores SIGTERM and the stop hangs.
 */
const STAND_IN = `#!/bin/bash
state=$(dirname "$0")/state
echo "$*" >> "$state/calls"
verb=$1; shift
case $verb in
  version) if [ -e "$state/no-daemon" ]; then
      echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1
    fi; echo linux/amd64 ;;
  image) shift; image=\${@: -1}; [ -e "$state/image-$image" ] && cat "$state/image-$image" && exit 0
    echo "Error: No such image: $image" >&2; exit 1 ;;
  pull) image=\${@: -1}; [ -e "$state/unreachable" ] && { echo "Error response from daemon: no route" >&2; exit 1; }
    echo "linux/amd64 sha256:pulled" > "$state/image-$image" ;;
  build) while [ "$1" != --tag ]; do shift; done; echo "linux/amd64 sha256:built" > "$state/image-$2" ;;
  ps) [ -e "$state/no-daemon" ] && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
    for one in "$state"/container-*; do [ -e "$one" ] && basename "$one" | sed s/container-//; done; exit 0 ;;
  run) while [ $# -gt 0 ]; do case $1 in
      --name) name=$2; shift 2 ;;
      --label|--pull|--network|--memory|--platform|--mount|--workdir|--entrypoint) shift 2 ;;
      --init) shift ;;
      *) break ;;
    esac; done
    shift
    setsid "$@" > "$state/out-$name" 2>&1 < /dev/null & echo $! > "$state/container-$name"
    pid=$!
    wait $pid; code=$?; cat "$state/out-$name"; exit $code ;;
  stop) name=\${@: -1}; [ -e "$state/deaf" ] && { sleep 30; exit 1; }
    [ -e "$state/container-$name" ] || { echo "Error response from daemon: No such container: $name" >&2; exit 1; }
    kill -TERM -- -$(cat "$state/container-$name") 2>/dev/null; exit 0 ;;
  kill) name=$1; kill -KILL -- -$(cat "$state/container-$name") 2>/dev/null; exit 0 ;;
  rm) name=\${@: -1}; [ -e "$state/stuck" ] && { echo "Error response from daemon: device is busy" >&2; exit 1; }
    kill -KILL -- -$(cat "$state/container-$name") 2>/dev/null; rm -f "$state/container-$name"; exit 0 ;;
  *) echo "unknown command $verb" >&2; exit 64 ;;
esac
`;

let folder: string;
let docker: Docker;
const state = (name: string): string => join(folder, "state", name);
const calls = (): string[] => readFileSync(state("calls"), "utf8").trimEnd().split("\n");
const container = (change: Partial<Container> = {}): Container => ({
  name: containerName(7, "coq"),
  image: "coq:8",
  platform: null,
  mounts: [{ source: "/specs/coq", target: "/source", isReadOnly: true }],
  workingFolder: null,
  entrypoint: null,
  memoryMebibytes: 2048,
  ...change,
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-docker-"));
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "docker"), STAND_IN);
  chmodSync(join(folder, "docker"), 0o755);
  docker = { processes: createProcesses(join(folder, "notes")), program: join(folder, "docker"), owner: "this-runner" };
});
afterEach(() => {
  // Whatever a failing test left behind: only processes that this test's stand-in noted.
  for (const name of readdirSync(join(folder, "state")).filter((one) => one.startsWith("container-"))) {
    try {
      process.kill(-Number(readFileSync(state(name), "utf8")), "SIGKILL");
    } catch {
      // it has ended
    }
  }
  rmSync(folder, { recursive: true });
});

/** An orphan that has ended may wait for ever where no init process collects it. */
const isAlive = (pid: number): boolean => !["Z", "X", undefined].includes(processStat(pid)?.state);

test("names and flags", () => {
  expect(containerName(12, "TLA Proofs")).toBe("kimtest-12-tla-proofs");
  expect(
    containerCommand(docker, container({ platform: "linux/amd64", workingFolder: "/w", entrypoint: "x" }), [
      "a",
      "b",
    ]).slice(1),
  ).toEqual([
    ...["run", "--name", "kimtest-7-coq", "--label", "kimtest.owner=this-runner", "--init", "--pull", "never"],
    ...["--network", "none", "--memory", "2048m", "--platform", "linux/amd64"],
    ...["--mount", "type=bind,source=/specs/coq,target=/source,readonly", "--workdir", "/w", "--entrypoint", "x"],
    ...["coq:8", "a", "b"],
  ]);
});

test("a folder that cannot be mounted is refused", () => {
  const mounts = [{ source: "/a,b", target: "/source", isReadOnly: true }];
  expect(() => containerCommand(docker, container({ mounts }), [])).toThrow("/a,b cannot be mounted");
});

test("output and exit code are the tool's; the container is removed", async () => {
  const output = await runInContainer(docker, container(), ["sh", "-c", "echo proved; exit 3"], { deadlineMs: 20_000 });
  expect(output).toMatchObject({ text: "proved", end: { ending: "exited", exitCode: 3 } });
  expect(existsSync(state("container-kimtest-7-coq"))).toBe(false);
});

describe("a container does not outlive its run", () => {
  const slow = ["sh", "-c", `echo started; exec sleep 300`];
  const pidOf = (): number => Number(readFileSync(state("container-kimtest-7-coq"), "utf8"));

  test("at the deadline", async () => {
    const running = runInContainer(docker, container(), slow, { deadlineMs: 700 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const pid = pidOf();
    expect(isAlive(pid)).toBe(true);
    expect((await running).end.description).toBe("still running at its deadline of 0.7 s");
    expect(isAlive(pid)).toBe(false);
    expect(calls().slice(1)).toEqual(["stop -t 2 kimtest-7-coq", "rm -f -v kimtest-7-coq"]);
  });

  test("when the runner is told to stop, within its ten seconds, although it ignores SIGTERM", async () => {
    writeFileSync(state("deaf"), "");
    const stop = new AbortController();
    const running = runInContainer(docker, container(), slow, { deadlineMs: 60_000, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const pid = pidOf();
    const stoppedMs = performance.now();
    stop.abort();
    expect((await running).end).toMatchObject({ ending: "stopped" });
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    expect(isAlive(pid)).toBe(false);
    expect(calls().slice(1)).toEqual(["stop -t 2 kimtest-7-coq", "kill kimtest-7-coq", "rm -f -v kimtest-7-coq"]);
  });

  test("or the description says that it could not be removed", async () => {
    writeFileSync(state("stuck"), "");
    const { end } = await runInContainer(docker, container(), ["true"], { deadlineMs: 20_000 });
    expect(end.description).toBe(
      "exit code 0; its container kimtest-7-coq could not be removed (exit code 1: Error response from daemon: device is busy)",
    );
  });
});

describe("leftovers of a killed runner", () => {
  test("are removed at start-up, those of this owner only", async () => {
    const running = runInContainer(docker, container({ name: "kimtest-6-ivy" }), ["sleep", "300"], {
      deadlineMs: 60_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await removeLeftoverContainers(docker)).toEqual({ removed: ["kimtest-6-ivy"], problems: [] });
    expect(calls()).toContain("ps --all --filter label=kimtest.owner=this-runner --format {{.Names}}");
    await running;
  });

  test("cannot be listed without a daemon; without docker there are none", async () => {
    writeFileSync(state("no-daemon"), "");
    expect(await removeLeftoverContainers(docker)).toEqual({
      removed: [],
      problems: ["containers cannot be listed: Cannot connect to the Docker daemon"],
    });
    expect(await removeLeftoverContainers({ ...docker, program: "kimtest-no-docker" })).toEqual({
      removed: [],
      problems: [],
    });
  });
});

describe("images", () => {
  const source = { image: "coq:8", platform: null, buildFolder: null, deadlineMs: 20_000 };

  test("one that is there is used, one that is not is pulled or built", async () => {
    writeFileSync(state("image-coq:8"), "linux/amd64 sha256:here\n");
    expect(await ensureImage(docker, source)).toEqual({ id: "sha256:here" });
    expect(await ensureImage(docker, { ...source, image: "ivy:1" })).toEqual({ id: "sha256:pulled" });
    expect(await ensureImage(docker, { ...source, image: "own:1", buildFolder: "/d" })).toEqual({ id: "sha256:built" });
    expect(calls().filter((call) => /^(pull|build)/.test(call))).toEqual([
      "pull --quiet ivy:1",
      "build --tag own:1 /d",
    ]);
  });

  test("one for another architecture is not used", async () => {
    writeFileSync(state("image-coq:8"), "linux/arm64 sha256:here\n");
    expect(await ensureImage(docker, source)).toEqual({
      problem: "image coq:8 is for linux/arm64, but linux/amd64 is needed",
    });
  });

  test("the reason when there is none to be had", async () => {
    writeFileSync(state("unreachable"), "");
    expect(await ensureImage(docker, source)).toEqual({
      problem: "image coq:8 could not be pulled: exit code 1: Error response from daemon: no route",
    });
    writeFileSync(state("no-daemon"), "");
    expect(await ensureImage(docker, source)).toEqual({
      problem:
        "docker does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    });
    expect(await ensureImage({ ...docker, program: "kimtest-no-docker" }, source)).toEqual({
      problem: "cannot be started: kimtest-no-docker does not exist or may not be executed",
    });
  });
});

describe("exit codes that are not the tool's own", () => {
  const WITHOUT_DAEMON =
    "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n\n" +
    "Run 'docker run --help' for more information";
  test.each<[number, string, string, string]>([
    [
      125,
      WITHOUT_DAEMON,
      "not-started",
      "docker could not run it: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ],
    [
      125,
      "Unable to find image 'coq:8' locally",
      "not-started",
      "docker could not run it: Unable to find image 'coq:8' locally",
    ],
    [
      127,
      'exec: "coqc": executable file not found in $PATH',
      "not-started",
      'cannot be started in its image: exec: "coqc": executable file not found in $PATH',
    ],
    [
      255,
      "exec /usr/bin/sh: exec format error",
      "not-started",
      "the image is for another architecture than this machine (exec format error)",
    ],
    [137, "", "killed", "killed in its container: out of memory, or stopped from outside"],
    [139, "", "killed", "killed in its container by signal 11"],
  ])("%i %s", (exitCode, text, ending, description) => {
    expect(withContainerProblem(printed(text, exitCode)).end).toMatchObject({ ending, description, exitCode: null });
  });

  test("all others are", () => {
    expect(withContainerProblem(printed("a", 1))).toEqual(printed("a", 1));
  });
});
