/**
 * The contract is what Kimberlite's binary prints (crates/kimberlite-sim/src/bin/vopr.rs). Only the failed
 * iteration below is a sample from there word for word; the other lines have the same keys and formats with
 * made-up values. The deployment guide of the first infrastructure shows an older, shorter shape: it is not
 * the contract, and its lines are refused.
 */
import { expect, test } from "@jest/globals";
import { parseJson, stringifyJson } from "./json.ts";
import { voprRecordSchema } from "./vopr.ts";

const HASH = "0123456789abcdef".repeat(4);
const AT = "2026-04-17T03:08:43.123456789+00:00";

const START = `{"data":{"checkpoint_loaded":false,"iterations":100,"network_faults":true,"starting_seed":0,"storage_faults":true},"timestamp":"${AT}","type":"start"}`;
const OK = `{"data":{"events":212,"kernel_state_hash":"${HASH}","seed":16,"simulated_time_ms":43.012345,"status":"ok","storage_hash":"${HASH}"},"timestamp":"${AT}","type":"iteration"}`;
const FAILED = `{"data":{"events":212,"invariant":"replica_consistency","message":"Replica divergence at time 43012345","seed":17,"status":"failed"},"timestamp":"${AT}","type":"iteration"}`;
const COMPLETE = `{"data":{"coverage":{"fault_points":{"coverage_percent":50.0,"fault_points":{"network.drop":{"applied":3,"attempted":0,"observed":3},"sim.storage.write":{"applied":0,"attempted":120,"observed":0}},"hit":1,"total":2},"invariants":{"coverage_percent":100.0,"executed":1,"invariant_counts":{"replica_consistency":42},"total":1},"phases":{"phase_counts":{"storage:fsync_complete":20},"total_events":20,"unique_phases":1}},"elapsed_secs":1.25,"failed_seeds":[17],"failures":1,"properties":{"always_evaluated":31,"never_evaluated":6,"reached_hit":4,"reached_total":17,"sometimes_satisfied":12,"sometimes_total":30,"total_observed":53,"unreached_ids":["vsr.recovery"],"unsatisfied_sometimes_ids":["vsr.view_change"],"violated_ids":[],"violation_count":0},"rate":80.0,"successes":99},"timestamp":"${AT}","type":"batch_complete"}`;
const COVERAGE_FAILURES = `{"data":{"failures":["fault point coverage 0.5 is below 0.8"]},"timestamp":"${AT}","type":"coverage_failures"}`;

test.each([
  ["start", START],
  ["iteration, ok", OK],
  ["iteration, failed", FAILED],
  ["batch_complete", COMPLETE],
  ["coverage_failures", COVERAGE_FAILURES],
])("%s is read with all its fields", (_, line) => {
  const json = parseJson(line, "line");
  const record = voprRecordSchema.parse(json);
  // Seeds become bigint; written again, the record is what was printed.
  expect(parseJson(stringifyJson(record), "line")).toStrictEqual(json);
});

test("the sample of a failed iteration says what failed where", () => {
  expect(voprRecordSchema.parse(parseJson(FAILED, "line"))).toStrictEqual({
    type: "iteration",
    timestamp: AT,
    data: {
      seed: 17n,
      status: "failed",
      events: 212,
      invariant: "replica_consistency",
      message: "Replica divergence at time 43012345",
    },
  });
});

test("seeds keep all digits of a u64, wherever they stand", () => {
  const max = "18446744073709551615";
  const start = voprRecordSchema.parse(parseJson(START.replace('"starting_seed":0', `"starting_seed":${max}`), "line"));
  const ok = voprRecordSchema.parse(parseJson(OK.replace('"seed":16', '"seed":9007199254740993'), "line"));
  const complete = voprRecordSchema.parse(
    parseJson(COMPLETE.replace('"failed_seeds":[17]', `"failed_seeds":[9007199254740993,${max}]`), "line"),
  );
  expect(start.data["starting_seed"]).toBe(18446744073709551615n);
  expect(ok.data["seed"]).toBe(9007199254740993n);
  expect(complete.data["failed_seeds"]).toStrictEqual([9007199254740993n, 18446744073709551615n]);
});

test.each([
  ["start", START],
  ["iteration, ok", OK],
  ["iteration, failed", FAILED],
  ["batch_complete", COMPLETE],
  ["coverage_failures", COVERAGE_FAILURES],
])("%s keeps a field that a newer binary adds", (_, line) => {
  const json = parseJson(line.replace('{"data":{', '{"data":{"added_later":[1,{"deep":true}],'), "line");
  const record = voprRecordSchema.parse(json);
  expect(record.data["added_later"]).toStrictEqual([1, { deep: true }]);
});

test("fields that a newer binary adds are kept on every level", () => {
  const line = FAILED.replace(
    '{"data":{',
    '{"host":"a","data":{"scenario":"Baseline","trace":{"seq":[1,18446744073709551615]},',
  );
  expect(voprRecordSchema.parse(parseJson(line, "line"))).toStrictEqual({
    host: "a",
    type: "iteration",
    timestamp: AT,
    data: {
      scenario: "Baseline",
      trace: { seq: [1, 18446744073709551615n] },
      seed: 17n,
      status: "failed",
      events: 212,
      invariant: "replica_consistency",
      message: "Replica divergence at time 43012345",
    },
  });
  const nested = COMPLETE.replace('"observed":3', '"observed":3,"skipped":1');
  expect(stringifyJson(voprRecordSchema.parse(parseJson(nested, "line")), 0)).toContain('"skipped":1');
});

test.each<[name: string, line: string, from: string, to: string]>([
  ["an unknown type", START, '"type":"start"', '"type":"begin"'],
  ["no type", START, ',"type":"start"', ""],
  ["no timestamp", START, `"timestamp":"${AT}",`, ""],
  ["an unknown status", OK, '"status":"ok"', '"status":"skipped"'],
  ["no status", OK, '"status":"ok",', ""],
  ["a seed as text", OK, '"seed":16', '"seed":"16"'],
  ["a negative seed", OK, '"seed":16', '"seed":-1'],
  ["a seed of 2^64", OK, '"seed":16', '"seed":18446744073709551616'],
  ["a fraction of a seed", OK, '"seed":16', '"seed":16.5'],
  ["no seed", OK, '"seed":16,', ""],
  ["a short hash", OK, `"storage_hash":"${HASH}"`, '"storage_hash":"0123"'],
  ["a hash in upper case", OK, `"storage_hash":"${HASH}"`, `"storage_hash":"${HASH.toUpperCase()}"`],
  ["a failure without an invariant", FAILED, '"invariant":"replica_consistency",', ""],
  ["a failure with an empty invariant", FAILED, '"replica_consistency"', '""'],
  ["a failure without a message", FAILED, '"message":"Replica divergence at time 43012345",', ""],
  ["a final record without failed seeds", COMPLETE, '"failed_seeds":[17],', ""],
  ["a final record without a count", COMPLETE, ',"successes":99', ""],
  ["a negative count", COMPLETE, '"successes":99', '"successes":-1'],
  ["a final record without coverage", COMPLETE, '"coverage":{', '"coverage_of_old":{'],
])("%s is refused", (_, line, from, to) => {
  expect(line).toContain(from);
  expect(voprRecordSchema.safeParse(parseJson(line.replace(from, to), "line")).success).toBe(false);
});

test.each(["null", "1", '"start"', "[]", "{}", '{"type":"start"}', '{"type":"start","timestamp":"x","data":null}'])(
  "%s is no record",
  (line) => {
    expect(voprRecordSchema.safeParse(parseJson(line, "line")).success).toBe(false);
  },
);

/** "Output format" of the first deployment guide, word for word, and what each line lacks. */
test.each<[line: string, missing: string[]]>([
  [
    '{"timestamp":"2026-01-30T12:00:00Z","type":"start","data":{"starting_seed":0,"iterations":10}}',
    ["data.network_faults", "data.storage_faults", "data.checkpoint_loaded"],
  ],
  [
    '{"timestamp":"2026-01-30T12:00:01Z","type":"iteration","data":{"seed":0,"status":"ok","events":8432}}',
    ["data.simulated_time_ms", "data.storage_hash", "data.kernel_state_hash"],
  ],
  [
    '{"timestamp":"2026-01-30T12:00:02Z","type":"iteration","data":{"seed":1,"status":"failed","invariant":"linearizability","message":"..."}}',
    ["data.events"],
  ],
  [
    '{"timestamp":"2026-01-30T12:01:00Z","type":"batch_complete","data":{"successes":9,"failures":1,"rate":476.2}}',
    ["data.elapsed_secs", "data.failed_seeds", "data.coverage", "data.properties"],
  ],
])("the older shape is not the contract: %s", (line, missing) => {
  const parsed = voprRecordSchema.safeParse(parseJson(line, "line"));
  expect(parsed.error?.issues.map(({ path }) => path.join("."))).toStrictEqual(missing);
});
