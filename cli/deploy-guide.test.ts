/** docs/deploy.md and docs/runbook.md name what exists: settings, defaults, commands, options, alarms, files. Prose is not tested. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { METRIC_NAMESPACE, SYSTEM_METRIC_NAMESPACE, METRICS } from "../contracts/metrics.ts";
import { METRIC_ALARMS, NO_DIGEST } from "../infra/alarms.ts";
import { DEFAULTS } from "../infra/config.ts";
import { nameOf } from "../infra/names.ts";
import { fakeDeps, kimtest } from "./fake-deps.fixture.ts";
import { estimate } from "./infra/cost.ts";
import { buildProgram } from "./program.ts";

const guide = readFileSync("docs/deploy.md", "utf8");
const runbook = readFileSync("docs/runbook.md", "utf8");
const both = `${guide}\n${runbook}`;
const settings = guide.slice(guide.indexOf("\n## Settings"), guide.indexOf("\n### Spot or on-demand"));
const rows = settings
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim()));
const namesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");

test("each setting has its row, and no row is of a setting that does not exist", () => {
  expect(rows.flatMap(([, keys]) => namesIn(keys)).sort()).toEqual(Object.keys(DEFAULTS).sort());
});

test.each(rows.filter(([, , fallback]) => fallback?.startsWith("`")))("%s%s: the default %s", (_, keys, fallback) => {
  for (const key of namesIn(keys)) expect(DEFAULTS[key]).toBe(namesIn(fallback)[0]);
});

describe("commands", () => {
  const lines = [
    ...both.matchAll(/(?:npx |`)(kimtest|just) ([a-z][a-z-]+)((?: --?[a-z-]+(?:[ =][^\s`]+)?| [^\s`#|]+)*)/g),
  ];
  const commands = buildProgram(fakeDeps().deps).commands;

  test("are there, with their options", () => {
    expect(lines.length).toBeGreaterThan(20);
    for (const [line, , name = "", rest = ""] of lines) {
      const command = commands.find((one) => one.name() === name);
      expect([line, command?.name()]).toEqual([line, name]);
      if (name === "vopr") continue;
      const known = command?.options.map(({ long }) => long);
      for (const option of rest.match(/ --[a-z-]+/g) ?? [])
        expect([line, known]).toEqual([line, expect.arrayContaining([option.trim()])]);
    }
  });
});

test("each call that a command makes is in the list of permissions, and none that no command makes", () => {
  const start = guide.indexOf("\n### Permissions of who uses it");
  const section = guide.slice(start, guide.indexOf("\n## ", start));
  const listed = [...section.matchAll(/`(?:ssm|s3|ec2|cloudwatch|sns|logs|iam):([A-Za-z]+)`/g)].map(([, name]) => name);
  const files = readdirSync("cli/aws").filter((name) => /^[a-z-]+\.ts$/.test(name));
  const source = [...files.map((name) => join("cli/aws", name)), "runner/store/s3-store.ts"]
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const calls = [...source.matchAll(/new ([A-Z]\w+)Command\(|\bpaginate([A-Z]\w+)\(/g)].map(
    ([, one, paged]) => one ?? paged ?? "",
  );
  // Anybody may ask who they are; only the machine deletes objects, and only the deployer destroys.
  const others = new Set(["GetCallerIdentity", "DeleteObject", "TerminateInstances", "CancelSpotInstanceRequests"]);
  const actions: Record<string, string> = { HeadObject: "GetObject", ListObjectsV2: "ListBucket" };
  const needed = new Set(calls.filter((call) => !others.has(call)).map((call) => actions[call] ?? call));
  expect([...new Set(listed)].sort()).toEqual([...needed].sort());
});

test("each alarm that notifies has its section in the runbook, and no section is of an alarm that does not exist", () => {
  const notifying = METRIC_ALARMS.filter(({ notifies }) => notifies).map(({ part }) => nameOf("dev", part));
  const sections = [...runbook.matchAll(/^## (kimtest-dev-[a-z-]+)$/gm)].map(([, name]) => name ?? "");
  expect(sections.sort()).toEqual([...notifying, nameOf("dev", NO_DIGEST.part)].sort());
});

test("alarms and metrics", () => {
  const notifying = METRIC_ALARMS.filter(({ notifies }) => notifies).map(({ part }) => nameOf("dev", part));
  const alarms = new Set([...notifying, nameOf("dev", NO_DIGEST.part)]);
  const named = [...both.matchAll(/kimtest-dev-[a-z-]*[a-z](?![a-z0-9-])/g)].map(([name]) => name);
  const others = named.filter((name) => !alarms.has(name) && !/^kimtest-dev-(?:logs|instance-us-east)$/.test(name));
  expect(others).toEqual([]);
  expect(new Set(named).size).toBeGreaterThan(5);
  for (const namespace of [METRIC_NAMESPACE, SYSTEM_METRIC_NAMESPACE]) expect(both).toContain(`\`${namespace}\``);
  expect(both).toContain(`--namespace ${METRIC_NAMESPACE} --metric-name IterationsCompleted`);
  expect(METRICS).toHaveProperty("IterationsCompleted");
  expect(METRICS).toHaveProperty("OutboxEntries");
});

test("files on the machine are those of infra/host", () => {
  const host = readdirSync("infra/host")
    .filter((name) => /\.(?:sh|service|json|conf)$/.test(name))
    .map((name) => readFileSync(join("infra/host", name), "utf8"))
    .join("\n");
  for (const path of ["/var/log/kimtest/service.log", "/var/lib/kimtest/state/runner.log"]) {
    expect(both).toContain(path);
    expect(host).toContain(path);
  }
  expect(both).toContain(`(${/^rust_version=(\S+)$/m.exec(host)?.[1] ?? "not pinned"}, which is 1.88.0,`);
});

test("costs are those of infra-cost", async () => {
  for (const instanceType of ["c7g.xlarge", "c7g.medium", "t4g.small"]) {
    const { lowUsd, highUsd } = estimate({ instanceType, purchase: "spot", volumeGb: 60 });
    expect(guide).toContain(`$${lowUsd.toFixed(2)} to $${highUsd.toFixed(2)}`);
  }
  expect((await kimtest(["infra-cost"])).exitCode).toBe(0);
});

test("every entry of the first guides' troubleshooting is there", () => {
  const headings = [...runbook.slice(runbook.indexOf("\n## Troubleshooting")).matchAll(/^### (.*)$/gm)].map(
    ([, one]) => one,
  );
  expect(headings).toEqual([
    "No logs appearing",
    "The machine stopped, or keeps stopping",
    "No e-mail: no digest, no alarms",
    "The alarm no-progress is on",
    "Build failures on the machine",
    "The vopr program crashes",
    "Reproduce a failure",
    "Other faults, other metrics",
    "Pulumi",
    "Is it safe?",
  ]);
});

test.each([
  ["deploy.md", guide],
  ["runbook.md", runbook],
])("links inside %s lead somewhere", (_name, text) => {
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
  for (const [, anchor] of text.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor);
});
