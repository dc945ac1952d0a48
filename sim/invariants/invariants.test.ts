/** Each invariant is shown to be able to fail: one that never could proves nothing. */
import { describe, expect, test } from "@jest/globals";
import { Database } from "../database/database.ts";
import { OPERATION, Operation } from "../database/operation.ts";
import { ROOT, corrupted, entryAfter, type Entry } from "../vsr/log.ts";
import { INVARIANTS } from "./catalogue.ts";
import { CommitHistory, forgottenRequest, missingFromPrimary } from "./commit-history.ts";
import { ReplicaConsistency } from "./replica-consistency.ts";
import { ReplicaHeadProgress } from "./replica-head-progress.ts";
import { differingDisk, differingState, replay } from "./storage-determinism.ts";
import { CommittedHistory } from "./vsr-agreement.ts";

const write = (client: number, request: number): Operation =>
  new Operation(OPERATION.write, 0, request + 1, client, request, 1);
const one = entryAfter(ROOT, 0, new Operation(OPERATION.register, 0, 0, 0, 0, 0));
const two = entryAfter(one, 0, write(0, 1));
const otherTwo = entryAfter(one, 1, write(0, 1));

function historyOf(...entries: Entry[]): CommittedHistory {
  const history = new CommittedHistory();
  for (const entry of entries) history.commit(0, entry.view, entry);
  return history;
}

test("the names are those that are printed", () => {
  expect(INVARIANTS.map(({ name }) => name)).toEqual([
    "linearizability",
    "replica_consistency",
    "hash_chain",
    "commit_history",
    "storage_determinism",
    "replica_head_progress",
    "vsr_agreement",
    "liveness_eventual_progress",
  ]);
});

describe("vsr_agreement", () => {
  test("holds when all commit the same", () => {
    const history = historyOf(one, two);
    expect(history.commit(1, 0, one)).toBe(null);
    expect(history.commit(2, 3, two)).toBe(null);
    expect(history.length).toBe(2);
  });

  test("fails when two commit different entries under one number", () => {
    expect(historyOf(one, two).commit(2, 1, otherTwo)).toMatch(
      /^replica 2 committed [0-9a-f]{16} as op 2 in view 1, but /,
    );
  });

  test("fails when a number is left out", () => {
    expect(historyOf().commit(1, 0, two)).toBe("replica 1 committed op 2, but nobody ever committed op 1");
  });
});

describe("replica_consistency", () => {
  test("fails when the states after one op differ", () => {
    const consistency = new ReplicaConsistency();
    expect(consistency.commit(0, 1, 10, 20)).toBe(null);
    expect(consistency.commit(1, 1, 10, 20)).toBe(null);
    expect(consistency.commit(2, 1, 10, 21)).toBe(
      "after op 1 replica 2 has state 000000150000000a, but another had 000000140000000a",
    );
  });
});

describe("commit_history", () => {
  test("fails on a gap and on a repetition", () => {
    const commits = new CommitHistory(3, 1);
    expect(commits.commit(0, two)).toBe("replica 0 committed op 2 where op 1 was next");
    expect(commits.commit(1, one)).toBe(null);
    expect(commits.commit(1, one)).toBe("replica 1 committed op 1 where op 2 was next");
    commits.restarted(2);
    expect(commits.commit(2, one)).toBe(null);
  });

  test("fails when a new primary lacks what was committed", () => {
    const history = historyOf(one, two);
    expect(missingFromPrimary(history, 1, 4, [ROOT, one, two])).toBe(null);
    expect(missingFromPrimary(history, 1, 4, [ROOT, one])).toBe(
      "op 2 was committed in view 0, but the log of replica 1, primary of view 4, ends at op 1",
    );
    expect(missingFromPrimary(history, 1, 4, [ROOT, one, otherTwo])).toMatch(/has something else there$/);
  });

  test("does not ask an old primary for what a newer view committed", () => {
    const history = historyOf(one);
    history.commit(0, 5, two);
    expect(missingFromPrimary(history, 1, 4, [ROOT, one])).toBe(null);
    expect(missingFromPrimary(history, 1, 5, [ROOT, one])).not.toBe(null);
  });

  test("fails when an answer was given to what nobody committed", () => {
    const commits = new CommitHistory(3, 1);
    commits.commit(0, one);
    expect(commits.acknowledged(0, 0)).toBe(null);
    expect(commits.acknowledged(0, 1)).toBe("client 0 was answered request 1, which no replica has committed");
  });
});

describe("commit_history at rest", () => {
  test("fails when a replica does not remember what was answered", () => {
    expect(forgottenRequest(1, replay([ROOT, one, two], 1, 1), 0, 1)).toBe(null);
    expect(forgottenRequest(1, replay([ROOT, one], 1, 1), 0, 1)).toBe(
      "client 0 was answered request 1, but replica 1 executed only up to request 0",
    );
  });
});

describe("storage_determinism", () => {
  const log = [ROOT, one, two];

  test("fails when a state is not what the log gives", () => {
    const expected = replay(log, 1, 1);
    expect(differingState(0, expected, replay(log, 1, 1))).toBe(null);
    expect(differingState(0, expected, replay([ROOT, one], 1, 1))).toMatch(/^replica 0 has state .* but executing/);
  });

  test("fails when the running hash is wrong", () => {
    const database = new Database(1, 1);
    database.hashLow = 1;
    expect(differingState(2, new Database(1, 1), database)).toBe(
      "the running hash of replica 2 is not the hash of its state",
    );
  });

  test("fails when a disk lacks, spoils or differs", () => {
    const disk = (...slots: (Entry | null)[]): string | null =>
      differingDisk(1, log, { slots: [null, ...slots], superblocks: [] });
    expect(disk(one, two)).toBe(null);
    expect(disk(one)).toBe("the disk of replica 1 does not hold committed op 2");
    expect(disk(corrupted(one, 1), two)).toBe("on the disk of replica 1 the checksum of op 1 does not fit its content");
    expect(disk(one, otherTwo)).toBe("the disk of replica 1 holds something else as op 2");
  });
});

describe("replica_head_progress", () => {
  test("fails when a view goes back or a commit passes the log", () => {
    const progress = new ReplicaHeadProgress(1);
    expect(progress.check(0, 3, 2, 5, 5)).toBe(null);
    expect(progress.check(0, 2, 2, 5, 5)).toBe(null);
    expect(progress.check(0, 1, 1, 5, 5)).toBe("replica 0 went back from view 2 to 1");
    expect(progress.check(0, 3, 3, 5, 6)).toBe("replica 0 has committed op 6, but its log ends at op 5");
  });
});
