/** What can be said of the scripts, the units and the user data without running them, by the programs made for it. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import fc from "fast-check";

import type { METRICS } from "../../contracts/metrics.ts";
import { METRIC_NAMESPACE, STACK_DIMENSION, SYSTEM_METRIC_NAMESPACE, SYSTEM_METRICS } from "../../contracts/metrics.ts";
import { USER_DATA_LIMIT_BYTES, userData } from "../../infra/host/user-data.ts";
import { HOST_FOLDER } from "./machine.ts";
import { findHostTools, type HostTools } from "./tools.ts";

const INPUT = { stack: "dev", region: "us-east-1", serviceParameter: "/kimtest/dev/service" };

let tools: HostTools;
let scratch: string;
beforeAll(async () => {
  tools = await findHostTools();
  scratch = await mkdtemp(join(tmpdir(), "kimtest-host-"));
}, 600_000);
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const hostFiles = async (suffix: string): Promise<string[]> =>
  (await readdir(HOST_FOLDER)).filter((name) => name.endsWith(suffix)).sort();

describe("scripts", () => {
  const check = (paths: readonly string[]) =>
    execa(
      join(tools.programs, "shellcheck"),
      ["--external-sources", "--source-path", join(HOST_FOLDER, "../.."), ...paths],
      {
        reject: false,
        all: true,
      },
    );

  test("shellcheck finds nothing in any of them", async () => {
    const names = await hostFiles(".sh");
    expect(names).toEqual(["bootstrap.sh", "common.sh", "downloads.sh", "kimtest-bootstrap.sh", "kimtest-launch.sh"]);
    const { exitCode, all } = await check(names.map((name) => join(HOST_FOLDER, name)));
    expect({ exitCode, all }).toEqual({ exitCode: 0, all: "" });
  });

  test("and it would", async () => {
    const path = join(scratch, "broken.sh");
    await writeFile(path, "#!/bin/bash\nrm -rf $1\n");
    const { exitCode, all } = await check([path]);
    expect(exitCode).toBe(1);
    expect(all).toContain("SC2086");
  });

  test("they use the metric names of the contract", async () => {
    const text = (
      await Promise.all((await hostFiles(".sh")).map((name) => readFile(join(HOST_FOLDER, name), "utf8")))
    ).join("\n");
    expect([...text.matchAll(/--namespace (\S+)/g)].map(([, name]) => name)).toEqual([
      METRIC_NAMESPACE,
      METRIC_NAMESPACE,
    ]);
    expect([...text.matchAll(/--dimensions "(\w+)=/g)].map(([, name]) => name)).toEqual([
      STACK_DIMENSION,
      STACK_DIMENSION,
    ]);
    expect([...text.matchAll(/(?:--metric-name|publish_metric) ([A-Z][a-z]\w+)/g)].map(([, name]) => name)).toEqual([
      "BootstrapFailed",
      "BundleRejected",
    ] satisfies (keyof typeof METRICS)[]);
  });
});

test("what people are told to install on a machine of their own is what is installed here", async () => {
  const [pins, documented] = await Promise.all(
    ["infra/host/downloads.sh", "docs/any-host.md"].map((name) => readFile(join(HOST_FOLDER, "../..", name), "utf8")),
  );
  const pinned = (name: string): string => new RegExp(`^${name}=(\\S+)$`, "m").exec(pins ?? "")?.[1] ?? "not pinned";
  expect(documented).toContain(`rustup toolchain install ${pinned("rust_nightly")} `);
  expect(documented).toContain(
    `cargo +${pinned("rust_nightly")} install --locked cargo-fuzz --version ${pinned("cargo_fuzz_version")}'`,
  );
});

describe("units", () => {
  /** systemd-analyze wants the programs to exist: the unit is checked with our folder for the installed one. */
  async function verify(name: string, change: (text: string) => string = (text) => text) {
    const text = (await readFile(join(HOST_FOLDER, name), "utf8"))
      .replace("/usr/local/lib/kimtest/", `${HOST_FOLDER}/`)
      .replace("/usr/local/sbin/kimtest-bootstrap", `${HOST_FOLDER}/kimtest-bootstrap.sh`);
    const path = join(scratch, name);
    await writeFile(path, change(text));
    const { exitCode, all } = await execa("systemd-analyze", ["--man=no", "verify", path], {
      reject: false,
      all: true,
    });
    return { exitCode, all };
  }

  test.each(["kimtest.service", "kimtest-bootstrap.service"])("systemd-analyze verify accepts %s", async (name) => {
    expect(await verify(name)).toEqual({ exitCode: 0, all: "" });
  });

  test("and it would not accept a misspelt setting, a missing program, or a wrong value", async () => {
    const misspelt = await verify("kimtest.service", (text) => text.replace("WatchdogSec=", "WatchDogSeconds="));
    expect(misspelt.all).toContain("WatchDogSeconds");
    const missing = await verify("kimtest.service", (text) => text.replace("/kimtest-launch.sh", "/kimtest-start.sh"));
    expect(missing.exitCode).not.toBe(0);
    const wrong = await verify("kimtest.service", (text) => text.replace("KillMode=mixed", "KillMode=gentle"));
    expect(wrong.all).toContain("gentle");
  });

  test("programs under test may write where their tools do, and nowhere else", async () => {
    const text = await readFile(join(HOST_FOLDER, "kimtest.service"), "utf8");
    const valuesOf = (setting: string): string[] =>
      [...text.matchAll(new RegExp(`^${setting}=(.+)$`, "gm"))].flatMap(([, value = ""]) => value.split(" "));
    expect(valuesOf("ProtectSystem")).toEqual(["strict"]);
    expect(valuesOf("ReadWritePaths")).toEqual(["/opt/kimtest", "/var/lib/kimtest"]);
    const folders = valuesOf("Environment").filter((one) => !one.startsWith("PATH="));
    expect(folders.map((one) => one.replace(/=.*/, "")).sort()).toEqual([
      "CARGO_HOME",
      "HOME",
      "RUSTUP_HOME",
      "TMPDIR",
    ]);
    for (const folder of folders) expect(folder).toMatch(/^\w+=\/var\/lib\/kimtest(\/|$)/);
  });

  test("the sandbox does not get weaker than it is", async () => {
    await verify("kimtest.service");
    const parameters = ["security", "--offline=true", "--threshold=22", "--no-pager", join(scratch, "kimtest.service")];
    const { exitCode, all } = await execa("systemd-analyze", parameters, { reject: false, all: true });
    expect({ exitCode, last: all.split("\n").at(-1) }).toEqual({
      exitCode: 0,
      last: expect.stringMatching(/^→ Overall exposure level for kimtest.service: [0-2]\.\d /) as unknown,
    });
  });
});

describe("user data", () => {
  test("cloud-init's schema check accepts it", async () => {
    const path = join(scratch, "user-data");
    await writeFile(path, userData(INPUT));
    expect(await tools.checkCloudConfig(path)).toEqual({ exitCode: 0, output: `Valid cloud-config: ${path}` });
  });

  test("and would not accept a wrong type", async () => {
    const path = join(scratch, "user-data-wrong");
    await writeFile(path, userData(INPUT).replace('"permissions": "0644"', '"permissions": 644'));
    const { exitCode, output } = await tools.checkCloudConfig(path);
    expect(exitCode).toBe(1);
    expect(output).toContain("write_files.0.permissions");
  });

  test("fits", () => {
    const long = { stack: "a".repeat(20), region: "ap-southeast-4", serviceParameter: `/${"p".repeat(500)}` };
    expect(Buffer.byteLength(userData(long))).toBeLessThan(USER_DATA_LIMIT_BYTES / 2);
  });

  /** EC2 does not apply a change to a running machine, and a machine from before it has the old text for ever. */
  test("is what it was: change this hash only for what new machines alone shall get", () => {
    expect(createHash("sha256").update(userData(INPUT)).digest("hex")).toBe(
      "5360a66da1def2dfe3ef65f9c060f9b3f9a97445454aaabf4ff6ffc9f1f54573",
    );
  });

  test("refuses what cannot be one line of a file", () => {
    for (const region of ["", "us\neast", "us\u0000east", "x".repeat(513)]) {
      expect(() => userData({ ...INPUT, region })).toThrow(
        "user data: KIMTEST_REGION is empty, too long or holds a control character",
      );
    }
  });

  test("bash reads back any value, and runs none", async () => {
    const printable = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
    await fc.assert(
      fc.asyncProperty(printable, async (value) => {
        const config = JSON.parse(userData({ ...INPUT, serviceParameter: value }).replace("#cloud-config\n", "")) as {
          write_files: { path: string; content: string }[];
        };
        const path = join(scratch, "environment");
        await writeFile(path, config.write_files[0]?.content ?? "");
        const { stdout } = await execa("bash", ["-c", '. "$1"; printf %s "$KIMTEST_PARAMETER"', "bash", path], {
          stripFinalNewline: false,
        });
        expect(stdout).toBe(value);
      }),
      { numRuns: 40, examples: [["'"], ["$(touch /tmp/x)"], ["a'b\"c\\d`e`"], ["'; exit 1; '"]] },
    );
  });
});

describe("the agent's configuration", () => {
  interface Plugin {
    measurement: string[];
    append_dimensions: Record<string, string>;
    drop_original_metrics?: string[];
  }
  const read = async () =>
    JSON.parse(await readFile(join(HOST_FOLDER, "amazon-cloudwatch-agent.json"), "utf8")) as {
      agent: { omit_hostname: boolean };
      logs: { logs_collected: { files: { collect_list: Record<string, string>[] } } };
      metrics: {
        namespace: string;
        aggregation_dimensions: string[][];
        append_dimensions?: unknown;
        metrics_collected: Record<string, Plugin>;
      };
    };

  /**
   * The agent publishes each metric with all its dimensions, unless the metric is dropped, and once more rolled up,
   * where that leaves out any. Those of a plug-in are its own, ours and `host`, unless that is omitted.
   */
  test("publishes each metric of the contract once, with the one dimension Stack", async () => {
    const { agent, metrics } = await read();
    expect(metrics.namespace).toBe(SYSTEM_METRIC_NAMESPACE);
    const own: Record<string, string[]> = { cpu: ["cpu"], disk: ["path", "fstype"], mem: [] };
    const published = Object.entries(metrics.metrics_collected).flatMap(([name, plugin]) => {
      const full = [
        ...(own[name] ?? ["unknown"]),
        ...Object.keys(plugin.append_dimensions),
        ...(agent.omit_hostname ? [] : ["host"]),
      ];
      return plugin.measurement.flatMap((metric) => [
        ...(plugin.drop_original_metrics?.includes(metric) === true ? [] : [{ metric, dimensions: full }]),
        ...metrics.aggregation_dimensions
          .filter((rolledUp) => rolledUp.length < full.length && rolledUp.every((key) => full.includes(key)))
          .map((dimensions) => ({ metric, dimensions })),
      ]);
    });
    expect(published.map(({ metric }) => metric).sort()).toEqual(Object.values(SYSTEM_METRICS).sort());
    for (const { dimensions } of published) expect(dimensions).toEqual([STACK_DIMENSION]);
    // The global one takes EC2's own names only, and asks EC2 for them.
    expect(metrics.append_dimensions).toBeUndefined();
  });

  test("neither makes log groups nor sets their retention", async () => {
    const { logs } = await read();
    const files = logs.logs_collected.files.collect_list;
    expect(files.map(({ log_stream_name: stream }) => stream)).toEqual([
      "runner/{instance_id}",
      "service/{instance_id}",
      "bootstrap/{instance_id}",
      "cloud-init/{instance_id}",
    ]);
    for (const file of files) {
      expect(Object.keys(file).sort()).toEqual(["file_path", "log_group_name", "log_stream_name"]);
      expect(file["log_group_name"]).toBe("${log_group}");
    }
  });
});
