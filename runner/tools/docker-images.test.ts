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
