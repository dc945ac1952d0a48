/** Each invariant is shown to be able to fail: one that never could proves nothing. */
import { describe, expect, test } from "@jest/globals";
import { Database } from "../database/database.ts";
import { OPERATION, Operation, valueOf } from "../database/operation.ts";
import { ROOT, Superblock, corrupted, entryAfter, type Entry } from "../vsr/log.ts";
import { Checkpoint } from "../vsr/checkpoint.ts";
import { NO_BUGS } from "../vsr/state.ts";
import { wrongCheckpoint } from "./checkpoint-recovery.ts";
import { CommitHistory, forgottenRequest, withoutQuorum } from "./commit-history.ts";
import { Model } from "./data-correctness.ts";
import { ReplicaConsistency } from "./replica-consistency.ts";
import { ReplicaHeadProgress } from "./replica-head-progress.ts";
import { differingDisk, differingState, replay } from "./storage-determinism.ts";
import { foreignResult } from "./tenant-isolation.ts";
import { CommittedHistory } from "./vsr-agreement.ts";
import { PrefixProperty } from "./vsr-prefix-property.ts";
import { RecoverySafety } from "./vsr-recovery-safety.ts";
import { missingFromPrimary } from "./vsr-view-change-safety.ts";

const SIZE = { tenants: 1, keysPerTenant: 1, clients: 1, sessions: 1 };

const write = (client: number, request: number): Operation =>
  new Operation(OPERATION.write, 0, valueOf(0, request), client, request, 1, 0);
const one = entryAfter(ROOT, 0, new Operation(OPERATION.register, 0, 0, 0, 0, 0, 0));
const two = entryAfter(one, 0, write(0, 1));
const otherTwo = entryAfter(one, 1, write(0, 1));

function historyOf(...entries: Entry[]): CommittedHistory {
  const history = new CommittedHistory();
  for (const entry of entries) history.commit(0, entry.view, entry);
  return history;
}

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
    commits.continuesFrom(2, 1);
    expect(commits.commit(2, two)).toBe(null);
  });

  test("fails when too few replicas hold what is committed", () => {
    expect(withoutQuorum(two, 2, 3)).toBe(null);
    expect(withoutQuorum(two, 2, 5)).toBe("op 2 was committed, but only 2 of 5 replicas hold it, 3 must");
  });
});

describe("vsr_view_change_safety", () => {
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
});

describe("commit_history of answers", () => {
  test("fails when an answer was given to what nobody committed", () => {
    const commits = new CommitHistory(3, 1);
    commits.commit(0, one);
    expect(commits.acknowledged(0, 0)).toBe(null);
    expect(commits.acknowledged(0, 1)).toBe("client 0 was answered request 1, which no replica has committed");
  });
});

describe("commit_history at rest", () => {
  test("fails when a replica does not remember what was answered", () => {
    expect(forgottenRequest(1, replay([ROOT, one, two], SIZE), 0, 1)).toBe(null);
    expect(forgottenRequest(1, replay([ROOT, one], SIZE), 0, 1)).toBe(
      "client 0 was answered request 1, but replica 1 executed only up to request 0",
    );
  });
});

describe("storage_determinism", () => {
  const log = [ROOT, one, two];

  test("fails when a state is not what the log gives", () => {
    const expected = replay(log, SIZE);
    expect(differingState(0, expected, replay(log, SIZE))).toBe(null);
    expect(differingState(0, expected, replay([ROOT, one], SIZE))).toMatch(/^replica 0 has state .* but executing/);
  });

  test("fails when the running hash is wrong", () => {
    const database = new Database(SIZE, NO_BUGS);
    database.hashLow = 1;
    expect(differingState(2, new Database(SIZE, NO_BUGS), database)).toBe(
      "the running hash of replica 2 is not the hash of its state",
    );
  });

  test("fails when a disk lacks, spoils or differs", () => {
    const disk = (...slots: (Entry | null)[]): string | null =>
      differingDisk(1, log, { slots: [null, ...slots], superblocks: [new Superblock(1, 0, 0, 0)], checkpoints: [] });
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

describe("data_correctness", () => {
  test("fails when an answer is not that of the model", () => {
    const model = new Model(SIZE);
    expect(model.check(1, one.operation, 1)).toBe(null);
    expect(model.check(2, two.operation, 99)).toBe(
      "op 2, write(tenant 0, key 0, value 16), gave 99, but the model says 16",
    );
  });

  test("knows what a cell held at any time", () => {
    const model = new Model(SIZE);
    model.execute(1, one.operation);
    model.execute(2, two.operation);
    expect([model.valueAt(0, 1), model.valueAt(0, 2), model.valueAt(0, 9)]).toEqual([0, 16, 16]);
  });
});

describe("tenant_isolation", () => {
  test("fails when a value is of another tenant", () => {
    const read = new Operation(OPERATION.read, 0, 0, 0, 1, 1, 2);
    expect(foreignResult(read, valueOf(2, 5), null)).toBe(null);
    expect(foreignResult(read, valueOf(1, 5), null)).toBe("tenant 2 read 49, which tenant 1 wrote");
    const scan = new Operation(OPERATION.scan, 0, 3, 0, 1, 1, 2);
    expect(foreignResult(scan, 12345, [0, valueOf(2, 1), valueOf(3, 1)])).toBe(
      "tenant 2 read 19, which tenant 3 wrote",
    );
  });
});

describe("checkpoint_recovery", () => {
  test("fails when a checkpoint is not the state at its op", () => {
    const { hashLow, hashHigh } = replay([ROOT, one, two], SIZE);
    const right = new Checkpoint(two, replay([ROOT, one, two], SIZE));
    const stale = new Checkpoint(two, replay([ROOT, one], SIZE));
    const history = [ROOT, one, two];
    expect(wrongCheckpoint(0, right, history, hashLow, hashHigh)).toBe(null);
    expect(wrongCheckpoint(0, stale, history, hashLow, hashHigh)).toMatch(
      /^the checkpoint of op 2 of replica 0 has state/,
    );
    expect(wrongCheckpoint(0, right, [ROOT, one], hashLow, hashHigh)).toMatch(/which nobody committed$/);
    expect(wrongCheckpoint(0, right, [ROOT, one, otherTwo], hashLow, hashHigh)).toMatch(/stands on another op 2$/);
  });
});

describe("vsr_prefix_property", () => {
  test("fails when two replicas have different entries in one view, and only then", () => {
    const prefix = new PrefixProperty(3);
    expect(prefix.isNew(0, 1, two)).toBe(true);
    expect(prefix.check(0, 1, two)).toBe(null);
    expect(prefix.isNew(0, 1, two)).toBe(false);
    expect(prefix.check(1, 2, otherTwo)).toBe(null);
    expect(prefix.check(2, 1, otherTwo)).toBe(
      "replica 2 has another op 2 in view 1 than a replica that was in it before",
    );
  });
});

describe("vsr_recovery_safety", () => {
  const history = [ROOT, one, two];
  test("fails when what was committed before is not there after", () => {
    const recovery = new RecoverySafety(2);
    recovery.begins(0, 3, 2);
    expect(recovery.ends(0, 3, history, 0, history)).toBe(null);
    recovery.begins(1, 3, 2);
    expect(recovery.ends(1, 3, [ROOT, one], 0, history)).toBe(
      "op 2 was committed before replica 1 began to recover, but its new log ends at op 1",
    );
    recovery.begins(1, 3, 2);
    expect(recovery.ends(1, 3, [ROOT, one, otherTwo], 0, history)).toMatch(/has something else there$/);
    recovery.begins(1, 3, 0);
    expect(recovery.ends(1, 2, history, 0, history)).toBe("replica 1 recovered into view 2, but had promised 3");
    expect(recovery.ends(1, 2, history, 0, history)).toBe("replica 1 recovered without having asked");
  });
});
