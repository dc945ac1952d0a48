/** Against a stand-in `docker`. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createProcesses } from "../platform/processes.ts";
import { standInDocker, type StandInDocker } from "./docker.fixture.ts";
import { ensureImage, removeOlderImages } from "./docker-images.ts";
import type { Docker } from "./docker.ts";

let folder: string;
let docker: Docker;
let standIn: StandInDocker;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-images-"));
  standIn = standInDocker(folder);
  docker = { processes: createProcesses(join(folder, "notes")), program: standIn.program, owner: "this-runner" };
});
afterEach(() => {
  standIn.end();
  rmSync(folder, { recursive: true });
});

describe("an image that is needed", () => {
  const source = { image: "coq:8", platform: null, buildFolder: null, deadlineMs: 20_000 };

  test("one that is there is used, one that is not is pulled or built", async () => {
    writeFileSync(standIn.state("image-coq:8"), "linux/amd64 sha256:here\n");
    expect(await ensureImage(docker, source)).toEqual({ id: "sha256:here" });
    expect(await ensureImage(docker, { ...source, image: "ivy:1" })).toEqual({ id: "sha256:pulled" });
    expect(await ensureImage(docker, { ...source, image: "own:1", buildFolder: "/d" })).toEqual({ id: "sha256:built" });
    expect(standIn.calls().filter((call) => /^(pull|build)/.test(call))).toEqual([
      "pull ivy:1",
      "build --tag own:1 --label kimtest.owner=this-runner /d",
    ]);
  });

  test("a daemon that does not answer does not hold up a runner that stops", async () => {
    writeFileSync(standIn.state("hung"), "");
    const startedMs = performance.now();
    await ensureImage(docker, { ...source, signal: AbortSignal.timeout(200) });
    // Left alone, the question would have ten seconds.
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  });

  test("what pulling and building print is passed on", async () => {
    const lines: string[] = [];
    const watch = (line: string): void => void lines.push(line);
    await ensureImage(docker, { ...source, watch });
    await ensureImage(docker, { ...source, image: "own:1", buildFolder: "/d", watch });
    expect(lines).toEqual(["Pulling from a stand-in", "Step 1/1 : FROM a stand-in"]);
  });

  test("one for another architecture is not used", async () => {
    writeFileSync(standIn.state("image-coq:8"), "linux/arm64 sha256:here\n");
    expect(await ensureImage(docker, source)).toEqual({
      problem: "image coq:8 is for linux/arm64, but linux/amd64 is needed",
    });
  });

  test("the reason when there is none to be had", async () => {
    writeFileSync(standIn.state("unreachable"), "");
    expect(await ensureImage(docker, source)).toEqual({
      problem: "image coq:8 could not be pulled: exit code 1: Error response from daemon: no route",
    });
    writeFileSync(standIn.state("no-daemon"), "");
    expect(await ensureImage(docker, source)).toEqual({
      problem:
        "docker does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    });
    expect(await ensureImage({ ...docker, program: "kimtest-no-docker" }, source)).toEqual({
      problem: "cannot be started: kimtest-no-docker does not exist or may not be executed",
    });
  });
});

describe("images of older contents", () => {
  const isThere = (image: string): boolean => existsSync(standIn.state(`image-${image}`));
  const build = (image: string, by = docker) =>
    ensureImage(by, { image, platform: null, buildFolder: "/d", deadlineMs: 20_000 });

  test("of the same name and owner are removed, and no others", async () => {
    await build("kimtest-ivy:a");
    await build("kimtest-ivy:b");
    await build("kimtest-ivy:c");
    await build("kimtest-ivy-two:a");
    await build("kimtest-ivy:d", { ...docker, owner: "another-runner" });
    writeFileSync(standIn.state("image-kimtest-ivy:mine"), "linux/amd64 sha256:of-a-person\n");
    expect(await removeOlderImages(docker, "kimtest-ivy:b")).toEqual({
      removed: ["kimtest-ivy:a", "kimtest-ivy:c"],
      problems: [],
    });
    const left = ["ivy:a", "ivy:b", "ivy:c", "ivy-two:a", "ivy:d", "ivy:mine"].filter((one) =>
      isThere(`kimtest-${one}`),
    );
    expect(left).toEqual(["ivy:b", "ivy-two:a", "ivy:d", "ivy:mine"]);
    expect(standIn.calls()).toContain(
      "image ls --filter label=kimtest.owner=this-runner --format {{.Repository}}:{{.Tag}} kimtest-ivy",
    );
  });

  test("one that is in use stays, and that is told", async () => {
    await build("kimtest-ivy:a");
    await build("kimtest-ivy:b");
    writeFileSync(standIn.state("used-kimtest-ivy:a"), "");
    expect(await removeOlderImages(docker, "kimtest-ivy:b")).toEqual({
      removed: [],
      problems: [
        "image kimtest-ivy:a could not be removed: exit code 1: Error response from daemon: conflict: it is used by a container",
      ],
    });
    expect(isThere("kimtest-ivy:a")).toBe(true);
  });

  test("a daemon that is away is told", async () => {
    expect(await removeOlderImages({ ...docker, program: "false" }, "kimtest-ivy:b")).toEqual({
      removed: [],
      problems: ["older images of kimtest-ivy cannot be listed: exit code 1"],
    });
  });
});
