/** Against a stand-in `docker`. What the real client (28.2.2) prints without a daemon is recorded below. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { until } from "../../test/until.ts";
import { processStat } from "../platform/process-table.ts";
import { createProcesses } from "../platform/processes.ts";
import {
  containerCommand,
  containerName,
  removeLeftoverContainers,
  runInContainer,
  withContainerProblem,
  type Container,
  type Docker,
} from "./docker.ts";
import { standInDocker, type StandInDocker } from "./docker.fixture.ts";
import { printed } from "./recordings.fixture.ts";

let folder: string;
let docker: Docker;
let standIn: StandInDocker;
const state = (name: string): string => standIn.state(name);
const calls = (): string[] => standIn.calls();
const container = (change: Partial<Container> = {}): Container => ({
  name: containerName(docker, 7, "coq"),
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
  standIn = standInDocker(folder);
  docker = { processes: createProcesses(join(folder, "notes")), program: standIn.program, owner: "this-runner" };
});
afterEach(() => {
  standIn.end();
  rmSync(folder, { recursive: true });
});

/** Waits for the container to run; returns its process. */
async function started(name = "kimtest-this-runner-7-coq"): Promise<number> {
  const path = state(`container-${name}`);
  await until("the container runs", () => existsSync(path) && readFileSync(path, "utf8").endsWith("\n"));
  return Number(readFileSync(path, "utf8"));
}

/** An orphan that has ended may wait for ever where no init process collects it. */
const isAlive = (pid: number): boolean => !["Z", "X", undefined].includes(processStat(pid)?.state);

test("names and flags", () => {
  expect(containerName(docker, 12, "TLA Proofs")).toBe("kimtest-this-runner-12-tla-proofs");
  expect(
    containerCommand(docker, container({ platform: "linux/amd64", workingFolder: "/w", entrypoint: "x" }), [
      "a",
      "b",
    ]).slice(1),
  ).toEqual([
    ...[
      "run",
      "--name",
      "kimtest-this-runner-7-coq",
      "--label",
      "kimtest.owner=this-runner",
      "--init",
      "--pull",
      "never",
    ],
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
  expect(existsSync(state("container-kimtest-this-runner-7-coq"))).toBe(false);
});

describe("a container does not outlive its run", () => {
  const slow = ["sh", "-c", `echo started; exec sleep 300`];

  test("at the deadline", async () => {
    const running = runInContainer(docker, container(), slow, { deadlineMs: 5_000 });
    const pid = await started();
    expect(isAlive(pid)).toBe(true);
    expect((await running).end.description).toBe("still running at its deadline of 5.0 s");
    await until("the container has ended", () => !isAlive(pid));
    expect(calls().slice(1)).toEqual(["stop -t 2 kimtest-this-runner-7-coq", "rm -f -v kimtest-this-runner-7-coq"]);
  });

  test("when the runner is told to stop, within its ten seconds, although it ignores SIGTERM", async () => {
    writeFileSync(state("deaf"), "");
    const stop = new AbortController();
    const running = runInContainer(docker, container(), slow, { deadlineMs: 60_000, signal: stop.signal });
    const pid = await started();
    const stoppedMs = performance.now();
    stop.abort();
    expect((await running).end).toMatchObject({ ending: "stopped" });
    expect(performance.now() - stoppedMs).toBeLessThan(10_000);
    await until("the container has ended", () => !isAlive(pid));
    expect(calls().slice(1)).toEqual([
      "stop -t 2 kimtest-this-runner-7-coq",
      "kill kimtest-this-runner-7-coq",
      "rm -f -v kimtest-this-runner-7-coq",
    ]);
  });

  test("or the description says that it could not be removed", async () => {
    writeFileSync(state("stuck"), "");
    const { end } = await runInContainer(docker, container(), ["true"], { deadlineMs: 20_000 });
    expect(end.description).toBe(
      "exit code 0; its container kimtest-this-runner-7-coq could not be removed (exit code 1: Error response from daemon: device is busy)",
    );
  });
});

describe("leftovers of a killed runner", () => {
  test("are removed at start-up, those of this owner only", async () => {
    const running = runInContainer(docker, container({ name: "kimtest-6-ivy" }), ["sleep", "300"], {
      deadlineMs: 60_000,
    });
    await started("kimtest-6-ivy");
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
