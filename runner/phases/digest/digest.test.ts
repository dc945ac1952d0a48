/** The registry of a store that is slow to answer. Real files; only the answers to one reader are held back. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { REGISTRY_KEY } from "../../../contracts/bucket.ts";
import { fakeProfile } from "../../../test/fake-profile.ts";
import { phaseBenches } from "../../../test/phase-bench.ts";
import { storeWith } from "../../store/store-with.fixture.ts";
import { digestPhase, storeInterimDigest } from "./digest.ts";
import { sighting } from "./samples.fixture.ts";

const open = phaseBenches();

test("an interim merge that was given up writes nothing when its answer comes after the final digest", async () => {
  const { context, bench } = await open({ profile: fakeProfile(), phase: "digest", budgetMs: 60_000 });
  const see = (...signatures: string[]): void => {
    const sightings = Object.fromEntries(signatures.map((signature) => [signature, sighting(signature)]));
    context.state.change((now) => ({ ...now, sightings }));
  };
  const answer = Promise.withResolvers<undefined>();
  const slow = storeWith(context.store, {
    async get(key, options) {
      await answer.promise;
      return context.store.get(key, options);
    },
  });
  see("agreement:gray");
  const givingUp = new AbortController();
  const interim = storeInterimDigest({ ...context, store: slow, signal: givingUp.signal }, undefined);
  givingUp.abort();
  await interim;

  see("agreement:gray", "hash_chain:combined");
  await digestPhase(context);
  const merged = bench.text(REGISTRY_KEY);
  expect(merged).toContain("hash_chain:combined");
  answer.resolve(undefined);
  await delay(200);
  expect(bench.text(REGISTRY_KEY)).toBe(merged);
});
