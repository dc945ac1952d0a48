import { describe, expect, test } from "@jest/globals";
import { createProcesses } from "../platform/processes.ts";
import { embeddedProfile } from "../profiles/embedded.ts";
import { kimberliteProfile } from "../profiles/kimberlite/kimberlite.ts";
import { askForScenarios, scenariosIn } from "./vopr-scenarios.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareScenarios } from "../phases/prepare/scenarios.ts";

/** As Kimberlite's binary prints it: a title, names, descriptions. */
const LIST = `Available Test Scenarios:

  Baseline (No Faults)
    Normal operation

  Byzantine: View Change Merge
    Attack: a conflicting entry

  New: Something
    that nobody knows

`;

describe("Kimberlite's list", () => {
  test("display names are those indented by two", () => {
    expect(scenariosIn(LIST, "kimberlite")).toEqual([
      "Baseline (No Faults)",
      "Byzantine: View Change Merge",
      "New: Something",
    ]);
  });

  test("the profile's scenarios are compared by the names that are listed", () => {
    const { missing, unclaimed } = compareScenarios(kimberliteProfile().vopr, scenariosIn(LIST, "kimberlite"));
    expect(missing).toHaveLength(kimberliteProfile().vopr.scenarios.length - 2);
    expect(missing).not.toContain("baseline");
    expect(missing).toContain("combined");
    expect(unclaimed).toEqual(["New: Something"]);
  });

  test.each([
    ["help in its place", "Usage: vopr\n  --seed N\n"],
    ["nothing", ""],
    ["a title alone", "Available Test Scenarios:\n\n"],
  ])("%s is no list", (_, text) => {
    expect(() => scenariosIn(text, "kimberlite")).toThrow("the list of scenarios does not look like Kimberlite's");
  });
});

describe("a list in JSON", () => {
  test.each(["", "[]", '{"scenarios":[]}', '{"scenarios":["a"]}'])("%j is none", (text) => {
    expect(() => scenariosIn(text, "json")).toThrow(expect.objectContaining({ code: "CORRUPT_DATA" }));
  });

  test("the embedded simulator has exactly the scenarios that its profile runs or leaves out", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kimtest-scenarios-"));
    const { vopr, work_tree: cwd } = embeddedProfile();
    const signal = new AbortController().signal;
    const list = await askForScenarios(createProcesses(folder), vopr, vopr.scenario_list!, { cwd, signal });
    rmSync(folder, { recursive: true });
    const names = "names" in list ? list.names : [];
    expect(names).toContain("combined");
    expect(compareScenarios(vopr, names)).toEqual({ missing: [], unclaimed: [] });
    expect(vopr.scenario_list!.left_out.filter((name) => !names.includes(name))).toEqual([]);
  });
});
