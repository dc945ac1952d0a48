/** What is read while a cycle ends: its digest merges its findings, and the next cycle begins with none. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CURRENT_CYCLE_KEY, REGISTRY_KEY } from "../../contracts/bucket.ts";
import { stringifyJson } from "../../contracts/json.ts";
import { AT, cycleState, knownFinding, sighting } from "../../runner/phases/digest/samples.fixture.ts";
import { FolderStore } from "../../runner/store/folder-store.ts";
import { storeWith } from "../../runner/store/store-with.fixture.ts";
import { readFindings } from "./findings.ts";

const SIGNATURE = "agreement:gray";

let folder: string;
let store: FolderStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kimtest-findings-"));
  store = new FolderStore(folder);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each([0, 1, 2])(
  "a cycle that ends after %i answers of the store: its finding is listed, once",
  async (answers) => {
    const put = (key: string, value: unknown) => store.put(key, stringifyJson(value));
    await put(CURRENT_CYCLE_KEY, cycleState({ sightings: { [SIGNATURE]: sighting(SIGNATURE) } }));
    let answered = 0;
    const end = async (): Promise<void> => {
      await put(REGISTRY_KEY, { version: 1, updated_at: AT, findings: { [SIGNATURE]: knownFinding(SIGNATURE) } });
      await put(CURRENT_CYCLE_KEY, cycleState({ cycle: 8, sightings: {} }));
    };
    // One answer after the other, as on a slow line.
    let line: Promise<unknown> = Promise.resolve();
    const slow = storeWith(store, {
      get(key, options) {
        const answer = line.then(async () => {
          if (answered === answers) await end();
          answered += 1;
          return store.get(key, options);
        });
        line = answer;
        return answer;
      },
    });
    expect((await readFindings(slow)).map(({ signature, count }) => [signature, count])).toEqual([[SIGNATURE, 3]]);
    expect(answered).toBe(2);
  },
);
