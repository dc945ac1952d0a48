/** The outbox in front of S3, whose network goes away in the middle: nothing lost, order per key kept. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "@jest/globals";

import { startMoto, type Moto } from "../../test/aws/moto.ts";
import { until } from "../../test/until.ts";
import { startProxy, type Proxy } from "../../test/aws/proxy.ts";
import { Outbox, type OutboxEvent } from "./outbox.ts";
import { S3Store } from "./s3-store.ts";
import { keysOf } from "./store-contract.ts";

let moto: Moto;
let proxy: Proxy;
let directory: string;
beforeAll(async () => {
  moto = await startMoto();
  await moto.createBucket("kimtest-outbox");
  proxy = await startProxy(moto.port);
  directory = await mkdtemp(join(tmpdir(), "kimtest-outbox-s3-"));
}, 330_000);
afterAll(async () => {
  await proxy.stop();
  await moto.stop();
  await rm(directory, { recursive: true });
});

test("puts before, during and after an outage all arrive, also over a restart in the middle of it", async () => {
  process.env["AWS_ENDPOINT_URL"] = proxy.endpoint;
  const store = new S3Store({
    bucket: "kimtest-outbox",
    prefix: "",
    requestTimeoutMs: 5_000,
    connectionTimeoutMs: 5_000,
    maxAttempts: 1,
  });
  const events: OutboxEvent[] = [];
  const open = (): Promise<Outbox> =>
    Outbox.open({ directory, store, retry: { firstMs: 20, maxMs: 100 }, onEvent: (event) => events.push(event) });
  const putSome = async (outbox: Outbox, from: number): Promise<void> => {
    for (let number = from; number < from + 20; number++) {
      await outbox.put(`failures/vopr/seed-${String(number)}-1700000000000.json`, String(number));
      await outbox.put("cycles/current.json", String(number));
      await outbox.put("checkpoints/latest.json", String(number), { supersedes: true });
    }
  };

  let outbox = await open();
  await putSome(outbox, 0);
  expect((await outbox.flush(60_000)).delivered).toBe(true);
  proxy.set("refuse");
  await putSome(outbox, 20);
  await until("the outage has begun", () => outbox.outage().since !== undefined);
  expect(outbox.waiting()).toBeGreaterThanOrEqual(41);
  await outbox.close();
  outbox = await open();
  expect(outbox.outage().since).toBeInstanceOf(Date);
  proxy.set("hang");
  await putSome(outbox, 40);
  await outbox.flush(300);
  expect((await outbox.read("cycles/current.json"))?.toString()).toBe("59");
  proxy.setOnce("cut-answers", 3);
  await putSome(outbox, 60);
  expect(await outbox.flush(60_000)).toEqual({ delivered: true, waiting: 0 });
  await outbox.close();

  expect(await keysOf(store.list("failures/"))).toHaveLength(80);
  for (const key of ["cycles/current.json", "checkpoints/latest.json"]) {
    expect((await store.get(key))?.body.toString()).toBe("79");
  }
  expect(outbox.outage().since).toBeUndefined();
  // Since before the flush of 300 ms that brought nothing.
  expect(outbox.outage().totalMs).toBeGreaterThan(299);
  const sequences = events.flatMap((event) =>
    event.type === "delivered" && event.key === "cycles/current.json" ? [event.sequence] : [],
  );
  expect(sequences).toHaveLength(80);
  expect(events.filter(({ type }) => type === "damaged" || type === "refused" || type === "disk-trouble")).toEqual([]);
  store.close();
}, 180_000);
